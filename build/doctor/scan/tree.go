package scan

import (
	"errors"
	"path"
	"strings"
)

// What is kept of one image, whatever it has.
const (
	maxNodes  = 1 << 20   // folders, links and ELF files
	maxNames  = 4 << 20   // files of one layer
	maxText   = 256 << 20 // the names of either, and the targets of links
	maxPath   = 4096      // PATH_MAX
	maxParts  = 512
	maxWork   = 1 << 28 // folders that are gone through
	whiteout  = ".wh."
	opaqueDir = ".wh..wh..opq"
)

var errFar = errors.New("has links that lead too far: whoever follows them is busy for minutes")

var errTooMuch = errors.New("has more files than doctor can keep: expect a layer with less than 4 million, whose names have less than 256 MB")

// node is a file of an image. Those that are neither folders, links nor ELF files are not kept.
type node struct {
	kind     kind
	target   string
	children map[string]*node
	elf      *object
	apk      map[string]string
}

// tree is the file system of an image, built up layer by layer.
type tree struct {
	root  *node
	nodes int
	text  int
	work  int // folders that were gone through
}

func newTree() *tree { return &tree{root: newFolder()} }

func newFolder() *node { return &node{kind: folder, children: make(map[string]*node)} }

// get returns the node of a clean path without following links, nil if there is none.
func (t *tree) get(name string) *node {
	n := t.root
	for _, part := range split(name) {
		t.work++
		if n = n.children[part]; n == nil {
			return nil
		}
	}
	return n
}

func (t *tree) lstat(name string) (kind, string) {
	n := t.get(name)
	if n == nil || t.work > maxWork {
		return missing, ""
	}
	return n.kind, n.target
}

func (t *tree) object(name string) *object {
	if n := t.get(name); n != nil {
		return n.elf
	}
	return nil
}

func (t *tree) packages(name string) map[string]string {
	if n := t.get(name); n != nil {
		return n.apk
	}
	return nil
}

func (t *tree) shown(name string) string { return name }

// parent returns the folder that a name of a layer is in, and its last part. Links on the way are followed, as whoever
// unpacks an image does, and folders that are missing are made. Each folder on the way is passed to visit.
func (t *tree) parent(name string, visit func(in *node, part string)) (*node, string, error) {
	name = path.Clean("/" + name)
	if name == "/" {
		return nil, "", nil
	}
	parts := split(path.Dir(name))
	if len(name) > maxPath || len(parts) > maxParts {
		return nil, "", errors.New("has a path that is longer than Linux takes")
	}
	at, in := "/", t.root
	for _, part := range parts {
		at = path.Join(at, part)
		n := in.children[part]
		if n != nil && n.kind == link {
			if real, ok := resolve(t, at); ok {
				at, n = real, t.get(real)
			}
		}
		if n == nil || n.kind != folder {
			n = newFolder()
			if err := t.put(in, part, n); err != nil {
				return nil, "", err
			}
		}
		visit(in, part)
		in = n
	}
	return in, path.Base(name), nil
}

// put puts a node into a folder, in the place of what is there. A folder in the place of a folder changes nothing.
func (t *tree) put(in *node, name string, n *node) error {
	old := in.children[name]
	if old != nil && old.kind == folder && n.kind == folder {
		return nil
	}
	t.nodes, t.text = t.nodes+1, t.text+len(name)+len(n.target)
	if t.nodes > maxNodes || t.text > maxText {
		return errTooMuch
	}
	in.children[name] = n
	return nil
}

// each calls f for every ELF file.
func (t *tree) each(f func(name string, o *object)) { t.root.each("/", f) }

func (n *node) each(at string, f func(string, *object)) {
	if n.elf != nil {
		f(at, n.elf)
	}
	for name, child := range n.children {
		child.each(path.Join(at, name), f)
	}
}

// hides returns what a whiteout hides: a name of its folder, or all of it.
func hides(base string) (name string, all, ok bool) {
	if base == opaqueDir {
		return "", true, true
	}
	name, ok = strings.CutPrefix(base, whiteout)
	return name, false, ok
}
