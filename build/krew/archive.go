package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// archive is one of a release: the plugin for one platform.
type archive struct {
	file     string // its name
	os, arch string
	program  string // the file in it that kubectl runs
	sha256   string
}

// platforms are those that krew has a selector for, and that Go compiles for.
var platforms = []string{"darwin-amd64", "darwin-arm64", "linux-amd64", "linux-arm64", "windows-amd64", "windows-arm64"}

// find reads the archives of a version in a folder.
func find(folder, version string) (all []archive, err error) {
	prefix := "kubectl-" + name + "-" + version + "-"
	files, err := filepath.Glob(filepath.Join(folder, prefix+"*.tar.gz"))
	if err != nil {
		return nil, err
	}
	for _, path := range files {
		a := archive{file: filepath.Base(path), program: "kubectl-" + name}
		on := strings.TrimSuffix(strings.TrimPrefix(a.file, prefix), ".tar.gz")
		if !slices.Contains(platforms, on) {
			return nil, fmt.Errorf("%s is for platform %q; expect one of %s", a.file, on, strings.Join(platforms, ", "))
		}
		a.os, a.arch, _ = strings.Cut(on, "-")
		if a.os == "windows" {
			a.program += ".exe"
		}
		if a.sha256, err = inspect(path, a.program); err != nil {
			return nil, fmt.Errorf("%s: %w", a.file, err)
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no archives in %s; expect %sOS-ARCH.tar.gz", folder, prefix)
	}
	return all, nil
}

// inspect returns the checksum of an archive that has the program and the license, as krew asks for.
func inspect(path, program string) (sum string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	hash := sha256.New()
	in := io.TeeReader(f, hash)
	missing, err := without(in, program, license)
	if err != nil {
		return "", err
	}
	if len(missing) > 0 {
		return "", fmt.Errorf("it has no file %s", strings.Join(missing, " and no file "))
	}
	if _, err := io.Copy(io.Discard, in); err != nil { // what stands behind the end of the archive counts, too
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// without returns which of some files an archive does not have. The first one must be a program.
func without(in io.Reader, files ...string) (missing []string, err error) {
	unpacked, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	missing = slices.Clone(files)
	for r := tar.NewReader(unpacked); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return missing, nil
		}
		if err != nil {
			return nil, err
		}
		if header.Name == files[0] && header.Mode&0o111 == 0 {
			return nil, fmt.Errorf("%s is not executable", header.Name)
		}
		missing = slices.DeleteFunc(missing, func(name string) bool { return name == header.Name })
	}
}
