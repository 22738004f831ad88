package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// blobs are the files that images consist of.
type blobs interface {
	open(name string) (io.ReadCloser, int64, error)
}

// image is one of an archive or a layout.
type image struct {
	name     string
	platform string
	layers   []string // their names among the blobs, the lowest first
}

// What is read of descriptions, which are small.
const (
	maxJSON   = 8 << 20
	maxImages = 256
)

// imagesIn returns the images in an archive or a layout, nil if there is no description of any.
func imagesIn(b blobs) ([]image, error) {
	if data, err := readJSON(b, "manifest.json"); err == nil {
		return savedImages(b, data)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	data, err := readJSON(b, "index.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	index := &indexReader{blobs: b}
	if err := index.read(data, "", 0); err != nil {
		return nil, err
	}
	if len(index.images) == 0 {
		return nil, errors.New("index.json names no image of a container")
	}
	return index.images, nil
}

// readJSON reads a description. The error wraps fs.ErrNotExist if there is none.
func readJSON(b blobs, name string) ([]byte, error) {
	r, size, err := b.open(name)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	defer r.Close()
	if size > maxJSON {
		return nil, fmt.Errorf("%s has %d bytes; expect less than %d", short(name), size, maxJSON)
	}
	return io.ReadAll(r)
}

// savedImages reads what docker save writes.
func savedImages(b blobs, data []byte) (images []image, err error) {
	var manifest tarball.Manifest
	if err := json.Unmarshal(data, &manifest); err != nil || len(manifest) == 0 {
		if json.Valid(data) {
			return nil, nil // the file of a root file system, which has the name by chance
		}
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	if len(manifest) > maxImages {
		return nil, fmt.Errorf("has %d images; expect up to %d", len(manifest), maxImages)
	}
	for _, d := range manifest {
		i := image{name: strings.Join(d.RepoTags, ", "), layers: d.Layers}
		config, err := readJSON(b, d.Config)
		if err != nil {
			return nil, fmt.Errorf("manifest.json: %w", err)
		}
		var c v1.ConfigFile
		if err := json.Unmarshal(config, &c); err != nil {
			return nil, fmt.Errorf("%s: %w", short(d.Config), err)
		}
		if p := c.Platform(); p != nil {
			i.platform = p.String()
		}
		images = append(images, i)
	}
	return images, nil
}

// images scans images one after the other.
func (s *Scanner) images(name string, b blobs, images []image) (reports []*Report, err error) {
	for _, i := range images {
		r := newReport(name)
		r.Image, r.Platform = i.name, i.platform
		if err := s.image(r, b, i); err != nil {
			return nil, fmt.Errorf("%s: %w", name, cut(err))
		}
		reports = append(reports, r.sorted())
	}
	return reports, nil
}

func (s *Scanner) image(r *Report, b blobs, i image) error {
	l := s.newLayerer(r)
	defer l.close()
	for _, name := range i.layers {
		layer, err := partial.CompressedToLayer(&blob{b, name})
		if err != nil {
			return err
		}
		in, err := layer.Uncompressed()
		if err != nil {
			return err
		}
		err = l.apply(in)
		in.Close()
		if err != nil {
			return fmt.Errorf("layer %s: %w", short(name), cut(err))
		}
	}
	l.judge()
	return nil
}

// judge judges the programs of the image.
func (l *layerer) judge() {
	l.tree.each(func(name string, o *object) {
		if o.isProgram {
			l.r.add(judge(name, o, place{l.tree}))
		}
	})
}

// blob is a layer as it is stored: the library finds out how it is compressed.
type blob struct {
	blobs
	name string
}

func (b *blob) Compressed() (io.ReadCloser, error) {
	r, _, err := b.open(b.name)
	return r, err
}

// The rest of a layer is not asked for.
func (b *blob) Digest() (v1.Hash, error)            { return v1.Hash{}, errors.ErrUnsupported }
func (b *blob) Size() (int64, error)                { return 0, errors.ErrUnsupported }
func (b *blob) MediaType() (types.MediaType, error) { return "", errors.ErrUnsupported }
