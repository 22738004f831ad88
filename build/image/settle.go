package main

import (
	"bytes"
	"fmt"
	"io"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// settle copies an image, with its tags, and leaves out of its configuration what changes from build to build. An engine
// names the architecture of its own machine, so that of the binary is put in.
func settle(in io.Reader, out io.Writer, arch string, epoch time.Time) error {
	archive, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil }
	manifest, err := tarball.LoadManifest(open)
	if err != nil {
		return fmt.Errorf("expect an image from docker save: %w", err)
	}
	if len(manifest) != 1 {
		return fmt.Errorf("%d images; expect one", len(manifest))
	}
	img, err := tarball.Image(open, nil)
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	img, err = mutate.ConfigFile(img, settled(config, arch, epoch))
	if err != nil {
		return err
	}
	tags := make(map[name.Tag]v1.Image)
	for _, text := range manifest[0].RepoTags {
		tag, err := name.NewTag(text)
		if err != nil {
			return err
		}
		tags[tag] = img
	}
	return tarball.MultiWrite(tags, out)
}

// settled returns a configuration that has nothing but what the image is, and not how and where it was built.
func settled(config *v1.ConfigFile, arch string, epoch time.Time) *v1.ConfigFile {
	c := &v1.ConfigFile{
		Architecture: arch,
		OS:           config.OS,
		Created:      v1.Time{Time: epoch},
		Config:       config.Config,
		RootFS:       config.RootFS,
	}
	c.Config.Hostname, c.Config.Image = "", ""
	for _, h := range config.History {
		c.History = append(c.History, v1.History{Created: v1.Time{Time: epoch}, EmptyLayer: h.EmptyLayer})
	}
	return c
}
