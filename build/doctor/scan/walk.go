package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
)

// A Scanner scans paths and processes, and counts what it reads. The counts may be read while it runs.
type Scanner struct {
	Files atomic.Int64
	Bytes atomic.Int64
}

// Folder scans a folder and everything below it, except for file systems that the kernel makes up, such as /proc.
func (s *Scanner) Folder(name string) (*Report, error) {
	full, err := realPath(name)
	if err != nil {
		return nil, err
	}
	in, err := placeOf(full)
	if err != nil {
		return nil, err
	}
	defer in.close()
	r, d := newReport(name), in[0].(*dir)
	d.name = name
	err = fs.WalkDir(d.root.FS(), ".", func(at string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && at != ".":
			return nil // gone meanwhile
		case err != nil:
			r.fail(d.shown(at), plain(err))
			return nil // the rest of it is left out, by WalkDir
		case e.IsDir() && isVirtual(d.root, at):
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		s.Files.Add(1)
		s.scanFile(r, "/"+at, in)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	}
	return r.sorted(), nil
}

func (s *Scanner) scanFile(r *Report, at string, in place) {
	d := in[0].(*dir)
	o, err := d.read(at)
	switch {
	case errors.Is(err, fs.ErrNotExist): // gone meanwhile
	case err != nil:
		r.fail(d.shown(at), err)
	case o != nil && o.isProgram:
		p := judge(at, o, in)
		p.Path = d.shown(at)
		r.add(p)
	}
}

// File scans one program.
func (s *Scanner) File(name string) (*Report, error) {
	full, err := realPath(name)
	if err != nil {
		return nil, err
	}
	in, err := placeOf(filepath.Dir(full))
	if err != nil {
		return nil, err
	}
	defer in.close()
	base := filepath.Base(full)
	o, err := in[0].(*dir).read("/" + base)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	case o == nil:
		return nil, fmt.Errorf("%s is no program and no image; expect a program in ELF, a folder, or an image as a tar archive: that of docker save, an OCI layout, or a root file system, with gzip or without", name)
	case !o.isProgram && o.loader == nil:
		return nil, fmt.Errorf("%s is a library or an object file; expect a program", name)
	}
	s.Files.Add(1)
	r := newReport(name)
	r.Alone = true
	p := judge("/"+base, o, in)
	p.Path = name
	if info, err := os.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		p.Path = full
	}
	r.add(p)
	return r, nil
}

// realPath follows the links in a path that a person gave.
func realPath(name string) (string, error) {
	full, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(full)
}

// Path scans what a path leads to: a program, a folder, an image or an archive.
func (s *Scanner) Path(name string) ([]*Report, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		if isLayout(os.DirFS(name)) {
			return s.layout(name)
		}
		r, err := s.Folder(name)
		return one(r), err
	case !info.Mode().IsRegular():
		return nil, errors.New(name + " is neither a file nor a folder; expect a program, a folder or an image, and - for standard input")
	}
	return s.fileOrArchive(name)
}

func one(r *Report) []*Report {
	if r == nil {
		return nil
	}
	return []*Report{r}
}
