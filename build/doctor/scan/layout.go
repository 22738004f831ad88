package scan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// indexReader collects the images of an OCI layout.
type indexReader struct {
	blobs
	images []image
}

// maxDepth is how deep indexes may be inside of each other.
const maxDepth = 4

func (x *indexReader) read(data []byte, name string, depth int) error {
	var index v1.IndexManifest
	if err := json.Unmarshal(data, &index); err != nil {
		return fmt.Errorf("index: %w", err)
	}
	if depth > maxDepth || len(x.images)+len(index.Manifests) > maxImages {
		return fmt.Errorf("has indexes more than %d deep, or more than %d images", maxDepth, maxImages)
	}
	for _, d := range index.Manifests {
		if d.Annotations["vnd.docker.reference.type"] != "" {
			continue // what is said about an image, such as how it was built
		}
		data, err := readJSON(x, blobName(d.Digest))
		if errors.Is(err, fs.ErrNotExist) && depth > 0 {
			continue // an image for several platforms, of which some were saved
		}
		if err != nil {
			return err
		}
		if err := x.manifest(d, data, nameOf(d, name), depth); err != nil {
			return err
		}
	}
	return nil
}

func (x *indexReader) manifest(d v1.Descriptor, data []byte, name string, depth int) error {
	if d.MediaType.IsIndex() {
		return x.read(data, name, depth+1)
	}
	var m v1.Manifest
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("%s: %w", d.Digest, err)
	}
	if !m.Config.MediaType.IsConfig() {
		return nil // a chart, a signature or another thing that is no image
	}
	i := image{name: name}
	for _, l := range m.Layers {
		i.layers = append(i.layers, blobName(l.Digest))
	}
	var c v1.ConfigFile
	config, err := readJSON(x, blobName(m.Config.Digest))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return fmt.Errorf("%s: %w", m.Config.Digest, err)
	}
	if p := c.Platform(); p != nil {
		i.platform = p.String()
	}
	x.images = append(x.images, i)
	return nil
}

// nameOf returns the name of an image, or that of the index that it is in.
func nameOf(d v1.Descriptor, above string) string {
	for _, key := range []string{"io.containerd.image.name", "org.opencontainers.image.ref.name"} {
		if name := d.Annotations[key]; name != "" {
			return name
		}
	}
	return above
}

func blobName(h v1.Hash) string { return path.Join("blobs", h.Algorithm, h.Hex) }

// layoutDir is an OCI layout in a folder.
type layoutDir struct{ d *dir }

func (l layoutDir) open(name string) (io.ReadCloser, int64, error) {
	at, ok := resolve(l.d, name)
	if !ok {
		return nil, 0, fmt.Errorf("%s is not in the layout", short(name))
	}
	f, err := l.d.open(at)
	if err != nil {
		return nil, 0, fmt.Errorf("%s: %w", short(name), err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// isLayout reports whether a folder is an OCI layout.
func isLayout(dir fs.FS) bool {
	_, err := fs.Stat(dir, "oci-layout")
	_, err2 := fs.Stat(dir, "index.json")
	return err == nil && err2 == nil
}

func (s *Scanner) layout(name string) ([]*Report, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	b := layoutDir{&dir{root: root, name: name}}
	images, err := imagesIn(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cut(err))
	}
	return s.images(name, b, images)
}
