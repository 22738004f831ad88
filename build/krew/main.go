// Krew writes the manifest by which krew, the package manager of kubectl, installs doctor as kubectl muslsafe:
//
//	krew VERSION FOLDER >muslsafe.yaml
//
// FOLDER has the archives of a release, kubectl-muslsafe-VERSION-OS-ARCH.tar.gz. The manifest has their checksums and the
// addresses from which they will be downloaded, and goes to the index of krew as plugins/muslsafe.yaml.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "krew:", err)
		os.Exit(1)
	}
}

// semantic is a version as krew takes it, without a suffix of a build (semver.org).
var semantic = regexp.MustCompile(`^v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$`)

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("expect VERSION FOLDER")
	}
	version, folder := args[0], args[1]
	if !semantic.MatchString(version) {
		return fmt.Errorf("invalid version %q; expect one such as v1.0.0", version)
	}
	archives, err := find(folder, version)
	if err != nil {
		return err
	}
	text, err := yaml.Marshal(newManifest(version, archives))
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	return err
}
