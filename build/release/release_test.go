package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestArchive packs the same files twice: from another folder, with another date and umask the second time.
func TestArchive(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1795305600")
	var archives []string
	for _, modes := range [][2]os.FileMode{{0o755, 0o644}, {0o700, 0o600}} {
		dir := t.TempDir()
		for i, name := range []string{"program", "LICENSE"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("this is "+name), modes[i]); err != nil {
				t.Fatal(err)
			}
		}
		out := filepath.Join(dir, "out.tar.gz")
		if err := run([]string{"archive", out, "kubectl-muslsafe=" + dir + "/program", "LICENSE=" + dir + "/LICENSE"}, nil, nil); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		archives = append(archives, string(text))
	}
	if archives[0] != archives[1] {
		t.Error("the archives differ; want the same bytes")
	}
	want := []string{"kubectl-muslsafe 755 1795305600 this is program", "LICENSE 644 1795305600 this is LICENSE"}
	if got := entries(t, archives[0]); !slices.Equal(got, want) {
		t.Errorf("entries %q; want %q", got, want)
	}
}

// entries reads an archive.
func entries(t *testing.T, archive string) (list []string) {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, fmt.Sprintf("%s %o %d %s", header.Name, header.Mode, header.ModTime.Unix(), body))
	}
}

// TestArchiveFails leaves no half of an archive.
func TestArchiveFails(t *testing.T) {
	for _, tc := range []struct{ name, file, want string }{
		{"a file without a name", "LICENSE", `invalid file "LICENSE"; expect NAME=FILE`},
		{"an empty name", "=LICENSE", `invalid file "=LICENSE"`},
		{"a file that is not there", "LICENSE=/nonexistent/LICENSE", "no such file"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out.tar.gz")
			err := run([]string{"archive", out, "main.go=main.go", tc.file}, nil, nil)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v; want %s", err, tc.want)
			}
			if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s is there, %v; want nothing", out, err)
			}
		})
	}
}

// TestSBOM gives the same document for scans that differ in what is random or depends on the machine, and another one for other
// contents.
func TestSBOM(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1795305600")
	const scan = `{"bomFormat": "CycloneDX", "serialNumber": "urn:uuid:SERIAL", "version": 1, "metadata": {"timestamp": "TIME"},
		"components": [{"name": "<MODULE>"}, {"type": "file", "name": "FOLDER/doctor", "bom-ref": "SERIAL"}]}`
	settle := func(serial, time, folder, module string) string {
		var out bytes.Buffer
		in := strings.NewReplacer("SERIAL", serial, "TIME", time, "FOLDER", folder, "MODULE", module).Replace(scan)
		if err := run([]string{"sbom"}, strings.NewReader(in), &out); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	first := settle("11111111-1111-4111-8111-111111111111", "2026-11-22T01:00:00Z", "/home/one", "example.org/a")
	second := settle("22222222-2222-4222-8222-222222222222", "2026-11-22T02:00:00Z", "/home/two", "example.org/a")
	if second != first {
		t.Errorf("%s differs from %s", second, first)
	}
	var document, other struct {
		SerialNumber string
		Metadata     struct{ Timestamp string }
		Components   []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(first), &document); err != nil {
		t.Fatal(err)
	}
	if c := document.Components; document.Metadata.Timestamp != "2026-11-22T00:00:00Z" || c[0].Name != "<example.org/a>" || c[1].Name != "doctor" {
		t.Errorf("document %+v; want the time of the source, the module as it was, and the name of the file alone", document)
	}
	if err := json.Unmarshal([]byte(settle("", "", "/home/one", "example.org/b")), &other); err != nil {
		t.Fatal(err)
	}
	if other.SerialNumber == document.SerialNumber || !strings.HasPrefix(other.SerialNumber, "urn:uuid:") {
		t.Errorf("serial number %q for other contents; want one that differs from %q", other.SerialNumber, document.SerialNumber)
	}
}

func TestNotes(t *testing.T) {
	const changelog = "# Changelog\n\n## [Unreleased]\n\n## [0.1.1] - 2026-12-01\n\n### Fixed\n\n- A bug.\n\n## [0.1.0] - 2026-11-22\n\n- First.\n"
	for _, tc := range []struct{ name, version, want, fails string }{
		{"a section in the middle", "v0.1.1", "### Fixed\n\n- A bug.\n", ""},
		{"the last section", "v0.1.0", "- First.\n", ""},
		{"a version without v", "0.1.0", "- First.\n", ""},
		{"a version that begins like another one", "v0.1", "", `the changelog has no text for "v0.1"`},
		{"an empty section", "Unreleased", "", "no text"},
		{"an unknown version", "v9.9.9", "", `expect a section that begins with "## [9.9.9]"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			err := run([]string{"notes", tc.version}, strings.NewReader(changelog), &out)
			if out.String() != tc.want || tc.fails == "" && err != nil || tc.fails != "" && (err == nil || !strings.Contains(err.Error(), tc.fails)) {
				t.Errorf("notes %q, %v; want %q, %s", &out, err, tc.want, tc.fails)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	for _, args := range [][]string{nil, {"archive"}, {"archive", "out.tar.gz"}, {"sbom", "file"}, {"notes"}, {"publish"}} {
		if err := run(args, strings.NewReader(""), io.Discard); err == nil || !strings.Contains(err.Error(), usage) {
			t.Errorf("run(%q) = %v; want the usage", args, err)
		}
	}
	for _, text := range []string{"", "[]", `{"bomFormat": "SPDX"}`, `{"bomFormat": "CycloneDX"}`,
		`{"bomFormat": "CycloneDX", "metadata": {}, "components": [{"type": "file", "name": "/bin/doctor", "bom-ref": "a1"}],
		"dependencies": [{"ref": "a1"}]}`} {
		if err := run([]string{"sbom"}, strings.NewReader(text), io.Discard); err == nil {
			t.Errorf("sbom of %q is no error; want one", text)
		}
	}
}
