package doctor

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// logged is a server that logs, and has one answer of every kind that doctor log counts.
const logged = `. {
    bind 127.0.0.1
    log . {combined}
    errors
    template ANY ANY corp.example.com {
        rcode SERVFAIL
    }
    template IN AAAA half.example.org {
        rcode SERVFAIL
    }
    hosts {
        192.0.2.80 www.example.org half.example.org
    }
    acl silent.example.org {
        drop
    }
    forward . 127.0.0.9
}
`

// patient is how long a client waits for a reply.
const patient = 5 * time.Second

// asked are the names that one client asks for, A and AAAA each.
var asked = []string{
	"www.example.org.svc.cluster.local.", "www.example.org.corp.example.com.", "WWW.example.org.", "half.example.org.",
	"web.default.svc.cluster.local.corp.example.com.", `a\.b\"c\\.example.org.`, "silent.example.org.",
}

// counts is what the tests read of doctor log -json.
type counts struct {
	Queries, NotRead, A, AAAA, Meant, ClusterSteps, NodeSteps, Leaks, StepsFailed, Pairs, PairsHalfFailed int64
}

// logOf runs a server with a log of some format, asks it, and returns what it has written.
func logOf(t *testing.T, format string) string {
	t.Helper()
	dir := t.TempDir()
	lab.WriteFile(t, filepath.Join(dir, "Corefile"), logged)
	server := lab.Run(t, dir, "-conf", "Corefile", "-log-format", format)
	for i, name := range asked {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			packet, err := new(dns.Msg).SetQuestion(name, qtype).Pack()
			if err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = lab.Exchange("udp", "127.0.0.1:53", packet, patient) }() // one is dropped, and has no reply
			server.AwaitTimes(t, dns.TypeToString[qtype]+" IN ", strings.Count(server.Log(), dns.TypeToString[qtype]+" IN ")+1)
		}
		if i == len(asked)-1 {
			server.Stop()
		}
	}
	return server.Log()
}

func countsOf(t *testing.T, log string) (c counts) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "coredns.log")
	lab.WriteFile(t, file, log)
	_, out, errs := doctor(t, "log", "-json", "-search", "default.svc.cluster.local,svc.cluster.local,cluster.local,corp.example.com", file)
	if err := json.Unmarshal([]byte(out), &c); err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs)
	}
	return c
}

// TestLogFormats asks a real server the same twice: once it logs text, once JSON. Both logs have the same counts, and so have both
// of them behind the prefixes of kubectl and of container runtimes, in docker's JSON, and mixed.
func TestLogFormats(t *testing.T) {
	lab.Require(t)
	text, structured := logOf(t, "text"), logOf(t, "json")
	if !strings.Contains(structured, `"qname":"www.example.org.","qtype":"A"`) {
		t.Fatalf("the log has no JSON:\n%s", structured)
	}
	want := countsOf(t, text)
	want.NotRead = 0 // lines of the start, which differ
	n := int64(len(asked))
	if want.Queries != 2*n || want.Pairs != n || want.PairsHalfFailed != 1 || want.Leaks != 2 || want.StepsFailed < 4 {
		t.Errorf("text: %+v; want %d queries, %d pairs, a half that fails, two leaks, and four failed steps", want, 2*n, n)
	}
	for about, wrap := range map[string]func(string) string{
		"as it is":         func(line string) string { return line },
		"kubectl":          func(line string) string { return "[pod/coredns-1/coredns] 2026-11-22T08:00:00Z " + line },
		"containerd":       func(line string) string { return "2026-11-22T08:00:00.1Z stdout F " + line },
		"docker":           dockerLine,
		"docker, prefixed": func(line string) string { return "coredns-1 | " + dockerLine(line) },
	} {
		for _, log := range []string{text, structured} {
			var b strings.Builder
			for line := range strings.Lines(log) {
				b.WriteString(wrap(strings.TrimSuffix(line, "\n")) + "\n")
			}
			got := countsOf(t, b.String())
			got.NotRead = 0
			if got != want {
				t.Errorf("%s: %+v; want %+v\n%s", about, got, want, b.String())
			}
		}
	}
	if got := countsOf(t, text+structured); got.Queries != 2*want.Queries || got.Pairs != 2*want.Pairs || got.Leaks != 2*want.Leaks {
		t.Errorf("mixed: %+v; want twice as much as %+v", got, want)
	}
}

// dockerLine is a line in a file of docker's json-file driver.
func dockerLine(line string) string {
	b, err := json.Marshal(map[string]string{"log": line + "\n", "stream": "stdout", "time": "2026-11-22T08:00:00.1Z"})
	if err != nil {
		panic(err) // strings always have JSON
	}
	return string(b)
}
