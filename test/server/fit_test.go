package server

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// sized asks the server on port 53, with room for any reply.
func sized(t *testing.T, network string, edns bool, name string, qtype uint16) *dns.Msg {
	t.Helper()
	r := new(dns.Msg).SetQuestion(name, qtype)
	if edns {
		r.SetEdns0(4096, false)
	}
	m, _, err := (&dns.Client{Net: network, UDPSize: 4096, Timeout: 5 * time.Second}).Exchange(r, "127.0.0.1:53")
	if err != nil {
		t.Fatalf("%s %s: %v", network, name, err)
	}
	return m
}

func addressCount(m *dns.Msg, qtype uint16) int {
	n := 0
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype {
			n++
		}
	}
	return n
}

// TestFitAmongPlugins has large answers with the plugins and options that change how large they come and go.
func TestFitAmongPlugins(t *testing.T) {
	for _, tc := range []struct{ before, after, forward string }{
		{"", "", ""},
		{"loadbalance", "", ""},
		{"", "cache 30", ""},
		{"", "minimal", ""},
		{"bufsize 1232", "cache 30", ""},
		{"", "", "force_tcp"},
		{"", "cache 30", "prefer_udp"},
	} {
		t.Run(strings.TrimSpace(tc.before+" "+tc.after+" "+tc.forward), func(t *testing.T) {
			scripted(t)
			start(t, fmt.Sprintf(". {\n bind 127.0.0.1\n %s\n muslsafe\n %s\n forward . 127.0.0.2 {\n max_fails 0\n %s\n }\n}", tc.before, tc.after, tc.forward))
			for range 2 { // the second time from the cache, if there is one
				for _, c := range []struct {
					name    string
					all     int  // addresses over TCP
					isLarge bool // too large for 512 octets
				}{
					{"data-n100.nodata.plain.test.", 100, true},
					{"tcempty.nodata.plain.test.", 3, false},
					{"tcsome.nodata.plain.test.", 3, false},
					{"data-c10-l60-n3.nodata.plain.test.", 3, false},
				} {
					small := sized(t, "udp", false, c.name, dns.TypeA)
					small.Compress = true
					if n := addressCount(small, dns.TypeA); n == 0 || n > c.all || small.Truncated != c.isLarge || !c.isLarge && n != c.all || small.Len() > dns.MinMsgSize {
						t.Errorf("%s: %d addresses of %d, TC %v, %d octets; want TC %v", c.name, n, c.all, small.Truncated, small.Len(), c.isLarge)
					}
					if n := addressCount(sized(t, "tcp", false, c.name, dns.TypeA), dns.TypeA); n != c.all {
						t.Errorf("%s over TCP: %d addresses; want %d", c.name, n, c.all)
					}
				}
			}
		})
	}
}

// TestFitOthersGetAll checks that clients with EDNS get the answer as it came.
func TestFitOthersGetAll(t *testing.T) {
	scripted(t)
	start(t, ". {\n bind 127.0.0.1\n muslsafe\n cache 30\n forward . 127.0.0.2 {\n force_tcp\n }\n}")
	m := sized(t, "udp", true, "data-c10-l60-n30.nodata.plain.test.", dns.TypeA)
	if n := addressCount(m, dns.TypeA); n != 30 || len(m.Answer) != 40 || m.Truncated {
		t.Errorf("%d addresses of 30, %d records of 40, TC %v", n, len(m.Answer), m.Truncated)
	}
}

// TestFitDNS64 has dns64 make AAAA records of a large answer.
func TestFitDNS64(t *testing.T) {
	scripted(t)
	start(t, ". {\n bind 127.0.0.1\n dns64 {\n allow_ipv4\n }\n muslsafe\n cache 30\n forward . 127.0.0.2\n}")
	for name, atLeast := range map[string]int{"data-n100.nodata.plain.test.": 1, "tcempty.nodata.plain.test.": 3} {
		if n := addressCount(sized(t, "udp", false, name, dns.TypeAAAA), dns.TypeAAAA); n < atLeast {
			t.Errorf("%s AAAA: %d addresses; want at least %d", name, n, atLeast)
		}
	}
}

// TestFitIsAccepted has dig follow a shortened chain; test/e2e has glibc and musl do so. (Go's resolver sends EDNS.)
func TestFitIsAccepted(t *testing.T) {
	scripted(t)
	start(t, ". {\n bind 127.0.0.1\n muslsafe\n cache 30\n forward . 127.0.0.2\n}")
	out, err := exec.Command("dig", "@127.0.0.1", "+noedns", "+short", "+ignore", "data-c20-l60-n5.nodata.plain.test.", "A").Output()
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Fields(string(out)); len(lines) != 6 {
		t.Errorf("dig: %q; want one alias and 5 addresses", lines)
	}
}
