package scan

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

// entryOf is an entry of a layer.
type entryOf struct {
	name string
	kind byte // 0 is a regular file
	link string
	text string
}

// layerOf packs a layer.
func layerOf(t *testing.T, entries ...entryOf) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Linkname: e.link, Size: int64(len(e.text)), Mode: 0o755}
		if e.kind == 0 {
			h.Typeflag = tar.TypeReg
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

// app is a program at a path.
func app(name string) entryOf { return entryOf{name: name, text: tinyELF} }

func gone(name string) entryOf { return entryOf{name: name} }

func hard(name, target string) entryOf { return entryOf{name: name, kind: tar.TypeLink, link: target} }

func soft(name, target string) entryOf {
	return entryOf{name: name, kind: tar.TypeSymlink, link: target}
}

// TestLayers holds that layers are put on each other as whoever starts a container does it.
func TestLayers(t *testing.T) {
	type layer = []entryOf
	tests := []struct {
		about  string
		layers []layer
		want   string
	}{
		{"one over the other", []layer{{app("bin/a")}, {app("bin/b")}}, "/bin/a /bin/b"},
		{"names of all sorts", []layer{{app("./bin/a"), app("/bin/b"), app("bin//c")}}, "/bin/a /bin/b /bin/c"},
		{"a name that leads out", []layer{{app("../../bin/a")}}, "/bin/a"},
		{"replaced by text", []layer{{app("bin/a")}, {{name: "bin/a", text: "text"}}}, ""},
		{"replaced by a folder", []layer{{app("bin/a")}, {app("bin/a/b")}}, "/bin/a/b"},
		{"a folder replaced by a file", []layer{{app("bin/a/b")}, {app("bin/a")}}, "/bin/a"},
		{"a folder again", []layer{{app("bin/a")}, {{name: "bin/", kind: tar.TypeDir}}}, "/bin/a"},
		{"taken away", []layer{{app("bin/a"), app("bin/b")}, {gone("bin/.wh.a")}}, "/bin/b"},
		{"a folder taken away", []layer{{app("opt/x/a"), app("b")}, {gone(".wh.opt")}}, "/b"},
		{"taken away and made anew", []layer{{app("bin/a")}, {gone("bin/.wh.a")}, {app("bin/a")}}, "/bin/a"},
		{"taken away below, made in the same layer", []layer{{app("bin/a")}, {app("bin/a"), gone("bin/.wh.a")}}, "/bin/a"},
		{"what is not there taken away", []layer{{gone("bin/.wh.a"), app("b")}}, "/b"},
		{"an opaque folder", []layer{{app("bin/a"), app("bin/x/a")}, {gone("bin/.wh..wh..opq"), app("bin/b")}}, "/bin/b"},
		{"an opaque folder, said last", []layer{{app("bin/a"), app("bin/x/a")}, {app("bin/x/b"), gone("bin/.wh..wh..opq")}}, "/bin/x/b"},
		{"a hard link", []layer{{app("bin/a"), hard("bin/b", "bin/a")}}, "/bin/a /bin/b"},
		{"a hard link keeps what is replaced later", []layer{{app("bin/a"), hard("bin/b", "bin/a")}, {{name: "bin/a", text: "text"}}}, "/bin/b"},
		{"a hard link through a link", []layer{{app("usr/bin/a"), soft("bin", "usr/bin")}, {hard("b", "bin/a")}}, "/b /usr/bin/a"},
		{"a hard link to nothing", []layer{{hard("bin/b", "bin/a")}}, ""},
		{"a hard link to a folder", []layer{{app("bin/a"), hard("b", "bin")}}, "/bin/a"},
		{"through a link of the layer below", []layer{{app("usr/bin/a"), soft("bin", "usr/bin")}, {app("bin/b")}}, "/usr/bin/a /usr/bin/b"},
		{"taken away through a link", []layer{{app("usr/bin/a"), soft("bin", "usr/bin")}, {gone("bin/.wh.a")}}, ""},
		{"through a link that leads out", []layer{{{name: "usr", kind: tar.TypeDir}, soft("bin", "../../../usr")}, {app("bin/b")}}, "/usr/b"},
		{"through a link to nothing", []layer{{soft("bin", "/nowhere")}, {app("bin/b")}}, "/bin/b"},
		{"through a loop", []layer{{soft("bin", "bin")}, {app("bin/b")}}, "/bin/b"},
		{"a device", []layer{{app("a"), {name: "a", kind: tar.TypeChar}}}, ""},
	}
	for _, tc := range tests {
		l := new(Scanner).newLayerer(newReport(""))
		for _, entries := range tc.layers {
			if err := l.apply(layerOf(t, entries...)); err != nil {
				t.Fatalf("%s: %v", tc.about, err)
			}
		}
		if err := l.judge(); err != nil {
			t.Fatal(err)
		}
		var paths []string
		for _, p := range l.r.sorted().Programs {
			paths = append(paths, p.Path)
		}
		if got := strings.Join(paths, " "); got != tc.want {
			t.Errorf("%s: %q; want %q", tc.about, got, tc.want)
		}
	}
}

// TestLimits holds that an image cannot have doctor keep or unpack without end.
func TestLimits(t *testing.T) {
	l := new(Scanner).newLayerer(newReport(""))
	l.left = 4096
	if err := l.apply(layerOf(t, entryOf{name: "big", text: strings.Repeat("x", 8192)}, app("a"))); !errors.Is(err, errBomb) {
		t.Errorf("a layer that is too big: %v; want %v", err, errBomb)
	}
	l = new(Scanner).newLayerer(newReport(""))
	l.tree.nodes = maxNodes - 1
	if err := l.apply(layerOf(t, app("a"), app("b"))); !errors.Is(err, errTooMuch) {
		t.Errorf("too many files: %v; want %v", err, errTooMuch)
	}
	l = new(Scanner).newLayerer(newReport(""))
	l.tree.text = maxText - 2
	if err := l.apply(layerOf(t, app("a"), soft("b", "target"))); !errors.Is(err, errTooMuch) {
		t.Errorf("too long names: %v; want %v", err, errTooMuch)
	}
	l = new(Scanner).newLayerer(newReport(""))
	l.tree.work = maxWork - 1
	if err := l.apply(layerOf(t, soft("l", "a/b/c"), app("a/b/c/d"), app("l/a"), app("l/b"))); !errors.Is(err, errFar) {
		t.Errorf("links that lead too far: %v; want %v", err, errFar)
	}
	l = new(Scanner).newLayerer(newReport(""))
	deep := strings.Repeat("d/", maxParts+1) + "a"
	if err := l.apply(layerOf(t, app(deep), app("b"))); err != nil || len(l.r.Unreadable) != 1 || l.tree.object("/b") == nil {
		t.Errorf("a path that is too deep: %v, %+v; want one problem, and the rest", err, l.r.Unreadable)
	}
}
