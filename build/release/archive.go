package main

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// archive packs files into a tar.gz, in the given order. Each of them is NAME=FILE. All entries belong to root and have the
// given date. Nothing is left behind if it fails.
func archive(out string, files []string, date time.Time) (err error) {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close() // closed twice, if Close itself failed
			_ = os.Remove(out)
		}
	}()
	if err := pack(f, files, date); err != nil {
		return err
	}
	return f.Close()
}

func pack(out io.Writer, files []string, date time.Time) error {
	compressed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(compressed)
	for _, file := range files {
		name, path, ok := strings.Cut(file, "=")
		if !ok || name == "" || path == "" {
			return fmt.Errorf("invalid file %q; expect NAME=FILE", file)
		}
		if err := add(w, name, path, date); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	return compressed.Close()
}

// add writes one file. Of its mode, only the right to execute it is kept: the rest depends on the umask.
func add(w *tar.Writer, name, path string, date time.Time) error {
	body, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	header := &tar.Header{
		Typeflag: tar.TypeReg, Format: tar.FormatUSTAR,
		Name: name, Size: int64(len(body)), ModTime: date,
		Mode: 0o644 | int64(info.Mode().Perm()&0o100)/0o100*0o111,
	}
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	_, err = w.Write(body)
	return err
}
