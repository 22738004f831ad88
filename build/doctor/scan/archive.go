package scan

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
)

// archive is a tar archive that can be read in any order.
type archive struct {
	io.ReaderAt
	size    int64
	entries map[string]section // nil if there are more than an image has
}

// section is where an entry of an archive is, or where it points to.
type section struct {
	offset, size int64
	link         string
}

// maxEntries is how many entries the archive of an image has at most. One with more is a root file system.
const maxEntries = 100_000

// fileOrArchive scans a file.
func (s *Scanner) fileOrArchive(name string) ([]*Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	switch head = head[:n]; {
	case isGzip(head):
		return s.stream(name, f)
	case isTar(head):
		return s.archive(name, f, info.Size())
	}
	r, err := s.File(name)
	return one(r), err
}

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) }

// isTar reports whether a file begins with the header of an archive, which may be one for a long name that follows: the sum
// of its octets, those of the sum taken for spaces, is the number in it.
func isTar(head []byte) bool {
	const from, to = 148, 156 // of the sum
	if len(head) < 512 || isELF(head) {
		return false
	}
	want, err := strconv.ParseInt(string(bytes.Trim(head[from:to], " \x00")), 8, 32)
	sum := int64(0)
	for i, octet := range head[:512] {
		if i >= from && i < to {
			octet = ' '
		}
		sum += int64(octet)
	}
	return err == nil && sum == want
}

// Stream scans an archive that arrives from somewhere, with gzip or without. It is kept in a temporary file meanwhile.
func (s *Scanner) Stream(name string, r io.Reader) ([]*Report, error) { return s.stream(name, r) }

func (s *Scanner) stream(name string, r io.Reader) ([]*Report, error) {
	in := bufio.NewReaderSize(r, 512)
	head, err := in.Peek(512)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("%s: %w", name, plain(err))
	}
	r = in
	if isGzip(head) {
		if r, err = gzip.NewReader(in); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	} else if !isTar(head) {
		return nil, fmt.Errorf("%s is no archive; expect an image as a tar archive: that of docker save, an OCI layout, or a root file system, with gzip or without", name)
	}
	f, err := temporary()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	left := int64(maxUnpacked)
	size, err := io.Copy(f, &limited{r, &left, &s.Bytes})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cut(err))
	}
	first := make([]byte, 512)
	if n, _ := f.ReadAt(first, 0); !isTar(first[:n]) {
		return nil, fmt.Errorf("%s has no tar archive inside; expect an image: that of docker save, an OCI layout, or a root file system", name)
	}
	return s.archive(name, f, size)
}

// cut says in plain words that an archive ends too early.
func cut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the archive is cut short")
	}
	return plain(err)
}

// archive scans the images of an archive, or its files if it has no images.
func (s *Scanner) archive(name string, r io.ReaderAt, size int64) ([]*Report, error) {
	a := &archive{ReaderAt: r, size: size}
	if err := a.index(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, cut(err))
	}
	images, err := imagesIn(a)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, cut(err))
	}
	if images != nil {
		return s.images(name, a, images)
	}
	report := newReport(name)
	l := s.newLayerer(report)
	defer l.close()
	if err := l.apply(io.NewSectionReader(r, 0, size)); err != nil {
		return nil, fmt.Errorf("%s: %w", name, cut(err))
	}
	if err := l.judge(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return []*Report{report.sorted()}, nil
}

// index notes where the entries are.
func (a *archive) index() error {
	at := io.NewSectionReader(a, 0, a.size)
	entries := tar.NewReader(at)
	a.entries = make(map[string]section)
	for {
		h, err := entries.Next()
		if err == io.EOF {
			return a.checkEnd(at)
		}
		if err != nil {
			return err
		}
		if len(a.entries) == maxEntries || len(h.Name) > maxPath {
			a.entries = nil
			return nil
		}
		offset, err := at.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeReg:
			a.entries[name] = section{offset: offset, size: h.Size}
		case tar.TypeSymlink:
			a.entries[name] = section{link: path.Join(path.Dir(name), h.Linkname)}
		case tar.TypeLink:
			a.entries[name] = section{link: path.Clean(h.Linkname)}
		}
	}
}

// checkEnd holds that an archive ends with a block of zeros, and not because the rest of it is missing.
func (a *archive) checkEnd(at *io.SectionReader) error {
	end, err := at.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	var block [512]byte
	if _, err := a.ReadAt(block[:], end-int64(len(block))); err != nil || block != [512]byte{} {
		return io.ErrUnexpectedEOF
	}
	return nil
}

// open returns the content of an entry.
func (a *archive) open(name string) (io.ReadCloser, int64, error) {
	at := path.Clean(name)
	for range maxLinks {
		s, ok := a.entries[at]
		if !ok {
			break
		}
		if s.link == "" {
			return io.NopCloser(io.NewSectionReader(a, s.offset, s.size)), s.size, nil
		}
		at = s.link
	}
	return nil, 0, absent(short(name))
}
