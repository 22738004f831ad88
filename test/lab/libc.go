package lab

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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

// loader returns the dynamic loader of a version of musl, which is the whole library and starts any program that is linked with
// it. It checks the version.
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

// Files returns the program that is linked with this libc, and for musl the loader of its version, which is the library too.
func (l Libc) Files() (program, loader string) {
	program = l.command[len(l.command)-1]
	if l.Musl() {
		loader = l.command[0]
	}
	return program, loader
}

// Answer is what getaddrinfo returned.
type Answer struct {
	Err   string // "OK", the C name of the error, or Crash or Hang
	Took  time.Duration
	Addrs []string
}

// Results of a lookup besides the errors of getaddrinfo.
const (
	Crash = "crash" // the process died
	Hang  = "hang"  // it did not return
)

// hangs is how long a lookup may take: longer than any libc needs.
const hangs = 18 * time.Second

// Look resolves name as a program linked with this libc does, for a family: 4, 6, or 0 for both. It calls start to start the
// process.
func (l Libc) Look(family, name string, start func(*exec.Cmd) error) (Answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), hangs)
	defer cancel()
	args := append(slices.Clone(l.command), family, name)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := start(cmd); err != nil {
		return Answer{}, err
	}
	err := cmd.Wait()
	if ctx.Err() != nil {
		return Answer{Err: Hang}, nil
	}
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return Answer{Err: Crash}, nil
	}
	if err != nil {
		return Answer{}, fmt.Errorf("%v: %w: %s", args, err, out.String())
	}
	return parseAnswer(out.String())
}

// parseAnswer reads the line of the client: error, milliseconds, addresses.
func parseAnswer(line string) (Answer, error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return Answer{}, fmt.Errorf("the client said %q", line)
	}
	ms, err := strconv.Atoi(fields[1])
	if err != nil {
		return Answer{}, err
	}
	return Answer{Err: fields[0], Took: time.Duration(ms) * time.Millisecond, Addrs: fields[2:]}, nil
}

// Lookup resolves name for both families. It returns the addresses in sorted order, or the name of the error
// alone, and how long getaddrinfo took.
func (l Libc) Lookup(t *testing.T, name string) ([]string, time.Duration) {
	t.Helper()
	a, err := l.Look("0", name, (*exec.Cmd).Start)
	if err != nil {
		t.Errorf("%s: %v", l.Name, err)
	}
	if a.Err != "OK" {
		return []string{a.Err}, a.Took
	}
	return slices.Sorted(slices.Values(a.Addrs)), a.Took
}
