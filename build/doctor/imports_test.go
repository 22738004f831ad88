package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoServer holds that doctor is a small program of its own: a package of CoreDNS brings most of the server with it,
// which trebles the size.
func TestNoServer(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.Lines(string(out)) {
		if path = strings.TrimSpace(path); strings.HasPrefix(path, "github.com/coredns/coredns/") {
			t.Errorf("doctor depends on %s; want nothing of CoreDNS", path)
		}
	}
}
