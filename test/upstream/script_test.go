package upstream

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

var script = &Script{Zones: []Zone{
	{Name: "d1.test.", Net: 1, Scripted: true},
	{Name: "d2.test.", Net: 2},
	{Name: "deep.d2.test.", Net: 3, A: Behaviour{Answer: Refused}, AAAA: Behaviour{Answer: NoData}},
	{Name: LinkZone, Net: 4},
	{Name: "host.test.", Net: 5, Host: true},
}}

// ask returns the fate of a question and, if it was answered, the message.
func ask(t *testing.T, q stub.Query) (stub.Reply, *dns.Msg) {
	t.Helper()
	q.Attempt = max(q.Attempt, 1)
	r := script.Exchange(q)
	if r.Fate != stub.Answered {
		return r, nil
	}
	m := new(dns.Msg)
	if err := m.Unpack(r.Bytes); err != nil {
		return r, nil
	}
	return r, m
}

func TestExchange(t *testing.T) {
	tests := []struct {
		name         string
		qtype        uint16
		tcp          bool
		rcode, count int
		truncated    bool
	}{
		{"data.nodata.x.d1.test.", dns.TypeA, false, 0, 1, false},
		{"data.nodata.x.d1.test.", dns.TypeAAAA, false, 0, 0, false},
		{"DATA.x.D1.test.", dns.TypeA, false, 0, 1, false},
		{"nxdomain.d1.test.", dns.TypeAAAA, false, 3, 0, false},
		{"nxdomain-c1.d1.test.", dns.TypeA, false, 3, 1, false},
		{"www.d1.test.", dns.TypeA, false, 3, 0, false},
		{"servfail.d1.test.", dns.TypeA, false, 2, 0, false},
		{"tcempty.d1.test.", dns.TypeA, false, 0, 0, true},
		{"tcempty.d1.test.", dns.TypeA, true, 0, 3, false},
		{"tcsome.d1.test.", dns.TypeA, false, 0, 1, true},
		{"tcsome-c2.d1.test.", dns.TypeA, false, 0, 3, true},
		{"data-n28.d1.test.", dns.TypeA, false, 0, 28, false},
		{"data-n40.d1.test.", dns.TypeA, false, 0, 29, true},
		{"data-n40.d1.test.", dns.TypeA, true, 0, 40, false},
		{"data-n40-u.d1.test.", dns.TypeA, false, 0, 40, false},
		{"data-n300.d1.test.", dns.TypeAAAA, true, 0, 300, false},
		{"data-n2000.d1.test.", dns.TypeAAAA, true, 0, 2000, false},
		{"data-c100-l255.d1.test.", dns.TypeA, true, 0, 101, false},
		{"data-c3.d1.test.", dns.TypeA, false, 0, 4, false},
		{"cnameonly.d1.test.", dns.TypeA, false, 0, 1, false},
		{"tcempty-xservfail.d1.test.", dns.TypeA, true, 2, 0, false},
		{"tcempty-xtruncate.d1.test.", dns.TypeA, true, 0, 0, true},
		{"any.d2.test.", dns.TypeA, false, 0, 1, false},
		{"any.deep.d2.test.", dns.TypeA, false, 5, 0, false},
		{"d2.test.", dns.TypeA, false, 3, 0, false},
		{"host.test.", dns.TypeA, false, 0, 1, false},
		{"any.host.test.", dns.TypeA, false, 3, 0, false},
		{"any.example.org.", dns.TypeA, false, 3, 0, false},
	}
	for _, tc := range tests {
		q := stub.Query{Name: tc.name, Type: tc.qtype}
		if tc.tcp {
			q.Transport = stub.TCP
		}
		_, m := ask(t, q)
		if m == nil || m.Rcode != tc.rcode || len(m.Answer) != tc.count || m.Truncated != tc.truncated {
			t.Errorf("%v %s %s = %v; want rcode %d, %d records, TC %t",
				q.Transport, tc.name, dns.TypeToString[tc.qtype], m, tc.rcode, tc.count, tc.truncated)
		}
	}
}

