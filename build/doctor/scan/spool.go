package scan

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// brokenError is the fault of one file, which does not keep the others from being read.
type brokenError struct{ error }

// readELF reads a file from a stream: from memory, or from a temporary file if it is large.
func (l *layerer) readELF(size int64, content io.Reader) (*object, error) {
	if size > maxElf {
		return nil, &brokenError{fmt.Errorf("has %d bytes; expect a program of less than %d GB", size, maxElf>>30)}
	}
	if size <= inMemory {
		data, err := io.ReadAll(content)
		if err != nil {
			return nil, err
		}
		return checked(bytes.NewReader(data), int64(len(data)))
	}
	if l.temp == nil {
		f, err := temporary()
		if err != nil {
			return nil, err
		}
		l.temp = f
	}
	if err := l.temp.Truncate(0); err != nil {
		return nil, err
	}
	if _, err := l.temp.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	n, err := io.Copy(l.temp, content)
	if err != nil {
		return nil, err
	}
	return checked(l.temp, n)
}

func checked(r io.ReaderAt, size int64) (*object, error) {
	o, err := readObject(r, size)
	if err != nil {
		return nil, &brokenError{err}
	}
	return o, nil
}

// temporary returns a file that is gone as soon as it is closed.
func temporary() (*os.File, error) {
	f, err := os.CreateTemp("", "doctor-scan-")
	if err != nil {
		return nil, fmt.Errorf("%w; expect a folder for temporary files, by TMPDIR", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
