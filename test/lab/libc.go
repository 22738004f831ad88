package lab

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Libc is a C library whose resolver a test uses.
type Libc struct {
	Name    string   // "glibc", or as "musl 1.2.3"
	command []string // what starts the client linked with it
}

// Musl reports whether this is a version of musl.
func (l Libc) Musl() bool { return l.Name != "glibc" }

// versions of musl, each as Debian has it (see test/install.sh).
var versions = []string{"1.2.2", "1.2.3", "1.2.5", "1.2.6"}

//go:embed client/getaddrinfo.c
var source []byte

var libcs = sync.OnceValues(func() ([]Libc, error) {
	dir := os.Getenv(inside)
	c := filepath.Join(dir, "getaddrinfo.c")
	if err := os.WriteFile(c, source, 0o644); err != nil {
		return nil, err
	}
	glibc, musl := filepath.Join(dir, "getaddrinfo-glibc"), filepath.Join(dir, "getaddrinfo-musl")
	if err := run("gcc", "-Wall", "-Werror", "-O2", "-o", glibc, c); err != nil {
		return nil, err
	}
	if err := run("musl-gcc", "-Wall", "-Werror", "-O2", "-o", musl, c); err != nil {
		return nil, err
	}
	list := []Libc{{Name: "glibc", command: []string{glibc}}}
	for _, version := range versions {
		loader, err := loader(version)
		if err != nil {
			return nil, err
		}
		list = append(list, Libc{Name: "musl " + version, command: []string{loader, musl}})
	}
	return list, nil
})

// loader returns the dynamic loader of a version of musl, which is the whole library and starts any program
// that is linked with it. It makes sure of the version.
func loader(version string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "muslsafe", "musl-"+version, "libc.so")
	out, _ := exec.Command(file).CombinedOutput() // without a program it says what it is, and fails
	if !strings.Contains(string(out), "Version "+version+"\n") {
		return "", fmt.Errorf("%s is not musl %s (test/install.sh fetches it): %s", file, version, out)
	}
	return file, nil
}

// Libcs returns glibc and all versions of musl. It skips the test where they are not installed.
func Libcs(t *testing.T) []Libc {
	t.Helper()
	list, err := libcs()
	if err != nil {
		Skip(t, "needs gcc, musl-gcc and the versions of musl (test/install.sh installs them): "+err.Error())
	}
	return list
}

// Lookup resolves name for both families as a program linked with this libc does. It returns the addresses in
// sorted order, or the name of the error alone.
func (l Libc) Lookup(t *testing.T, name string) []string {
	t.Helper()
	args := append(slices.Clone(l.command), "0", name)
	out, err := exec.Command(args[0], args[1:]...).Output()
	if err != nil {
		t.Fatalf("%s: %v", l.Name, err)
	}
	lines := strings.Fields(string(out))
	slices.Sort(lines)
	return lines
}
