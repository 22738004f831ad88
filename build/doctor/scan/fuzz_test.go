package scan

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzObject holds that no file makes doctor crash, or keep more of it than a few texts.
func FuzzObject(f *testing.F) {
	f.Add([]byte(tinyELF))
	f.Add([]byte(brokenELF()))
	f.Add([]byte{})
	f.Add([]byte(dynamicELF("/lib/ld-musl-x86_64.so.1", "libexample.so", "getaddrinfo")))
	f.Add([]byte(dynamicELF("", "libc.so", "") + "musl libc\x001.2.5\x00Dynamic Program Loader\n"))
	f.Add([]byte(tinyELF + string(patterns[muslPolicy]) + string(patterns[muslErrorsHead]) + "rustc version 1.80.1 (x)\x00\xff Go buildinf:\x08\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := readObject(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if o != nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%+v, %q; want one line, and nothing else", o, err)
			}
			return
		}
		if len(o.dyn.needed) > maxNeeded || len(o.interp) > maxInterp {
			t.Errorf("%d libraries, an interpreter of %d octets; want what is kept to be bounded", len(o.dyn.needed), len(o.interp))
		}
		judge("/program", o, place{newTree()})
	})
}

// FuzzArchive holds that no archive makes doctor crash, and that what is wrong with one is a single line.
func FuzzArchive(f *testing.F) {
	t := new(testing.T)
	for _, entries := range [][]entryOf{
		{app("bin/a"), hard("bin/b", "bin/a"), soft("lib", "../bin"), gone("bin/.wh.a"), gone("bin/.wh..wh..opq")},
		{{name: "manifest.json", text: `[{"Config":"c","RepoTags":["a:1"],"Layers":["l"]}]`}, {name: "c", text: "{}"}, {name: "l"}},
		{{name: "index.json", text: `{"manifests":[{"digest":"sha256:` + strings.Repeat("a", 64) + `"}]}`}},
		{{name: "lib/apk/db/installed", text: "P:musl\nV:1.2.5-r9\n\n"}},
	} {
		var b bytes.Buffer
		if _, err := b.ReadFrom(layerOf(t, entries...)); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		reports, err := new(Scanner).archive("archive", bytes.NewReader(data), int64(len(data)))
		if err != nil && (reports != nil || strings.Contains(err.Error(), "\n") && !bytes.Contains(data, []byte("\n"))) {
			t.Errorf("%+v, %q; want one line, and nothing else", reports, err)
		}
	})
}

// FuzzResolve holds that a path leads to a place that is there and is no link, whatever links there are.
func FuzzResolve(f *testing.F) {
	f.Add("/a/b", "../c", "/a", "b/..")
	f.Add("/x", "x", "/", "..")
	f.Fuzz(func(t *testing.T, name, one, two, three string) {
		tree := newTree()
		for part, n := range map[string]*node{
			"a": newFolder(), "b": {kind: link, target: one}, "c": {kind: link, target: two}, "d": {kind: file},
		} {
			tree.root.children[part] = n
		}
		tree.root.children["a"].children["b"] = &node{kind: link, target: three}
		at, ok := resolve(tree, name)
		if !ok {
			return
		}
		if n := tree.get(at); n == nil || n.kind == link || !strings.HasPrefix(at, "/") || strings.Contains(at, "..") && !strings.Contains(name+one+two+three, "...") {
			t.Errorf("resolve(%q) with links to %q, %q and %q = %q", name, one, two, three, at)
		}
	})
}
