package e2e

import (
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestLocalDNS has LocalDNS of AKS in front, as AKS documents it: what the overlay stub cures is cured behind it too.
func TestLocalDNS(t *testing.T) {
	lab.Require(t)
	scripted(compactDenialOf("corp.example.com."))(t)
	bothWays(t, func(t *testing.T, with bool) {
		startAKS(t, published(), with)
		for range 2 { // the second time from its cache
			eachLibc(t, func(libc lab.Libc) {
				want := web
				if !with {
					want = fails("EAI_NONAME", "EAI_NODATA", web)(libc)
				}
				if got, took := libc.Lookup(t, "www.example.org"); !slices.Equal(got, []string{want}) || took > patience {
					t.Errorf("%s: %v after %v; want %s", libc.Name, got, took, want)
				}
			})
		}
	})
}

// shortLived is the TTL of all that this test is about, the least that the plugin cache keeps anything for.
const shortLived = 5 * time.Second

// TestLocalDNSStale looks names up whose answers have changed since LocalDNS has kept them. As documented, it gives the old
// answers once more, however short they were to live: a name that is new is absent, and worse, the halves of a pair can be of
// different age. The entry on the page for the search domain avoids both. In front of LocalDNS, as in the overlay pods,
// muslsafe mends the pairs.
func TestLocalDNSStale(t *testing.T) {
	lab.Require(t)
	for _, tc := range []struct {
		about string
		start func(t *testing.T)
		stale []string // labels of the names whose old answers are given once more
	}{
		{"as documented", func(t *testing.T) { startAKS(t, published(), true) }, []string{"half", "new", "alone"}},
		{"as on the page", func(t *testing.T) { startAKS(t, onPage(t), true) }, nil},
		{"behind the overlay pods", startPods, []string{"new"}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var changed atomic.Bool
			scripted(func(r *dns.Msg) *dns.Msg { return changing(r, changed.Load()) })(t)
			tc.start(t)
			eachLibc(t, func(libc lab.Libc) {
				for _, n := range changes {
					expect(t, libc, "0", n, n.before)
				}
			})
			changed.Store(true)
			time.Sleep(shortLived + 2*time.Second) // at the least: whatever is slow here is older still
			eachLibc(t, func(libc lab.Libc) {
				for _, n := range changes {
					n.check(t, libc, slices.Contains(tc.stale, n.label))
				}
			})
		})
	}
}

// change is a name of which something changes.
type change struct {
	about         string
	label         string
	before, after []string
	alone         bool // somebody asks for A alone before
}

var changes = []change{
	{"AAAA fails at first, so that muslsafe makes a short NODATA of it", "half", []string{"192.0.2.20"}, []string{"192.0.2.20", "2001:db8::20"}, false},
	{"the name is new, and muslsafe made NXDOMAIN of NODATA", "new", []string{"EAI_NONAME"}, []string{"192.0.2.20"}, false},
	{"the name is new, and somebody has asked for A alone", "alone", []string{"EAI_NONAME"}, []string{"192.0.2.20"}, true},
}

// check looks the name up twice, of which the first time gives what was before, if that is stale. Where only A was asked for
// since, musl finds nothing once, as the old AAAA says NXDOMAIN.
func (n change) check(t *testing.T, libc lab.Libc, stale bool) {
	t.Helper()
	if n.alone {
		n.await(t, libc, "4")
	}
	first := n.after
	if stale && (!n.alone || libc.Musl()) {
		first = n.before
	}
	expect(t, libc, "0", n, first)
	n.await(t, libc, "0")
}

// await looks the name up until the new answer is there, for which LocalDNS asks after it has answered the first client.
func (n change) await(t *testing.T, libc lab.Libc, family string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		got := lookChanged(t, libc, family, n)
		if slices.Equal(got, n.after) {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s: %s: %v for good; want %v", libc.Name, n.about, got, n.after)
			return
		}
	}
}

func expect(t *testing.T, libc lab.Libc, family string, n change, want []string) {
	t.Helper()
	if got := lookChanged(t, libc, family, n); !slices.Equal(got, want) {
		t.Errorf("%s: %s: %v; want %v", libc.Name, n.about, got, want)
	}
}

// lookChanged looks up the name of a change that is for this libc alone.
func lookChanged(t *testing.T, libc lab.Libc, family string, n change) []string {
	t.Helper()
	a, err := libc.Look(family, n.label+"."+label(libc)+".corp.example.com", (*exec.Cmd).Start)
	if err != nil {
		t.Errorf("%s: %v", libc.Name, err)
	}
	if a.Err != "OK" {
		return []string{a.Err}
	}
	return slices.Sorted(slices.Values(a.Addrs))
}

// changing is the DNS of the nodes before and after the change. It has NXDOMAIN for one name only.
func changing(r *dns.Msg, changed bool) *dns.Msg {
	q := r.Question[0]
	first, _, _ := strings.Cut(q.Name, ".")
	exists := strings.Count(q.Name, ".") == 5 && (first == "half" || changed && (first == "new" || first == "alone"))
	switch {
	case exists && q.Qtype == dns.TypeA:
		m := new(dns.Msg).SetReply(r)
		m.Answer = []dns.RR{&dns.A{Hdr: header(q), A: netip.MustParseAddr("192.0.2.20").AsSlice()}}
		return m
	case first == "alone" && !changed:
		m := compactDenialOf("corp.example.com.")(r)
		m.Rcode = dns.RcodeNameError
		return m
	case first == "half" && exists && q.Qtype == dns.TypeAAAA && changed:
		m := new(dns.Msg).SetReply(r)
		m.Answer = []dns.RR{&dns.AAAA{Hdr: header(q), AAAA: netip.MustParseAddr("2001:db8::20").AsSlice()}}
		return m
	case first == "half" && exists && q.Qtype == dns.TypeAAAA:
		return new(dns.Msg).SetRcode(r, dns.RcodeServerFailure)
	}
	return compactDenialOf("corp.example.com.")(r)
}

func header(q dns.Question) dns.RR_Header {
	return dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET, Ttl: uint32(shortLived / time.Second)}
}

// compactDenialOf is compactDenial for another zone, and for a short time.
func compactDenialOf(zone string) func(r *dns.Msg) *dns.Msg {
	return func(r *dns.Msg) *dns.Msg {
		m := new(dns.Msg).SetReply(r)
		ttl := uint32(shortLived / time.Second)
		m.Ns = []dns.RR{&dns.SOA{
			Hdr: dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
			Ns:  "ns." + zone, Mbox: "dns." + zone, Serial: 1, Refresh: 10000, Retry: 2400, Expire: 604800, Minttl: ttl,
		}}
		return m
	}
}
