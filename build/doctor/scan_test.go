package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programs are files that stand for programs: what makes them one is what scan looks for, without the code.
const (
	elfHeader = "\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00\x01\x00\x00\x00"
	muslText  = "\x00ndots:\x00" + "No error information\x00Illegal byte sequence\x00Domain error\x00Result not representable\x00Not a tty\x00"
)

// elfProgram is a static program for amd64 with some text in it.
func elfProgram(text string) string {
	return elfHeader + strings.Repeat("\x00", 64-len(elfHeader)) + text
}

// tarOf packs one file.
func tarOf(t *testing.T, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(text)), Mode: 0o755}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestScanStatus has what is scanned, and what it comes to.
func TestScanStatus(t *testing.T) {
	musl, none := writeFile(t, "musl", elfProgram(muslText)), writeFile(t, "none", elfProgram(""))
	odd, packed := writeFile(t, "odd", elfProgram("/etc/resolv.conf")), writeFile(t, "packed", elfProgram("$Info: This file is packed with the UPX executable packer"))
	folder, missing := filepath.Dir(musl), filepath.Join(t.TempDir(), "missing")
	broken := writeFile(t, "broken", elfProgram("")[:40])
	own, err := os.Executable() // go test builds it with cgo, or without
	if err != nil {
		t.Fatal(err)
	}
	archive := tarOf(t, "bin/musl", elfProgram(muslText))
	checkStatus(t, []statusCase{
		{"musl", []string{"scan", musl}, "", 1, "musl 1.2.1 to 1.2.2", ""},
		{"hazards are explained", []string{"scan", musl}, "", 1, "pair        the address is lost", ""},
		{"nothing that asks", []string{"scan", none}, "", 0, "1 program, none at risk", ""},
		{"Go", []string{"scan", own}, "", 0, "go", ""},
		{"a resolver of its own", []string{"scan", odd}, "", 2, "no musl was found, but 1 resolver is unknown", ""},
		{"packed", []string{"scan", packed}, "", 2, "packed by UPX", ""},
		{"musl beside a missing file", []string{"scan", missing, musl}, "", 1, "1 of 1 program at risk", missing},
		{"no musl, and a missing file", []string{"scan", none, missing}, "", 2, "none at risk", missing},
		{"a folder", []string{"scan", folder}, "", 1, folder + "\n", ""},
		{"an empty folder", []string{"scan", t.TempDir()}, "", 2, "no program was found, so nothing can be told", ""},
		{"a broken program", []string{"scan", broken}, "", 2, "", "is not an ELF file"},
		{"a folder with a broken program", []string{"scan", filepath.Dir(broken)}, "", 2, "not read: " + broken, ""},
		{"a stream", []string{"scan", "-"}, archive, 1, "/bin/musl", ""},
		{"a stream that is cut short", []string{"scan", "-"}, archive[:700], 2, "", "doctor: standard input: the archive is cut short\n"},
		{"no stream", []string{"scan", "-"}, "", 2, "", "standard input is no archive; expect"},
		{"JSON", []string{"scan", "--json", musl}, "", 1, `"resolver": "musl"`, ""},
		{"JSON of nothing", []string{"scan", "--json", missing}, "", 2, `"reports": []`, missing},
		{"nothing", []string{"scan"}, "", 2, "", "nothing to scan; expect a program"},
		{"no such process", []string{"scan", "--pid", "0"}, "", 2, "", "there is no process 0"},
		{"no process", []string{"scan", "--pid", "init"}, "", 2, "", `invalid argument "init"`},
		{"help", []string{"scan", "--help"}, "", 0, "docker save example.org/app:1 | doctor scan -", ""},
	})
}

// TestScanTable holds that many programs are one line with a few examples, and that --all shows each.
func TestScanTable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(elfProgram(muslText)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "z\x1b[31m"), []byte(elfProgram("")), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	_, out, _ := doctor("", "scan", ".")
	for text, want := range map[string]int{"musl 1.2.1": 1, "5 programs:": 1, "│ a ": 1, "│ d ": 0, "│ ... ": 1, "z?[31m": 1, "\x1b": 0, "5 of 6 programs at risk": 1} {
		if got := strings.Count(out, text); got != want {
			t.Errorf("%q is there %d times; want %d:\n%s", text, got, want, out)
		}
	}
	if _, out, _ := doctor("", "scan", "--all", "."); strings.Count(out, "musl 1.2.1") != 5 {
		t.Errorf("--all shows:\n%s\nwant each program", out)
	}
}

// TestScanJSON holds the names that scripts rely on.
func TestScanJSON(t *testing.T) {
	file := writeFile(t, "app", elfProgram(muslText))
	_, out, _ := doctor("", "scan", "--json", file)
	var got struct {
		Reports []struct {
			Path     string
			Programs []struct {
				Path, Resolver, Version, From, To string
				Guess, AtRisk                     bool
				Evidence, Hazards                 []string
			}
			Unreadable []struct{ Path, Why string }
		}
		Count struct{ Programs, AtRisk, Unknown, Unreadable int }
	}
	d := json.NewDecoder(strings.NewReader(out))
	if err := d.Decode(&got); err != nil || len(got.Reports) != 1 || len(got.Reports[0].Programs) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	p := got.Reports[0].Programs[0]
	if p.Path != file || p.Resolver != "musl" || p.Version != "1.2.1 to 1.2.2" || p.From != "1.2.1" || p.To != "1.2.2" || !p.Guess || !p.AtRisk ||
		len(p.Evidence) == 0 || len(p.Hazards) == 0 || p.Hazards[0] != "pair" || got.Count.AtRisk != 1 || got.Count.Programs != 1 {
		t.Errorf("%s", out)
	}
	for _, name := range []string{`"path"`, `"resolver"`, `"version"`, `"from"`, `"to"`, `"guess"`, `"evidence"`, `"also"`, `"hazards"`, `"atRisk"`, `"unreadable"`, `"reports"`, `"count"`} {
		if !strings.Contains(out, name) {
			t.Errorf("no %s in %s", name, out)
		}
	}
}

// TestScanRunning scans the process of this test.
func TestScanRunning(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	var pid bytes.Buffer
	if err := json.NewEncoder(&pid).Encode(cmd.Process.Pid); err != nil {
		t.Fatal(err)
	}
	status, out, errs := doctor("", "scan", "--pid", strings.TrimSpace(pid.String()))
	if status == 2 || !strings.Contains(out, "(process "+strings.TrimSpace(pid.String())+")") {
		t.Errorf("%d, %s%s; want the process", status, out, errs)
	}
}
