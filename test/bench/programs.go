package main

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// packages of the servers that are built from this module.
var packages = map[string]string{
	"coredns": "github.com/muslsafe/coredns-muslsafe/build/coredns",
	"stock":   "github.com/coredns/coredns",
}

// plugin is the package whose benchmarks are run.
const plugin = "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe"

// fetch has go download what is missing of the modules that are needed. In a namespace, where they are built, there is
// no way to them.
func fetch() error {
	cmd := exec.Command("go", append([]string{"list", "-deps", "-test", plugin}, slices.Collect(maps.Values(packages))...)...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	return nil
}

// programs returns the files of all that the chosen peers need, and builds what is not installed.
func programs(dir string, o options) (map[string]string, error) {
	found := make(map[string]string)
	var err error
	if found["dnsperf"], err = find("dnsperf"); err != nil {
		return nil, err
	}
	if o.binary != "" {
		if found["coredns"], err = filepath.Abs(o.binary); err != nil { // servers run in folders of their own
			return nil, err
		}
	}
	for _, p := range o.peers {
		switch {
		case found[p.program] != "":
		case packages[p.program] != "":
			found[p.program] = filepath.Join(dir, p.program)
			err = build(found[p.program], packages[p.program])
		default:
			found[p.program], err = find(p.program)
		}
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// build compiles a package with the flags of the Makefile.
func build(file, path string) error {
	cmd := exec.Command("go", "build", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", file, path)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", cmd, err, out)
	}
	return nil
}

// find returns the path of an installed program.
func find(program string) (string, error) {
	for _, name := range []string{program, "/usr/sbin/" + program} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s is not installed (test/install.sh installs it)", program)
}
