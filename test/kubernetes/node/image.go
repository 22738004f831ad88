package node

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// file is a file of an image: a copy of one of this machine, or a link.
type file struct{ from, link string }

// archive packs files by their path in an image, with the folders that they are in.
func archive(files map[string]file) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	made := map[string]bool{".": true, "/": true}
	for _, to := range slices.Sorted(maps.Keys(files)) {
		if err := folders(w, path.Dir(to), made); err != nil {
			return nil, err
		}
		header := &tar.Header{Name: strings.TrimPrefix(to, "/"), Typeflag: tar.TypeSymlink, Linkname: files[to].link, Mode: 0o777}
		var text []byte
		if files[to].link == "" {
			var err error
			if text, err = os.ReadFile(files[to].from); err != nil {
				return nil, err
			}
			header.Typeflag, header.Mode, header.Size = tar.TypeReg, 0o755, int64(len(text))
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(text); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), w.Close()
}

// folders adds a folder, and those that it is in, once.
func folders(w *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if err := folders(w, path.Dir(dir), made); err != nil {
		return err
	}
	made[dir] = true
	return w.WriteHeader(&tar.Header{Name: strings.TrimPrefix(dir, "/") + "/", Typeflag: tar.TypeDir, Mode: 0o755})
}

// newImage makes an image of one layer. It goes no way on which it had better be small.
func newImage(rootfs []byte, config v1.Config) (v1.Image, error) {
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(rootfs)), nil
	}, tarball.WithCompressionLevel(gzip.NoCompression))
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		return nil, err
	}
	f, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	f = f.DeepCopy()
	f.OS, f.Architecture, f.Config = "linux", runtime.GOARCH, config
	return mutate.ConfigFile(image, f)
}

// dockerfile reads what build/image/Dockerfile says of a container: its user, its command, where it runs. Each stage adds to
// the first one.
func dockerfile(file, stage string) (v1.Config, error) {
	var c v1.Config
	text, err := os.ReadFile(file)
	if err != nil {
		return c, err
	}
	at := ""
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "FROM" {
			at = rest
		}
		if at != "scratch AS base" && at != "base AS "+stage {
			continue
		}
		var err error
		switch word {
		case "USER":
			c.User = rest
		case "WORKDIR":
			c.WorkingDir = rest
		case "ENTRYPOINT":
			err = json.Unmarshal([]byte(rest), &c.Entrypoint)
		case "CMD":
			err = json.Unmarshal([]byte(rest), &c.Cmd)
		}
		if err != nil {
			return c, fmt.Errorf("%s: %s: %w", file, line, err)
		}
	}
	if c.Entrypoint == nil {
		return c, fmt.Errorf("%s has no stage %s", file, stage)
	}
	return c, nil
}

// Import gives images to every node, as a registry would.
func (c *Cluster) Import(images map[string]v1.Image) error {
	tagged := map[name.Tag]v1.Image{}
	for ref, image := range images {
		tag, err := name.NewTag(ref)
		if err != nil {
			return err
		}
		tagged[tag] = image
	}
	file := filepath.Join(c.dir, "images.tar")
	if err := tarball.MultiWriteToFile(file, tagged); err != nil {
		return err
	}
	defer os.Remove(file)
	for _, n := range c.Nodes {
		if err := n.ctr("images", "import", file); err != nil {
			return err
		}
	}
	return nil
}
