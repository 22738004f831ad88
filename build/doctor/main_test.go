package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// scripted has a domain that answers as the name says, one without addresses and one that has all names.
var scripted = &upstream.Script{Zones: []upstream.Zone{
	{Name: "d1.test.", Net: 1, Scripted: true},
	{Name: "d2.test.", Net: 2},
}}

// serve returns the flags for a scripted server.
func serve(t *testing.T) []string {
	t.Helper()
	server, err := upstream.Serve("127.0.0.1:0", scripted)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return []string{"-server", server.Addr().String(), "-search", "d1.test,d2.test", "-ndots=5", "-timeout", "1s", "-resolv-conf", writeFile(t, "resolv.conf", "")}
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func doctor(in string, args ...string) (status int, out, errs string) {
	var o, e bytes.Buffer
	status = run(args, strings.NewReader(in), &o, &e)
	return status, o.String(), e.String()
}

const (
	good   = ". {\n muslsafe\n cache 30 {\n servfail 0\n }\n forward . 192.0.2.53\n}\n"
	advice = ". {\n muslsafe\n cache 30\n forward . 192.0.2.53\n}\n"
	bad    = ". {\n cache 30\n forward . 192.0.2.53\n}\n"

	healthyLog = `[INFO] 10.244.0.7:50759 - 29008 "A IN www.example.org. udp 41 false 512" NOERROR qr 68 0.03s` + "\n"
	brokenLog  = healthyLog + `[INFO] 10.244.0.7:50759 - 29008 "AAAA IN www.example.org. udp 41 false 512" NXDOMAIN qr 68 0.03s` + "\n"
)

// statusCase is a run of doctor: its exit status, and what is said with it.
type statusCase struct {
	about  string
	args   []string
	in     string
	status int
	out    string // in the output
	errs   string // in the errors; empty: there are none
}

func checkStatus(t *testing.T, tests []statusCase) {
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			status, out, errs := doctor(tc.in, tc.args...)
			if status != tc.status || !strings.Contains(out, tc.out) || !strings.Contains(errs, tc.errs) || tc.errs == "" && errs != "" {
				t.Errorf("doctor %q = %d; want %d\noutput, want %q:\n%s\nerrors, want %q:\n%s", tc.args, status, tc.status, tc.out, out, tc.errs, errs)
			}
		})
	}
}

// TestStatus has names and flags.
func TestStatus(t *testing.T) {
	server := serve(t)
	ask := func(args ...string) []string { return slices.Concat(server, args) }
	missing := filepath.Join(t.TempDir(), "missing")
	checkStatus(t, []statusCase{
		{"healthy", ask("data.data.x"), "", 0, "data.data.x: healthy", ""},
		{"a hazard", ask("data.nxdomain.x"), "", 1, "muslsafe: pair", ""},
		{"a hazard among healthy names", ask("data.data.x", "data.servfail.x", "data.nodata.x"), "", 1, "muslsafe: failure", ""},
		{"no such name", ask("nxdomain.nxdomain.x.d1.test."), "", 2, "cannot tell", ""},
		{"a hazard beside no such name", ask("nxdomain.nxdomain.x.d1.test.", "data.nxdomain.x"), "", 1, "cannot tell", ""},
		{"a server that fails", ask("servfail.servfail.x.d1.test."), "", 2, "the server fails", ""},
		{"a silent server", ask("silence.silence.x.d1.test."), "", 2, "no reply within 1s", ""},
		{"a name that cannot be asked", ask("a..b"), "", 2, "no libc asks for such a name", ""},
		{"two dashes", ask("--json", "data.data.x"), "", 0, `"status": "healthy"`, ""},
		{"one dash", ask("-json", "data.data.x"), "", 0, `"status": "healthy"`, ""},
		{"nobody listens", []string{"-server", "127.0.0.1:1", "-search", "", "www.example.org"}, "", 2, "nobody listens there", ""},
		{"no names", nil, "", 0, "Usage:", ""},
		{"help", []string{"-help"}, "", 0, "Usage:", ""},
		{"version", []string{"--version"}, "", 0, "doctor version", ""},
		{"completion", []string{"completion", "bash"}, "", 0, "complete", ""},

		{"no resolv.conf", []string{"-resolv-conf", missing, "www.example.org"}, "", 2, "", missing},
		{"a bad server", []string{"-server", "dns.example.org", "www.example.org"}, "", 2, "", `invalid server "dns.example.org"; expect an IP address`},
		{"a bad port", []string{"-server", "192.0.2.1:0", "www.example.org"}, "", 2, "", `invalid server "192.0.2.1:0"`},
		{"one server, two ports", []string{"-server", "192.0.2.1:53,192.0.2.1:54", "www.example.org"}, "", 2, "", "two ports, 53 and 54"},
		{"four servers", []string{"-server", "192.0.2.1,192.0.2.2,192.0.2.3,192.0.2.4", "x"}, "", 2, "", "expect up to 3"},
		{"bad ndots", []string{"-ndots", "16", "www.example.org"}, "", 2, "", "invalid ndots 16; expect 0 to 15"},
		{"a bad timeout", []string{"-timeout", "1ms", "www.example.org"}, "", 2, "", "invalid timeout 1ms; expect 100ms to 1m"},
		{"a bad colour", []string{"-color", "red", "www.example.org"}, "", 2, "", `invalid color "red"; expect auto, always or never`},
		{"an unknown flag", []string{"--nosuch", "www.example.org"}, "", 2, "", "unknown flag: --nosuch"},
	})
}

