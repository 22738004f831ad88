package node

import (
	"archive/tar"
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestVictims looks into the images: a program is static or not, and the static ones are made of the version of musl that the
// image is called by.
func TestVictims(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	b := &builder{root: "../../..", cache: filepath.Join(cache, "muslsafe"), dir: t.TempDir()}
	if _, err := os.Stat(filepath.Join(b.cache, Libcs[1], "libc.a")); err != nil {
		lab.Skip(t, "needs the versions of musl (test/install.sh fetches them): "+err.Error())
	}
	images := map[string]v1.Image{}
	if b.victims(images); b.err != nil {
		t.Fatal(b.err)
	}
	for _, libc := range Libcs {
		v := Victim{Libc: libc}
		for _, program := range v.Programs() {
			want := "" // a shared library has it
			if v.Musl() && program == "/look" {
				want = strings.TrimPrefix(libc, "musl-")
			}
			if got := staticMusl(t, unpack(t, images[VictimImage(libc)], program)); got != want {
				t.Errorf("%s in the image of %s is static with musl %q; want %q", program, libc, got, want)
			}
		}
	}
}

// unpack returns a program of an image.
func unpack(t *testing.T, image v1.Image, program string) *elf.File {
	t.Helper()
	layers := mutate.Extract(image)
	defer layers.Close()
	for r := tar.NewReader(layers); ; {
		header, err := r.Next()
		if err != nil {
			t.Fatalf("%s: %v", program, err)
		}
		if "/"+header.Name != program {
			continue
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

// staticMusl returns the version of musl that a program has in itself, or nothing if it wants a loader or a library.
func staticMusl(t *testing.T, f *elf.File) string {
	t.Helper()
	libraries, err := f.ImportedLibraries()
	if err != nil && !errors.Is(err, elf.ErrNoSymbols) {
		t.Fatal(err)
	}
	loader := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
	if loader || len(libraries) > 0 {
		return ""
	}
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == versionSymbol })
	if i < 0 {
		t.Fatal("a static program without a version of musl")
	}
	section := f.Sections[symbols[i].Section]
	text := make([]byte, symbols[i].Size-1) // without the zero byte at its end
	if _, err := section.ReadAt(text, int64(symbols[i].Value-section.Addr)); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
