package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// entry is a file of an archive.
type entry struct {
	name, text string
	mode       int64
}

// pack writes an archive.
func pack(t *testing.T, file string, entries ...entry) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, e := range entries {
		if err := w.WriteHeader(&tar.Header{Name: e.name, Mode: e.mode, Size: int64(len(e.text)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

var (
	program = entry{"kubectl-muslsafe", "#!/bin/sh\n", 0o755}
	terms   = entry{"LICENSE", "Apache License\n", 0o644}
)

// release makes a folder with an archive for each platform, and returns it with its manifest.
func release(t *testing.T) (folder string, m manifest) {
	t.Helper()
	folder = t.TempDir()
	for _, on := range platforms {
		p := program
		if strings.HasPrefix(on, "windows-") {
			p.name += ".exe"
		}
		pack(t, filepath.Join(folder, "kubectl-muslsafe-v1.2.3-"+on+".tar.gz"), p, terms)
	}
	var out bytes.Buffer
	if err := run([]string{"v1.2.3", folder}, &out); err != nil {
		t.Fatal(err)
	}
	d := yaml.NewDecoder(&out)
	d.KnownFields(true)
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	return folder, m
}

// TestManifest holds that the manifest keeps to the rules of krew, and that each rule sees when it is broken.
func TestManifest(t *testing.T) {
	folder, m := release(t)
	if len(m.Spec.Platforms) != len(platforms) {
		t.Fatalf("%d platforms; want %d", len(m.Spec.Platforms), len(platforms))
	}
	for _, r := range rules {
		if !r.holds(m) {
			t.Errorf("the manifest does not keep to: %s", r.about)
		}
		_, broken := release(t)
		if r.harm(&broken); r.holds(broken) {
			t.Errorf("a manifest that does not keep to %q passes", r.about)
		}
	}
	for _, p := range m.Spec.Platforms {
		text, err := os.ReadFile(filepath.Join(folder, filepath.Base(p.URI)))
		if err != nil || fmt.Sprintf("%x", sha256.Sum256(text)) != p.SHA256 {
			t.Errorf("%s: checksum %s, %v; want that of the file", p.URI, p.SHA256, err)
		}
		if want := "https://github.com/muslsafe/coredns-muslsafe/releases/download/v1.2.3/kubectl-muslsafe-v1.2.3-"; !strings.HasPrefix(p.URI, want) {
			t.Errorf("address %s; want one that begins with %s", p.URI, want)
		}
	}
}

func TestErrors(t *testing.T) {
	dir := func(file string, entries ...entry) string {
		d := t.TempDir()
		pack(t, filepath.Join(d, file), entries...)
		return d
	}
	const linux = "kubectl-muslsafe-v1.0.0-linux-amd64.tar.gz"
	noArchive := t.TempDir()
	if err := os.WriteFile(filepath.Join(noArchive, linux), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		about string
		args  []string
		want  string
	}{
		{"no arguments", nil, "expect VERSION FOLDER"},
		{"a version without a v", []string{"1.0.0", "."}, `invalid version "1.0.0"; expect one such as v1.0.0`},
		{"a commit behind the tag", []string{"v1.0", "."}, `invalid version "v1.0"`},
		{"no archives", []string{"v1.0.0", t.TempDir()}, "expect kubectl-muslsafe-v1.0.0-OS-ARCH.tar.gz"},
		{"archives of another version", []string{"v1.0.1", dir(linux, program, terms)}, "no archives"},
		{"an unknown platform", []string{"v1.0.0", dir("kubectl-muslsafe-v1.0.0-plan9-amd64.tar.gz", program, terms)}, `for platform "plan9-amd64"; expect one of darwin-amd64`},
		{"no license", []string{"v1.0.0", dir(linux, program)}, "it has no file LICENSE"},
		{"no program", []string{"v1.0.0", dir(linux, terms, entry{"doctor", "", 0o755})}, "it has no file kubectl-muslsafe"},
		{"nothing", []string{"v1.0.0", dir(linux)}, "it has no file kubectl-muslsafe and no file LICENSE"},
		{"a program that cannot be run", []string{"v1.0.0", dir(linux, entry{"kubectl-muslsafe", "", 0o644}, terms)}, "kubectl-muslsafe is not executable"},
		{"no archive", []string{"v1.0.0", noArchive}, linux + ": "},
	}
	for _, tc := range tests {
		var out bytes.Buffer
		if err := run(tc.args, &out); err == nil || !strings.Contains(err.Error(), tc.want) || out.Len() > 0 {
			t.Errorf("%s: %v, %q; want %q and no output", tc.about, err, &out, tc.want)
		}
	}
}

// TestInstall does with a real archive of doctor what krew does with the manifest: it takes the files out, and makes a link to
// the program, which kubectl then finds.
func TestInstall(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", dir+"/doctor", "../doctor").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(dir + "/doctor")
	if err != nil {
		t.Fatal(err)
	}
	pack(t, filepath.Join(dir, "kubectl-muslsafe-v1.0.0-"+runtime.GOOS+"-"+runtime.GOARCH+".tar.gz"), entry{"kubectl-muslsafe", string(text), 0o755}, terms)
	var out bytes.Buffer
	if err := run([]string{"v1.0.0", dir}, &out); err != nil {
		t.Fatal(err)
	}
	var m manifest
	if err := yaml.Unmarshal(out.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	p := m.Spec.Platforms[0]
	store, bin := t.TempDir(), t.TempDir()
	for _, f := range p.Files {
		cmd := exec.Command("tar", "-xzf", filepath.Join(dir, filepath.Base(p.URI)), "-C", filepath.Join(store, f.To), f.From)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	link := filepath.Join(bin, "kubectl-"+m.Metadata.Name)
	if err := os.Symlink(filepath.Join(store, p.Bin), link); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(link, "--version").CombinedOutput(); err != nil || string(out) != "kubectl muslsafe version dev\n" {
		t.Errorf("%v: %q; want the version of kubectl muslsafe", err, out)
	}
	if _, err := os.Stat(filepath.Join(store, "LICENSE")); err != nil {
		t.Error(err)
	}
}