// TestStatusOfCommands has what doctor reads besides names.
func TestStatusOfCommands(t *testing.T) {
	server := serve(t)
	ask := func(args ...string) []string { return slices.Concat(server, args) }
	missing := filepath.Join(t.TempDir(), "missing")
	checkStatus(t, []statusCase{
		{"trace", ask("trace", "data.data.x", "-libc", "musl-1.2.3"), "", 0, "the lookup ends with an answer", ""},
		{"trace of a hazard", ask("trace", "data.servfail.x", "-libc", "musl-1.2.3"), "", 1, "the search ends here, with temporary failure (EAI_AGAIN)", ""},
		{"trace of a hazard for others", ask("trace", "data.servfail.x", "-libc", "glibc-2.36"), "", 0, "the lookup ends with an answer", ""},
		{"trace in JSON", ask("trace", "-json", "data.servfail.x"), "", 1, `"verdict": "resent"`, ""},
		{"trace of an unknown libc", ask("trace", "x", "-libc", "uclibc-1.0"), "", 2, "", `unknown libc "uclibc-1.0"; expect one of musl-1.2.0`},
		{"trace without a name", []string{"trace"}, "", 2, "", "trace has no argument; expect one NAME"},

		{"one name server", ask("nameservers", "data.data.x"), "", 0, "one name server, so there is no race", ""},
		{"name servers, in JSON", ask("nameservers", "-json", "data.data.x"), "", 0, `"finishes": [`, ""},
		{"name servers, an address", ask("nameservers", "192.0.2.80"), "", 2, "no libc asks for such a name", ""},
		{"name servers, a name that cannot be asked", ask("nameservers", "a..b"), "", 2, "no libc asks for such a name", ""},
		{"a name server that fails", ask("nameservers", "servfail.servfail.x.d1.test."), "", 2, "no name server answers", ""},

		{"a good Corefile", []string{"corefile", "-"}, good, 0, "nothing that harms musl", ""},
		{"a Corefile with advice", []string{"corefile", "-"}, advice, 0, "servfail-cached", ""},
		{"a bad Corefile", []string{"corefile", "-"}, bad, 1, "standard input:1: hazard: server block \".\" has no muslsafe", ""},
		{"a Corefile in JSON", []string{"corefile", "-json", "-"}, bad, 1, `"rule": "muslsafe-missing"`, ""},
		{"a broken Corefile", []string{"corefile", "-"}, ". {\n", 2, "", "standard input:1"},
		{"a missing Corefile, and the rest", []string{"corefile", missing, "-"}, bad, 1, "muslsafe-missing", missing},
		{"a bad search domain", []string{"corefile", "-search", ".", "-"}, good, 2, "", `invalid search domain "."`},
		{"a ConfigMap", []string{"configmap", "-"}, "kind: ConfigMap\ndata:\n  Corefile: |\n    . {\n      forward . 192.0.2.53\n    }\n", 1, "standard input:4: hazard", ""},
		{"no ConfigMap", []string{"configmap", "-"}, "kind: Secret\n", 2, "", "no ConfigMap with a Corefile"},

		{"a healthy log", []string{"log", "-"}, healthyLog, 0, "1 query in 93 B", ""},
		{"a log with trouble", []string{"log", "-"}, brokenLog, 1, "1 disagree on", ""},
		{"a log in JSON", []string{"log", "-json", "-"}, brokenLog, 1, `"pairsThatDisagree": 1`, ""},
		{"no log", []string{"log", "-"}, "hello\n", 2, "", "standard input has no queries in 1 line; expect"},
		{"a missing log", []string{"log", missing}, "", 2, "", missing},
		{"a folder", []string{"log", t.TempDir()}, "", 2, "", "is a directory"},
	})
}

// In a pipe there are no colours, unless they are asked for.
func TestColors(t *testing.T) {
	args := append(serve(t), "data.nxdomain.x")
	if _, out, _ := doctor("", args...); strings.Contains(out, "\x1b[") {
		t.Errorf("colours in a pipe: %q", out)
	}
	_, out, _ := doctor("", append(args, "-color", "always")...)
	if !strings.Contains(out, "\x1b[") {
		t.Errorf("no colours: %q", out)
	}
}

// Everything after -- is a name, also if it looks like a command or a flag.
func TestNamesLikeCommands(t *testing.T) {
	_, out, _ := doctor("", append(serve(t), "-json", "--", "log", "-json")...)
	var r jsonReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Names) != 2 || r.Names[0].Name != "log" || r.Names[1].Name != "-json" {
		t.Errorf("names = %+v, %v; want log and -json", r.Names, err)
	}
}
