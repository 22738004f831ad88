package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// example is a small capture, recorded from real libcs on a machine with the names of the documentation.
const example = "testdata/example.pcap.gz"

var writeGolden = flag.Bool("golden", false, "write what doctor says into "+captureReadme+" anew")

// TestCaptureStatus has captures and flags.
func TestCaptureStatus(t *testing.T) {
	file := unzipped(t, example)
	piped, missing := string(file), filepath.Join(t.TempDir(), "missing")
	wifi := bytes.Clone(file)
	wifi[20] = 127
	empty := string(file[:24])
	checkStatus(t, []statusCase{
		{"hazards", []string{"capture", example}, "", 1, "pair", ""},
		{"from a pipe", []string{"capture", "-"}, piped, 1, "client", ""},
		{"one name that is well", []string{"capture", example, "--name", "www.example.org"}, "", 0, "the lookup ends with an answer", ""},
		{"one name with a hazard", []string{"capture", example, "--name", "v4only.example.org."}, "", 1, "would have answered AAAA with NOERROR without an address", ""},
		{"a name in other letters", []string{"capture", example, "--name", "V4only.example.org"}, "", 1, "v4only.example.org", ""},
		{"one client", []string{"capture", example, "--client", "192.0.2.11"}, "", 1, "client 192.0.2.11: glibc", ""},
		{"JSON", []string{"capture", "-json", example}, "", 1, `"kind": "pair"`, ""},
		{"JSON of a name", []string{"capture", "-json", example, "--name", "v4only.example.org"}, "", 1, `"asked": true`, ""},
		{"cut off", []string{"capture", "-"}, piped[:len(piped)-9], 1, "pair", "it ends within packet"},
		{"no such name", []string{"capture", example, "--name", "nosuch.example.org"}, "", 2, "", "has no lookups of nosuch.example.org"},
		{"no such client", []string{"capture", example, "--client", "192.0.2.99"}, "", 2, "", "has no lookups by 192.0.2.99"},
		{"no such name by a client", []string{"capture", example, "--client", "192.0.2.11", "--name", "lan"}, "", 2, "", "has no lookups of lan by 192.0.2.11"},
		{"no packets", []string{"capture", "-"}, empty, 2, "", "has no lookups of addresses in 0 packets, 0 of them DNS; expect"},
		{"another port", []string{"capture", example, "--port", "1053"}, "", 2, "", "0 of them DNS; expect what clients and DNS servers say to each other, on port 53 or --port"},
		{"another link", []string{"capture", "-"}, string(wifi), 2, "", "unknown link type 127; expect Ethernet (1), Linux cooked"},
		{"text", []string{"capture", "-"}, "hello, world\n", 2, "", `no capture: it begins with "hell"; expect pcap or pcapng`},
		{"nothing", []string{"capture", "-"}, "", 2, "", "there is nothing in it"},
		{"missing", []string{"capture", missing}, "", 2, "", missing},
		{"a folder", []string{"capture", t.TempDir()}, "", 2, "", "is a directory"},
		{"no file", []string{"capture"}, "", 2, "", "accepts 1 arg"},
		{"a bad client", []string{"capture", example, "--client", "pod"}, "", 2, "", `invalid client "pod"; expect an IP address`},
		{"a bad port", []string{"capture", example, "--port", "65536"}, "", 2, "", "invalid port 65536; expect 1 to 65535"},
		{"bad ndots", []string{"capture", example, "--ndots", "16"}, "", 2, "", "invalid ndots 16; expect 0 to 15"},
	})
}

func unzipped(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestCaptureReadme executes the commands of the README.
func TestCaptureReadme(t *testing.T) {
	text, err := os.ReadFile(captureReadme)
	if err != nil {
		t.Fatal(err)
	}
	commands := 0
	written := console.ReplaceAllStringFunc(string(text), func(block string) string {
		commands++
		command := console.FindStringSubmatch(block)[1]
		_, out, errs := doctor("", strings.Fields(command)...)
		if errs != "" {
			t.Errorf("doctor %s: %s", command, errs)
		}
		return "```console\n$ doctor " + command + "\n" + strings.TrimRight(untimed(out), "\n") + "\n```\n"
	})
	if commands < 2 {
		t.Errorf("%d commands; want those of the README", commands)
	}
	if *writeGolden {
		if err := os.WriteFile(captureReadme, []byte(written), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if written != string(text) {
		t.Errorf("%s is not what doctor says (go test ./build/doctor -run TestCaptureReadme -golden writes it anew):\n%s", captureReadme, written)
	}
}

// captureReadme shows what doctor capture says. Its commands are executed.
const captureReadme = "capture/README.md"

// console is a command and what it says.
var console = regexp.MustCompile("(?s)```console\n\\$ doctor ([^\n]*)\n.*?```\n")

// untimed removes how long the reading took.
func untimed(out string) string {
	before, rest, ok := strings.Cut(out, ", read in ")
	if !ok {
		return out
	}
	_, rest, _ = strings.Cut(rest, "\n")
	return before + "\n" + rest
}

// TestCaptureJSON reads the JSON as a program would.
func TestCaptureJSON(t *testing.T) {
	_, out, _ := doctor("", "capture", "-json", example, "--name", "v4only.example.org")
	var r jsonCapture
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatal(err)
	}
	if r.Lookups == 0 || r.Broke == 0 || r.Found+r.Absent+r.Broke+r.AtRisk != r.Lookups || len(r.Hazards) == 0 || len(r.Clients) < 3 || r.Messages == 0 {
		t.Errorf("%+v; want lookups, hazards and clients", r)
	}
	for _, trace := range r.Traces {
		asked := 0
		for _, o := range trace.Libcs {
			if o.Asked {
				asked++
			}
		}
		if asked != 1 || len(trace.Libcs) != 5 || trace.Name != "v4only.example.org" {
			t.Errorf("trace %+v; want five libcs, one of which asked", trace)
		}
	}
	if len(r.Traces) == 0 {
		t.Error("no traces")
	}
}
