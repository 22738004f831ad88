package scan

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCutShort holds that an archive that ends too early is one clear line, wherever it ends, and never a result.
func TestCutShort(t *testing.T) {
	for file := range imageFiles(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			continue // the folder
		}
		end := len(data)
		if strings.HasSuffix(file, ".tar") {
			end -= 1024 // the end is marked twice
		}
		for at := 1; at < end; at += 31 {
			reports, err := new(Scanner).Stream("standard input", bytes.NewReader(data[:at]))
			if err == nil || reports != nil || strings.Contains(err.Error(), "\n") || !strings.HasPrefix(err.Error(), "standard input") {
				t.Fatalf("%s cut at %d of %d: %s, %v; want an error", filepath.Base(file), at, len(data), described(reports), err)
			}
		}
	}
}

// TestBadImages has descriptions that do not fit what is there.
func TestBadImages(t *testing.T) {
	saved := func(text string) []entryOf { return []entryOf{{name: "manifest.json", text: text}} }
	config := entryOf{name: "config.json", text: `{"architecture":"amd64","os":"linux"}`}
	layout := func(text string) []entryOf {
		return []entryOf{{name: "oci-layout", text: "{}"}, {name: "index.json", text: text}}
	}
	blob := `"digest":"sha256:` + strings.Repeat("a", 64) + `"`
	tests := []struct {
		about   string
		entries []entryOf
		want    string // in the error
	}{
		{"no JSON", saved("{"), "manifest.json: unexpected end of JSON input"},
		{"no configuration", saved(`[{"Config":"config.json"}]`), "config.json is not in the archive"},
		{"no layer", append(saved(`[{"Config":"config.json","Layers":["layer.tar"]}]`), config), "layer.tar is not in the archive"},
		{"a layer that is text", append(saved(`[{"Config":"config.json","Layers":["config.json"]}]`), config), "layer config.json: the archive is cut short"},
		{"a layer that points to itself", append(saved(`[{"Config":"config.json","Layers":["l"]}]`), config, soft("l", "l")), "l is not in the archive"},
		{"too large a description", saved(strings.Repeat(" ", maxJSON+1)), "expect less than"},
		{"too many images", saved("[" + strings.Repeat("{},", maxImages) + "{}]"), "expect up to 256"},
		{"no manifest", layout(`{"manifests":[{` + blob + `}]}`), "is not in the archive"},
		{"no images", layout(`{"manifests":[]}`), "names no image"},
		{"a path instead of a digest", layout(`{"manifests":[{"digest":"sha256:../../../etc/passwd"}]}`), "index"},
	}
	for _, tc := range tests {
		reports, err := new(Scanner).Stream("standard input", layerOf(t, tc.entries...))
		if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") || reports != nil {
			t.Errorf("%s: %v, %v; want %q", tc.about, reports, err, tc.want)
		}
	}
}

// TestRootFS reads an archive of a root file system, which may have files of any name.
func TestRootFS(t *testing.T) {
	for name, entries := range map[string][]entryOf{
		"plain":                          {app("bin/a")},
		"with a manifest.json of others": {app("bin/a"), {name: "manifest.json", text: `{"name":"web"}`}},
	} {
		reports, err := new(Scanner).Stream("standard input", layerOf(t, entries...))
		if got := described(reports); err != nil || got != "[ ] /bin/a" {
			t.Errorf("%s: %s, %v; want /bin/a", name, got, err)
		}
	}
}

// Nothing is left behind where temporary files are kept.
func TestTemporary(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	big := tinyELF + strings.Repeat("\x00", inMemory)
	reports, err := new(Scanner).Stream("standard input", layerOf(t, entryOf{name: "big", text: big}, app("small"), entryOf{name: "big2", text: big}))
	if got := described(reports); err != nil || got != "[ ] /big /big2 /small" {
		t.Errorf("%s, %v; want three programs", got, err)
	}
	left, err := fs.Glob(os.DirFS(dir), "*")
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
	t.Setenv("TMPDIR", dir+"/missing")
	if _, err := new(Scanner).Stream("standard input", layerOf(t, app("a"))); err == nil || !strings.Contains(err.Error(), "by TMPDIR") {
		t.Errorf("without a folder for temporary files: %v; want an error that names TMPDIR", err)
	}
}
