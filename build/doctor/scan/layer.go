package scan

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// maxUnpacked is how much the layers of one image may have when they are unpacked, and maxElf how much one file.
const (
	maxUnpacked = 64 << 30
	maxElf      = 4 << 30
	inMemory    = 4 << 20 // a larger file is copied to the folder for temporary files
)

var errBomb = fmt.Errorf("has more than %d GB when it is unpacked", maxUnpacked>>30)

// layerer applies layers to a tree.
type layerer struct {
	tree *tree
	s    *Scanner
	r    *Report
	left int64
	temp *os.File // for one large file at a time
	// own are the names of this layer itself, which its whiteouts do not hide.
	own         map[*node]map[string]bool
	names, text int // of this layer
}

func (s *Scanner) newLayerer(r *Report) *layerer {
	return &layerer{tree: newTree(), s: s, r: r, left: maxUnpacked}
}

func (l *layerer) close() {
	if l.temp != nil {
		l.temp.Close()
	}
}

// apply unpacks a layer, without compression, over those before it.
func (l *layerer) apply(in io.Reader) error {
	l.own, l.names, l.text = make(map[*node]map[string]bool), 0, 0
	archive := tar.NewReader(&limited{in, &l.left, &l.s.Bytes})
	for {
		h, err := archive.Next()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = l.entry(h, archive)
		}
		if err != nil {
			return err
		}
	}
}

// limited counts what is read, and ends with an error when there is more of it than allowed.
type limited struct {
	r    io.Reader
	left *int64
	read interface{ Add(int64) int64 }
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.read.Add(int64(n))
	if *l.left -= int64(n); *l.left < 0 {
		return n, errBomb
	}
	return n, err
}

// entry applies one entry of a layer.
func (l *layerer) entry(h *tar.Header, content io.Reader) error {
	in, base, err := l.tree.parent(h.Name, l.keep)
	if errors.Is(err, errTooMuch) {
		return err
	}
	if l.tree.work > maxWork {
		return errFar
	}
	if l.names, l.text = l.names+1, l.text+len(h.Name); l.names > maxNames || l.text > maxText {
		return errTooMuch
	}
	if err != nil {
		l.r.fail(short(h.Name), err)
		return nil
	}
	if in == nil { // the root itself
		return nil
	}
	if name, all, ok := hides(base); ok {
		l.hide(in, name, all)
		return nil
	}
	n, err := l.node(h, content)
	if err != nil {
		return err
	}
	l.keep(in, base)
	if n == nil {
		delete(in.children, base)
		return nil
	}
	return l.tree.put(in, base, n)
}

// keep notes that this layer has a name.
func (l *layerer) keep(in *node, name string) {
	if l.own[in] == nil {
		l.own[in] = make(map[string]bool)
	}
	l.own[in][name] = true
}

// hide takes away what the layers below have.
func (l *layerer) hide(in *node, name string, all bool) {
	if !all {
		if !l.own[in][name] {
			delete(in.children, name)
		}
		return
	}
	for child, n := range in.children {
		if !l.own[in][child] {
			delete(in.children, child)
		} else if n.kind == folder {
			l.hide(n, "", true)
		}
	}
}

// node makes the node of an entry, nil if it need not be kept.
func (l *layerer) node(h *tar.Header, content io.Reader) (*node, error) {
	switch h.Typeflag {
	case tar.TypeDir:
		return newFolder(), nil
	case tar.TypeSymlink:
		if len(h.Linkname) > maxPath {
			return nil, nil
		}
		return &node{kind: link, target: shorter(h.Linkname)}, nil
	case tar.TypeLink:
		dir, base := path.Split(path.Clean("/" + h.Linkname))
		if at, ok := resolve(l.tree, dir); ok && len(h.Linkname) <= maxPath {
			if n := l.tree.get(path.Join(at, base)); n != nil && n.kind != folder {
				return n, nil
			}
		}
		return nil, nil
	case tar.TypeReg, tar.TypeGNUSparse:
		l.s.Files.Add(1)
		return l.regular(h, content)
	}
	return nil, nil
}

// shorter returns the target of a link without the parts that say nothing.
func shorter(target string) string {
	parts := strings.Join(split(target), "/")
	if strings.HasPrefix(target, "/") {
		return "/" + parts
	}
	return parts
}

func (l *layerer) regular(h *tar.Header, content io.Reader) (*node, error) {
	for _, database := range databases {
		if strings.HasSuffix("/"+h.Name, database) {
			return &node{kind: file, apk: readPackages(content)}, nil
		}
	}
	var head [4]byte
	switch _, err := io.ReadFull(content, head[:]); {
	case err == io.EOF || err == io.ErrUnexpectedEOF && h.Size < int64(len(head)):
		return nil, nil
	case err != nil:
		return nil, err
	case !isELF(head[:]):
		return nil, nil
	}
	o, err := l.readELF(h.Size, io.MultiReader(strings.NewReader(string(head[:])), content))
	if err != nil {
		var broken *brokenError
		if !errors.As(err, &broken) {
			return nil, err
		}
		l.r.fail(short(h.Name), broken.error)
		return nil, nil
	}
	return &node{kind: file, elf: o}, nil
}

// short is a name as a report shows it.
func short(name string) string {
	if len(name) > 200 {
		return name[:200] + "..."
	}
	return name
}
