package lab

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

//go:embed client
var clients embed.FS

// programs look up names as programs do that do not use their libc alone, which Libc does.
var programs = sync.OnceValues(func() ([]Libc, error) {
	dir := os.Getenv(inside)
	for _, name := range []string{"cares.c", "lookup.js", "lookup.py"} {
		text, err := clients.ReadFile("client/" + name)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return nil, err
		}
	}
	file := func(name string) string { return filepath.Join(dir, name) }
	if err := run("gcc", "-Wall", "-Werror", "-O2", "-o", file("cares"), file("cares.c"), "-lcares"); err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "build", "-o", file("netgo"), "github.com/muslsafe/coredns-muslsafe/test/lab/client/netgo")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, &exec.Error{Name: string(out), Err: err}
	}
	for _, name := range []string{"node", "/usr/bin/python3"} {
		if _, err := exec.LookPath(name); err != nil {
			return nil, err
		}
	}
	return []Libc{
		{Name: "Go", command: []string{file("netgo")}},
		{Name: "c-ares", command: []string{file("cares")}},
		{Name: "Node.js", command: []string{"node", file("lookup.js")}},
		{Name: "Python", command: []string{"/usr/bin/python3", file("lookup.py")}},
	}, nil
})

// Programs returns the resolvers of Go, c-ares, Node.js and Python. It skips the test if they are not installed.
func Programs(t *testing.T) []Libc {
	t.Helper()
	list, err := programs()
	if err != nil {
		Skip(t, "needs gcc, libc-ares-dev, node and python3 (test/install.sh installs them): "+err.Error())
	}
	return list
}