// The zone of all names has those that no other zone has.
func TestRoot(t *testing.T) {
	s := &Script{Zones: []Zone{{Name: ".", A: Behaviour{Answer: Silence}}, {Name: "d2.test.", Net: 2}}}
	for name, want := range map[string]stub.Fate{".": stub.Silent, "d1.test.": stub.Silent, "any.d2.test.": stub.Answered} {
		if r := s.Exchange(stub.Query{Name: name, Type: dns.TypeA, Attempt: 1}); r.Fate != want {
			t.Errorf("%s = %v; want %v", name, r.Fate, want)
		}
	}
}

func TestFates(t *testing.T) {
	tests := []struct {
		name string
		tcp  bool
		want stub.Fate
	}{
		{"silence.d1.test.", false, stub.Silent},
		{"silence.d1.test.", true, stub.Silent},
		{"tcempty-xclose.d1.test.", false, stub.Answered},
		{"tcempty-xclose.d1.test.", true, stub.Closed},
		{"tcempty-xreset.d1.test.", true, stub.Reset},
		{"tcempty-xstall.d1.test.", true, stub.Silent},
	}
	for _, tc := range tests {
		q := stub.Query{Name: tc.name, Type: dns.TypeA}
		if tc.tcp {
			q.Transport = stub.TCP
		}
		if r, _ := ask(t, q); r.Fate != tc.want {
			t.Errorf("%v %s = %v; want %v", q.Transport, tc.name, r.Fate, tc.want)
		}
	}
}

// The first questions fail, whatever their transport; then the answer comes, each after its delay.
func TestFailsAndDelay(t *testing.T) {
	q := stub.Query{Name: "data-d70-f2servfail.d1.test.", Type: dns.TypeA}
	for attempt, want := range []int{dns.RcodeServerFailure, dns.RcodeServerFailure, dns.RcodeSuccess} {
		q.Attempt = attempt + 1
		r, m := ask(t, q)
		if m == nil || m.Rcode != want || r.Delay != 70*time.Millisecond {
			t.Errorf("question %d = %v after %v; want rcode %d after 70ms", attempt+1, m, r.Delay, want)
		}
	}
}

// CNAME targets have the size asked for, and share nothing that compression could use but their zone.
func TestLinkName(t *testing.T) {
	for size := 20; size <= 255; size++ {
		a, b := linkName(1, size), linkName(2, size)
		if len(a)+1 != size {
			t.Errorf("linkName(1, %d) = %s, %d octets", size, a, len(a)+1)
		}
		if _, ok := dns.IsDomainName(a); !ok {
			t.Errorf("linkName(1, %d) = %s: no domain name", size, a)
		}
		la, lb := strings.Split(a, "."), strings.Split(b, ".")
		for i := range len(la) - 3 {
			if la[i] == lb[i] {
				t.Errorf("linkName(1, %d) and linkName(2, %d) share %s", size, size, la[i])
			}
		}
	}
}

func TestNetOf(t *testing.T) {
	for n := range 256 {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			rr := address("example.org.", qtype, Zone{Net: byte(n)}, 1000)
			_, data, _ := strings.Cut(rr.String(), "\t"+dns.TypeToString[qtype]+"\t")
			if got := NetOf(netip.MustParseAddr(data)); got != n {
				t.Errorf("NetOf(%s) = %d; want %d", data, got, n)
			}
		}
	}
}

func TestScripts(t *testing.T) {
	here, noTCP := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	s := Scripts{here: script, noTCP: {Zones: script.Zones, NoTCP: true}}
	q := stub.Query{Name: "data.d1.test.", Type: dns.TypeA, Attempt: 1, Transport: stub.TCP}
	for server, want := range map[string]stub.Fate{"192.0.2.1": stub.Answered, "192.0.2.2": stub.Refused, "192.0.2.3": stub.Refused} {
		q.Server = netip.MustParseAddr(server)
		if r := s.Exchange(q); r.Fate != want {
			t.Errorf("%s over TCP = %v; want %v", server, r.Fate, want)
		}
	}
}
