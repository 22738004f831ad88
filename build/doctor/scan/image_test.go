package scan

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// imageFor makes an image of two layers: a static program and a folder below, and over them one that hides it.
func imageFor(t *testing.T, arch string, compress compression.Compression) v1.Image {
	t.Helper()
	img, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{Architecture: arch, OS: "linux", RootFS: v1.RootFS{Type: "layers"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, entries := range [][]entryOf{{app("bin/hidden"), app("bin/" + arch)}, {gone("bin/.wh.hidden"), app("app")}} {
		data, err := io.ReadAll(layerOf(t, entries...))
		if err != nil {
			t.Fatal(err)
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil }
		options := []tarball.LayerOption{tarball.WithCompression(compress)}
		if compress == compression.ZStd {
			options = append(options, tarball.WithMediaType(types.OCILayerZStd))
		}
		layer, err := tarball.LayerFromOpener(open, options...)
		if err != nil {
			t.Fatal(err)
		}
		if img, err = mutate.AppendLayers(img, layer); err != nil {
			t.Fatal(err)
		}
	}
	return img
}

// imageFiles writes images in all forms, and returns where they are and what is in each.
func imageFiles(t *testing.T) map[string]string {
	t.Helper()
	dir := t.TempDir()
	amd64, arm64 := imageFor(t, "amd64", compression.GZip), imageFor(t, "arm64", compression.ZStd)
	tag := func(s string) name.Tag {
		tag, err := name.NewTag(s)
		if err != nil {
			t.Fatal(err)
		}
		return tag
	}
	saved, both := dir+"/saved.tar", dir+"/both.tar"
	if err := tarball.WriteToFile(saved, tag("example.org/app:1"), amd64); err != nil {
		t.Fatal(err)
	}
	images := map[name.Tag]v1.Image{tag("example.org/app:1"): amd64, tag("example.org/app:2"): arm64}
	if err := tarball.MultiWriteToFile(both, images); err != nil {
		t.Fatal(err)
	}
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm64, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: amd64, Descriptor: v1.Descriptor{Annotations: map[string]string{"vnd.docker.reference.type": "attestation-manifest"}}},
	)
	path, err := layout.Write(dir+"/layout", empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": "3"})); err != nil {
		t.Fatal(err)
	}
	pack(t, dir+"/layout", dir+"/layout.tar")
	zip(t, saved, dir+"/saved.tar.gz")
	one, two := "[example.org/app:1 linux/amd64] /app /bin/amd64", "[example.org/app:2 linux/arm64] /app /bin/arm64"
	oci := strings.ReplaceAll(one+" "+two, "example.org/app:1", "3")
	oci = strings.ReplaceAll(oci, "example.org/app:2", "3")
	return map[string]string{
		saved: one, dir + "/saved.tar.gz": one, both: one + " " + two, dir + "/layout": oci, dir + "/layout.tar": oci,
	}
}

// pack packs a folder with tar.
func pack(t *testing.T, dir, to string) {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.AddFS(os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, to, b.String())
}

func zip(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, to, b.String())
}

// described is the images and programs of reports.
func described(reports []*Report) string {
	words := make(map[string]string)
	var order []string
	for _, r := range reports {
		key := fmt.Sprintf("[%s %s]", r.Image, r.Platform)
		order = append(order, key)
		for _, p := range r.Programs {
			words[key] += " " + p.Path
		}
	}
	if len(order) == 2 && order[0] > order[1] { // that of several images in an archive is not fixed
		order[0], order[1] = order[1], order[0]
	}
	var all []string
	for _, key := range order {
		all = append(all, key+words[key])
	}
	return strings.Join(all, " ")
}

// TestImages reads images in all forms, from files and from a stream.
func TestImages(t *testing.T) {
	for file, want := range imageFiles(t) {
		reports, err := new(Scanner).Path(file)
		if got := described(reports); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", filepath.Base(file), got, err, want)
		}
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		reports, err = new(Scanner).Stream("standard input", f)
		if got := described(reports); err != nil || got != want {
			t.Errorf("%s as a stream: %s, %v; want %s", filepath.Base(file), got, err, want)
		}
		f.Close()
	}
}

// TestDocker has an image that Docker built, with a loader in one layer and programs in two others.
func TestDocker(t *testing.T) {
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		lab.Skip(t, "needs a Docker engine: "+string(out))
	}
	const tag = "muslsafe-test/scan:test"
	dir := t.TempDir()
	copyFile(t, musl(t, "1.2.3")+"/libc.so", dir+"/old"+muslLoaderPath)
	copyFile(t, musl(t, "1.2.6")+"/libc.so", dir+"/new"+muslLoaderPath)
	copyFile(t, shared(t, client), dir+"/old/usr/bin/shared")
	copyFile(t, static(t, "1.2.5", client), dir+"/new/usr/bin/static")
	write(t, dir+"/Dockerfile", "FROM scratch AS base\nCOPY old/ /\nFROM base\nCOPY new/ /\n")
	run(t, []string{"DOCKER_BUILDKIT=0"}, "docker", "build", "--quiet", "--tag", tag, dir)
	t.Cleanup(func() { run(t, nil, "docker", "rmi", "--force", tag) })
	run(t, nil, "docker", "save", "--output", dir+"/saved.tar", tag)
	reports, err := new(Scanner).Path(dir + "/saved.tar")
	if err != nil || len(reports) != 1 || reports[0].Image != tag {
		t.Fatalf("%+v, %v; want the image %s", reports, err, tag)
	}
	if got, want := lines(reports[0]), "/usr/bin/shared musl 1.2.6\n/usr/bin/static musl 1.2.5 guess\n"; got != want {
		t.Errorf("%s; want %s", got, want)
	}
}
