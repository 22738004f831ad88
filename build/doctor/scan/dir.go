package scan

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

// dir is a folder as a file system. What is in it cannot lead out of it: os.Root sees to that.
type dir struct {
	root    *os.Root
	name    string // how it is shown
	objects map[string]*object
}

// maxObjects is how many files of a folder are remembered, so that the C library is not read again for each program.
const maxObjects = 4096

func openDir(name string) (*dir, error) {
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, err
	}
	return &dir{root, name, make(map[string]*object)}, nil
}

// inside turns a path of the file system into one for os.Root.
func inside(name string) string { return strings.TrimPrefix(path.Join(".", name), "/") }

func (d *dir) lstat(name string) (kind, string) {
	if name == "/" {
		return folder, ""
	}
	info, err := d.root.Lstat(inside(name))
	switch {
	case err != nil:
		return missing, ""
	case info.IsDir():
		return folder, ""
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := d.root.Readlink(inside(name))
		if err != nil {
			return missing, ""
		}
		return link, filepath.ToSlash(target)
	case !info.Mode().IsRegular():
		return missing, ""
	}
	return file, ""
}

func (d *dir) object(name string) *object {
	if o, ok := d.objects[name]; ok {
		return o
	}
	o, _ := d.read(name) // a library that cannot be read is as good as one that is not there
	if len(d.objects) < maxObjects {
		d.objects[name] = o
	}
	return o
}

// read reads a file. It returns nil for one that is not in ELF.
func (d *dir) read(name string) (*object, error) {
	f, err := d.open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readFile(f)
}

// open opens a regular file and nothing else: neither a device nor a pipe, whatever is put in its place meanwhile.
func (d *dir) open(name string) (*os.File, error) {
	f, err := d.root.OpenFile(inside(name), os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, plain(err)
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, errors.New("is not a regular file")
	}
	return f, nil
}

// plain returns the reason of an error without the path, which stands before it anyway.
func plain(err error) error {
	if path := (*fs.PathError)(nil); errors.As(err, &path) {
		return path.Err
	}
	return err
}

// readFile reads an open file. It returns nil for one that is not in ELF.
func readFile(f *os.File) (*object, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, plain(err)
	}
	var head [4]byte
	if n, err := f.ReadAt(head[:], 0); n < len(head) || !isELF(head[:]) {
		if err != nil && err != io.EOF {
			return nil, plain(err)
		}
		return nil, nil
	}
	return readObject(f, info.Size())
}

func (d *dir) packages(name string) map[string]string {
	f, err := d.open(name)
	if err != nil {
		return nil
	}
	defer f.Close()
	return readPackages(f)
}

func (d *dir) shown(name string) string { return filepath.Join(d.name, filepath.FromSlash(name)) }

// placeOf returns a folder and those above it, the nearest first, up to one that is a root: the loader of a program in
// /srv/rootfs/usr/bin is in /srv/rootfs, and if that is no root, on this machine.
func placeOf(name string) (all place, err error) {
	for {
		d, err := openDir(name)
		switch {
		case err == nil:
			all = append(all, d)
		case all == nil:
			return nil, err
		}
		parent := filepath.Dir(name)
		if parent == name || d != nil && isRoot(d) {
			return all, nil
		}
		name = parent
	}
}

// isRoot reports whether a folder looks like the root of a system, of which nothing outside can be a part. /usr/local does not.
func isRoot(d *dir) bool {
	has := func(name string) bool {
		k, _ := d.lstat(name)
		return k == folder || k == link
	}
	return has("/etc") && has("/usr")
}

func (p place) close() {
	for _, in := range p {
		if d, ok := in.(*dir); ok {
			d.root.Close()
		}
	}
}
