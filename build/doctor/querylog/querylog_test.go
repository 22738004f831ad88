package querylog

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

func TestParse(t *testing.T) {
	web := record{client: "10.244.0.7", name: "www.example.org.", qtype: "A", rcode: "NOERROR"}
	six := record{client: "2001:db8::7", name: "www.example.org.", qtype: "AAAA", rcode: "NXDOMAIN"}
	const query = `{"time":"2026-09-15T08:00:00.000000001Z","level":"INFO","msg":"10.244.0.7:40212 - 1 \"A IN www.example.org. udp 33 false 512\" NOERROR qr,aa,rd 64 0.000101s","plugin":"log","client_ip":"10.244.0.7","client_port":40212,"qname":"www.example.org.","qtype":"A","qclass":"IN","protocol":"udp","id":1,"opcode":0,"request_size":33,"dnssec_ok":false,"bufsize":512,"rcode":"NOERROR","response_size":64,"duration_seconds":0.000101}`
	quoted := strconv.Quote(query + "\n")
	tests := []struct {
		about, line string
		want        record // zero: no query
	}{
		{"common", `[INFO] 10.244.0.7:50759 - 29008 "A IN www.example.org. udp 41 false 4096" NOERROR qr,rd,ra,ad 68 0.037990251s`, web},
		{"IPv6", `[INFO] [2001:db8::7]:50759 - 29008 "AAAA IN www.example.org. udp 41 false 4096" NXDOMAIN qr,rd,ra 68 0.03s`, six},
		{"combined", `[INFO] 10.244.0.7:50759 - 29008 "A IN www.example.org. udp 41 false 4096" NOERROR qr,rd,ra 68 0.03s "0"`, web},
		{"kubectl --prefix --timestamps", `[pod/coredns-1/coredns] 2026-09-15T08:00:00Z [INFO] 10.244.0.7:50759 - 29008 "A IN www.example.org. udp 41 false 4096" NOERROR qr 68 0.03s`, web},
		{"container runtime", `2026-09-15T08:00:00.1Z stdout F [INFO] 10.244.0.7:50759 - 29008 "A IN www.example.org. udp 41 false 4096" NOERROR qr 68 0.03s`, web},
		{"docker", `{"log":"[INFO] 10.244.0.7:50759 - 29008 \"A IN www.example.org. udp 41 false 4096\" NOERROR qr 68 0.03s\n","stream":"stdout"}`, web},
		{"JSON", query, web},
		{"JSON, IPv6", `{"plugin":"log","client_ip":"2001:db8::7","qname":"www.example.org.","qtype":"AAAA","rcode":"NXDOMAIN"}`, six},
		{"JSON, kubectl --prefix --timestamps", "[pod/coredns-1/coredns] 2026-09-15T08:00:00Z " + query, web},
		{"JSON, container runtime", "2026-09-15T08:00:00.1Z stdout F " + query, web},
		{"JSON, docker", `{"log":` + quoted + `,"stream":"stdout","time":"2026-09-15T08:00:00.1Z"}`, web},
		{"JSON, docker inside of a collector's JSON", `{"log":` + strconv.Quote(`{"log":`+quoted+`}`) + `}`, web},
		{"JSON, filebeat", `{"log":{"offset":1,"file":{"path":"/var/log/coredns.log"}},"message":` + quoted + `}`, web},
		{"JSON, fluent-bit", `{"log":` + quoted + `,"kubernetes":{"container_name":"coredns","name":"coredns"}}`, web},
		{"JSON with spaces", `{ "qname": "www.example.org.", "qtype": "A", "rcode": "NOERROR", "client_ip": "10.244.0.7" }`, web},
		{"JSON, no reply", `{"plugin":"log","client_ip":"10.244.0.7","qname":"www.example.org.","qtype":"A","rcode":null,"response_size":0}`, record{client: "10.244.0.7", name: "www.example.org.", qtype: "A"}},
		{"JSON, unknown numbers", `{"client_ip":"10.244.0.7","qname":"www.example.org.","qtype":"TYPE65400","rcode":"4095"}`, record{client: "10.244.0.7", name: "www.example.org.", qtype: "TYPE65400", rcode: "4095"}},
		{"JSON, a message like a record", `{"level":"INFO","msg":"{\"qname\":\"x.example.org.\"}","plugin":"log","client_ip":"10.244.0.7","qname":"www.example.org.","qtype":"A","rcode":"NOERROR"}`, web},
		{"JSON, an escape of Unicode", `{"client_ip":"10.244.0.7","qname":"www.ex\u0061mple.org.","qtype":"A","rcode":"NOERROR"}`, web},
		{"JSON of one's own", `{"remote": "10.244.0.7", "name": "www.example.org.", "type": "A", "rcode": "NOERROR"}`, web},
		{"JSON of one's own, in the text log", `[INFO] {"remote":"10.244.0.7","name":"a\.b.example.org.","type":"A","rcode":"NOERROR"}`, record{client: "10.244.0.7", name: `a\.b.example.org.`, qtype: "A", rcode: "NOERROR"}},
		{"escapes in JSON", `{"qname":"a\\.b.example.org.","qtype":"A","rcode":null}`, record{name: `a\.b.example.org.`, qtype: "A"}},
		{"escapes", `[INFO] 10.244.0.7:5 - 1 "A IN a\.b.example.org. udp 41 false 512" NOERROR qr 68 0.03s`, record{client: "10.244.0.7", name: `a\.b.example.org.`, qtype: "A", rcode: "NOERROR"}},
		{"a quote in a name", `[INFO] 10.244.0.7:5 - 1 "A IN a\"b\\.example.org. udp 41 false 512" NOERROR qr 68 0.03s`, record{client: "10.244.0.7", name: `a\"b\\.example.org.`, qtype: "A", rcode: "NOERROR"}},
		{"the root", `[INFO] 10.244.0.7:5 - 1 "NS IN . udp 41 false 512" NOERROR qr 68 0.03s`, record{client: "10.244.0.7", name: ".", qtype: "NS", rcode: "NOERROR"}},
		{"no answer", `[INFO] 10.244.0.7:50759 - 29008 "A IN www.example.org. udp 41 false 4096" - - 0 5.0s`, record{client: "10.244.0.7", name: "www.example.org.", qtype: "A", rcode: "-"}},
		{"an error", `[ERROR] plugin/errors: 2 www.example.org. A: read udp 10.0.0.1:53: i/o timeout`, record{}},
		{"start-up", `CoreDNS-1.15.0`, record{}},
		{"empty", ``, record{}},
		{"cut in the question", `[INFO] 10.244.0.7:50759 - 29008 "A IN www.exam`, record{}},
		{"no question", `[INFO] "hello"`, record{}},
		{"cut JSON", `{"qname":"www.example.org`, record{}},
		{"JSON cut behind its message", query[:200], web},
		{"JSON of docker, cut", (`{"log":` + quoted)[:80], record{}},
		{"an error in JSON", `{"time":"2026-09-15T08:00:00Z","level":"ERROR","msg":"2 www.example.org. A: read udp 10.0.0.1:53: i/o timeout","plugin":"errors"}`, record{}},
		{"other JSON", `{"level":"INFO","msg":"plugin/reload: Running configuration"}`, record{}},
	}
	for _, tc := range tests {
		got, ok := parse(tc.line)
		if ok != (tc.want.name != "") || ok && got != tc.want {
			t.Errorf("%s: parse = %+v, %v; want %+v", tc.about, got, ok, tc.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`[INFO] 10.244.0.7:50759 - 29008 "A IN www.example.org. udp 41 false 4096" NOERROR qr 68 0.03s`)
	f.Add(`{"qname":"a\\.b.example.org.","qtype":"A","rcode":null}`)
	f.Add(`2026-09-15T08:00:00.1Z stdout F {"client_ip":"10.244.0.7","qname":"www.example.org.","qtype":"A","rcode":"NOERROR"}`)
	f.Add(`{"log":"{\"client_ip\":\"10.244.0.7\",\"qname\":\"www.example.org.\",\"qtype\":\"A\",\"rcode\":\"NOERROR\"}\n","stream":"stdout"}`)
	suffixes := testSuffixes(f)
	f.Fuzz(func(t *testing.T, line string) {
		if r, ok := parse(line); ok {
			suffixes.Classify(r.name)
		}
	})
}

// FuzzJSON writes a query with the handler that CoreDNS has, puts it behind prefixes and into the JSON of a collector, and reads
// it back.
func FuzzJSON(f *testing.F) {
	f.Add("www.example.org.", "A", "NOERROR", "2001:db8::7", "10.244.0.7:5 - 1 \"A IN www.example.org.\"")
	f.Add(`a\"b\\.example.org.`, "TYPE65400", "4095", "", `{"qname":"x."}`)
	f.Add("\u2028<é>.", "A\x00", "\n", "\t", "{")
	f.Fuzz(func(t *testing.T, name, qtype, rcode, client, msg string) {
		name, qtype = name+".", "A"+qtype
		for _, s := range []string{name, qtype, rcode, client} {
			if !utf8.ValidString(s) {
				t.Skip("JSON has no such text")
			}
		}
		var b strings.Builder
		slog.New(slog.NewJSONHandler(&b, nil)).Info(msg, "plugin", "log", "client_ip", client, "qname", name, "qtype", qtype, "rcode", rcode)
		wrapped, err := json.Marshal(map[string]string{"log": b.String(), "stream": "stdout"})
		if err != nil {
			t.Fatal(err)
		}
		want := record{client: client, name: name, qtype: qtype, rcode: rcode}
		for _, line := range []string{b.String(), "2026-09-15T08:00:00.1Z stdout F " + b.String(), string(wrapped)} {
			if got, ok := parse(line); !ok || got != want {
				t.Errorf("parse(%q) = %+v, %v; want %+v", line, got, ok, want)
			}
		}
	})
}

func testSuffixes(t testing.TB) *names.Suffixes {
	t.Helper()
	suffixes, err := names.Parse(nil, []string{"corp.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	return suffixes
}

// line writes a query as the log plugin does.
func line(qtype, name, rcode string) string {
	return fmt.Sprintf("[INFO] 10.244.0.7:50759 - 29008 \"%s IN %s. udp 41 false 512\" %s qr,rd,ra 68 0.000123s\n", qtype, name, rcode)
}

// search is what one musl client asks for www.example.org, and then for a service by its whole name.
var search = []struct{ name, a, aaaa string }{
	{"www.example.org.default.svc.cluster.local", "NXDOMAIN", "NXDOMAIN"},
	{"www.example.org.svc.cluster.local", "NXDOMAIN", "NXDOMAIN"},
	{"www.example.org.cluster.local", "NXDOMAIN", "NXDOMAIN"},
	{"www.example.org.corp.example.com", "SERVFAIL", "SERVFAIL"},
	{"www.example.org", "NOERROR", "NXDOMAIN"},
	{"web.default.svc.cluster.local.default.svc.cluster.local", "NXDOMAIN", "NXDOMAIN"},
	{"web.default.svc.cluster.local.corp.example.com", "NOERROR", "NOERROR"},
	{"web.default.svc.cluster.local", "NOERROR", "SERVFAIL"},
}

func searchLog() string {
	var b strings.Builder
	for _, q := range search {
		b.WriteString(line("A", q.name, q.a) + line("AAAA", q.name, q.aaaa))
	}
	return b.String() + line("MX", "example.org", "NOERROR") + "[ERROR] broken\n"
}

func TestCount(t *testing.T) {
	s, err := NewReader(testSuffixes(t)).Count(strings.NewReader(searchLog()))
	if err != nil {
		t.Fatal(err)
	}
	want := Stats{
		Bytes: int64(len(searchLog())), Queries: 17, NotRead: 1, A: 8, AAAA: 8, Meant: 4, Cluster: 7, Node: 2, Leaks: 4,
		Failed: 3, Answered: 2, Pairs: 8, Disagree: 1, Half: 1, // a service that fails is below a suffix, too
	}
	want.suffixes = s.suffixes
	if fmt.Sprint(*s) != fmt.Sprint(want) {
		t.Errorf("Count = %+v; want %+v", *s, want)
	}
	top := fmt.Sprint(s.Top(1))
	if top != "[{*.svc.cluster.local. 5 2 1} {other 4 2 2}]" {
		t.Errorf("Top(1) = %s", top)
	}
}

// However the input comes in, all of it is counted once.
func TestCountInPieces(t *testing.T) {
	log := strings.Repeat(searchLog(), 2000) // several blocks
	for about, in := range map[string]io.Reader{
		"whole": strings.NewReader(log), "halves": iotest.HalfReader(strings.NewReader(log)),
		"no line end": strings.NewReader(strings.TrimSuffix(log, "\n")),
		"a long line": io.MultiReader(strings.NewReader(log), strings.NewReader(strings.Repeat("x", 3*blockSize))),
	} {
		s, err := NewReader(testSuffixes(t)).Count(in)
		if err != nil || s.Queries != 17*2000 || s.Leaks != 4*2000 {
			t.Errorf("%s: %d queries, %d leaks, %v; want %d and %d", about, s.Queries, s.Leaks, err, 17*2000, 4*2000)
		}
	}
	broken := errors.New("broken disk")
	s, err := NewReader(testSuffixes(t)).Count(io.MultiReader(strings.NewReader(searchLog()), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || s.Queries != 17 {
		t.Errorf("a broken disk: %d queries, %v; want 17 and the error", s.Queries, err)
	}
}

// However many suffixes there are, memory is bounded and nothing is lost.
func TestManySuffixes(t *testing.T) {
	var b strings.Builder
	const n = 20000
	for i := range n {
		b.WriteString(line("A", fmt.Sprintf("web.default.svc.cluster.local.d%d.example.net", i), "NXDOMAIN"))
	}
	s, err := NewReader(testSuffixes(t)).Count(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	if limit := runtime.GOMAXPROCS(0) * (maxSuffixes + 1); len(s.suffixes) > limit {
		t.Errorf("%d suffixes; want %d at the most", len(s.suffixes), limit)
	}
	sum := int64(0)
	for _, x := range s.Top(10) {
		sum += x.Leaks
	}
	if sum != n {
		t.Errorf("%d leaks by suffix; want %d", sum, n)
	}
}

func BenchmarkCount(b *testing.B) {
	log := strings.Repeat(searchLog(), 10000)
	suffixes := testSuffixes(b)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewReader(suffixes).Count(strings.NewReader(log)); err != nil {
			b.Fatal(err)
		}
	}
}
