// Release makes the files of a release that no other tool makes the same twice:
//
//	release archive OUT.tar.gz NAME=FILE...     packs files under other names
//	release sbom <IN >OUT                       takes what is random out of a CycloneDX document
//	release notes VERSION <CHANGELOG.md         prints the section of a version
//
// SOURCE_DATE_EPOCH, in seconds since 1970, is the time in the first two.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/muslsafe/coredns-muslsafe/build/epoch"
)

func main() {
	if err := run(os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(2)
	}
}

// usage is what run expects.
const usage = "archive OUT.tar.gz NAME=FILE..., sbom, or notes VERSION"

func run(args []string, in io.Reader, out io.Writer) error {
	date, err := epoch.Time()
	if err != nil {
		return err
	}
	switch {
	case len(args) >= 3 && args[0] == "archive":
		return archive(args[1], args[2:], date)
	case len(args) == 1 && args[0] == "sbom":
		return settleSBOM(in, out, date)
	case len(args) == 2 && args[0] == "notes":
		return notes(in, out, args[1])
	}
	return fmt.Errorf("unexpected arguments %q; expect %s", args, usage)
}
