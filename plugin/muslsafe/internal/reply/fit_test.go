package reply

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

func TestFit(t *testing.T) {
	odd := test.CAA("www.example.org. 60 IN CAA 0 issue \"ca.example.net\"")
	extra := make([]dns.RR, 40)
	for i := range extra {
		extra[i] = test.A(fmt.Sprintf("ns%d.example.net. 60 IN A 192.0.2.53", i))
	}
	soa := test.SOA("example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 2 3 4 5")
	edit := func(m *dns.Msg, f func(*dns.Msg)) *dns.Msg { f(m); return m }
	tests := []struct {
		about     string
		m         *dns.Msg
		addresses int
		links     int
		cut       bool
		same      bool
	}{
		{"small", sample.Big("www.example.org.", dns.TypeA, 0, 0, 3), 3, 0, false, true},
		{"as many as fit compressed", sample.Big("www.example.org.", dns.TypeA, 0, 0, 29), 29, 0, false, true},
		{"one more", sample.Big("www.example.org.", dns.TypeA, 0, 0, 30), 29, 0, true, false},
		{"many AAAA", sample.Big("www.example.org.", dns.TypeAAAA, 0, 0, 100), 17, 0, true, false},
		{"odd type in front", edit(sample.Big("www.example.org.", dns.TypeA, 0, 0, 2), func(m *dns.Msg) { m.Answer = slices.Insert(m.Answer, 0, dns.RR(odd)) }), 2, 0, false, false},
		{"large additional section", edit(sample.Big("www.example.org.", dns.TypeA, 1, 20, 3), func(m *dns.Msg) { m.Extra = extra }), 3, 1, false, false},
		{"chain of four that fits", sample.Big("www.example.org.", dns.TypeA, 4, 40, 3), 3, 4, false, true},
		{"chain of ten", sample.Big("www.example.org.", dns.TypeA, 10, 60, 3), 3, 1, false, false},
		{"chain of ten and thirty addresses", sample.Big("www.example.org.", dns.TypeA, 10, 60, 30), 25, 1, true, false},
		{"chain of thirty", sample.Big("www.example.org.", dns.TypeAAAA, 30, 250, 2), 2, 1, false, false},
		{"longest names", sample.Big(sample.LongName("www", 254), dns.TypeA, 3, 254, 20), 15, 0, true, false},
		{"cut before", edit(sample.Big("www.example.org.", dns.TypeA, 0, 0, 3), func(m *dns.Msg) { m.Truncated = true }), 3, 0, true, true},
		{"odd type beside a small authority section", edit(sample.Big("www.example.org.", dns.TypeA, 0, 0, 2), func(m *dns.Msg) {
			m.Answer, m.Ns, m.Extra = append(m.Answer, odd), []dns.RR{soa}, slices.Clone(extra[:1])
		}), 2, 0, false, false},
		{"large authority section", edit(sample.Big("www.example.org.", dns.TypeA, 4, 20, 3), func(m *dns.Msg) { m.Ns = extra }), 3, 4, false, false},
		{"large additional section and a chain that fits", edit(sample.Big("www.example.org.", dns.TypeA, 4, 20, 3), func(m *dns.Msg) { m.Extra = extra }), 3, 4, false, false},
		{"large additional section and a chain that does not fit", edit(sample.Big("www.example.org.", dns.TypeA, 10, 60, 3), func(m *dns.Msg) { m.Ns, m.Extra = extra, extra }), 3, 1, false, false},
		{"cut before, and cut again", edit(sample.Big("www.example.org.", dns.TypeA, 0, 0, 40), func(m *dns.Msg) { m.Truncated = true }), 29, 0, true, false},
		{"cut before, and all that came fits without the aliases", edit(sample.Big(sample.LongName("www", 254), dns.TypeA, 3, 254, 5), func(m *dns.Msg) { m.Truncated = true }), 5, 0, true, false},
		{"not cut, and all that came fits without the aliases", sample.Big(sample.LongName("www", 254), dns.TypeA, 3, 254, 5), 5, 0, false, false},
		{"negative with aliases and a large authority section", edit(sample.Big("www.example.org.", dns.TypeA, 2, 20, 0), func(m *dns.Msg) { m.Ns = append(slices.Clone(extra), soa) }), 0, 2, false, false},
		{"negative with a large authority section", edit(sample.Big("www.example.org.", dns.TypeA, 0, 0, 0), func(m *dns.Msg) { m.Ns = append(slices.Clone(extra), soa) }), 0, 0, false, false},
		{"negative at the end of a long chain", edit(sample.Big("www.example.org.", dns.TypeA, 20, 60, 0), func(m *dns.Msg) { m.Ns = []dns.RR{soa} }), 0, 0, false, false},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			before := tc.m.String()
			got := Fit(tc.m, tc.m.Question[0], 7)
			chain, addresses := split(got.Answer, got.Question[0].Qtype)
			if len(addresses) != tc.addresses || len(chain) != tc.links || got.Truncated != tc.cut || (got == tc.m) != tc.same {
				t.Errorf("fit = %d addresses, %d links, TC %v, same message %v; want %d, %d, %v, %v",
					len(addresses), len(chain), got.Truncated, got == tc.m, tc.addresses, tc.links, tc.cut, tc.same)
			}
			if tc.addresses == 0 && !slices.ContainsFunc(got.Ns, is(dns.TypeSOA)) {
				t.Errorf("authority = %v; want the SOA in it", got.Ns)
			}
			checkFit(t, tc.m, got)
			if tc.m.String() != before {
				t.Error("the message of the upstream was modified")
			}
		})
	}
}

// TestFitLeavesWhatFits checks that the other sections stay where there is room for them.
func TestFitLeavesWhatFits(t *testing.T) {
	m := sample.Big("www.example.org.", dns.TypeA, 1, 20, 2)
	m.Answer = append(m.Answer, test.CAA("www.example.org. 60 IN CAA 0 issue \"ca.example.net\""))
	m.Ns = []dns.RR{test.NS("example.org. 60 IN NS ns.example.org.")}
	m.Extra = []dns.RR{test.A("ns.example.org. 60 IN A 192.0.2.53")}
	if got := Fit(m, m.Question[0], 0); len(got.Answer) != 3 || len(got.Ns) != 1 || len(got.Extra) != 1 {
		t.Errorf("fit = %v; want the record of another type gone, and nothing else", got)
	}
	m.Extra = slices.Repeat(m.Extra, 40)
	if got := Fit(m, m.Question[0], 0); len(got.Ns) != 0 || len(got.Extra) != 0 || got.Truncated {
		t.Errorf("fit = %v; want the authority and additional sections gone", got)
	}
}

// TestFitLink has chains that are too long, in any order and case: the one link that stays leads from the question to the
// end, and is kept no longer than any of those it stands for.
func TestFitLink(t *testing.T) {
	const links = 10
	for _, tc := range []struct {
		about string
		edit  func(answer []dns.RR)
		ttl   uint32
	}{
		{"in order", func([]dns.RR) {}, 60},
		{"in reverse order", func(answer []dns.RR) { slices.Reverse(answer[:links]) }, 60},
		{"in another case", func(answer []dns.RR) {
			for _, rr := range answer[:links] {
				rr.Header().Name = strings.ToUpper(rr.Header().Name)
			}
		}, 60},
		{"with a short-lived link", func(answer []dns.RR) { answer[4].Header().Ttl = 7 }, 7},
		{"with a short-lived link at its end", func(answer []dns.RR) { answer[links-1].Header().Ttl = 8 }, 8},
		{"with a loop", func(answer []dns.RR) { answer[links-1].(*dns.CNAME).Target = "www.example.org." }, 60},
	} {
		m := sample.Big("www.example.org.", dns.TypeA, links, 60, 3)
		end := m.Answer[links].Header().Name
		tc.edit(m.Answer)
		got := Fit(m, m.Question[0], 0)
		checkFit(t, m, got)
		link, ok := got.Answer[0].(*dns.CNAME)
		if !ok || link.Hdr.Name != "www.example.org." || link.Hdr.Ttl != tc.ttl {
			t.Errorf("%s: %v; want an alias of www.example.org. with TTL %d", tc.about, got.Answer[0], tc.ttl)
			continue
		}
		if tc.about != "with a loop" && link.Target != end {
			t.Errorf("%s: alias of %s; want the end of the chain, %s", tc.about, link.Target, end)
		}
		for _, rr := range got.Answer[1:] {
			if rr.Header().Name != link.Target {
				t.Errorf("%s: %v does not belong to %s", tc.about, rr, link.Target)
			}
		}
	}
}

// TestFitHopeless has a message that no answer section fits: it comes with more questions than one.
func TestFitHopeless(t *testing.T) {
	m := sample.Big("www.example.org.", dns.TypeA, 0, 0, 40)
	for _, start := range []string{"a", "b", "c"} {
		m.Question = append(m.Question, dns.Question{Name: sample.LongName(start, 250), Qtype: dns.TypeA, Qclass: dns.ClassINET})
	}
	if got := Fit(m, m.Question[0], 0); len(got.Answer) != 1 || !got.Truncated {
		t.Errorf("fit = %v; want one address and TC", got)
	}
}

// checkFit checks what holds for every message that was made to fit.
func checkFit(t *testing.T, m, got *dns.Msg) {
	t.Helper()
	q := m.Question[0]
	chain, addresses := split(got.Answer, q.Qtype)
	_, all := split(m.Answer, q.Qtype)

	// The server scrubs what we hand on, and must find nothing to cut.
	sent := got.Copy()
	(&request.Request{Req: sample.Query(q.Name, q.Qtype), W: &test.ResponseWriter{}}).Scrub(sent)
	wire, err := sent.Pack()
	if err != nil {
		t.Fatalf("does not pack: %v", err)
	}
	if len(wire) > SmallSize || sent.Truncated != got.Truncated || len(sent.Answer) != len(got.Answer) {
		t.Errorf("%d octets, TC %v, %d records on the wire; want at most %d, TC %v and %d", len(wire), sent.Truncated, len(sent.Answer), SmallSize, got.Truncated, len(got.Answer))
	}
	if len(all) > 0 && len(addresses) == 0 {
		t.Errorf("no address of %d is left", len(all))
	}
	if got.Truncated != (m.Truncated || len(addresses) < len(all)) {
		t.Errorf("TC %v with %d of %d addresses", got.Truncated, len(addresses), len(all))
	}
	if len(chain)+len(addresses) != len(got.Answer) {
		t.Errorf("answer = %v; want aliases and addresses alone", got.Answer)
	}
	seen := map[netip.Addr]int{}
	for _, addr := range addressesOf(all, q.Qtype) {
		seen[addr]++
	}
	for _, addr := range addressesOf(addresses, q.Qtype) {
		if seen[addr]--; seen[addr] < 0 {
			t.Errorf("address %v is not in the answer of the upstream, or not as often", addr)
		}
	}
}

func addressesOf(rrs []dns.RR, qtype uint16) []netip.Addr {
	return verdict.Addresses(&dns.Msg{Answer: rrs}, qtype)
}

// TestFitChain follows the aliases from the question to the addresses, as glibc and Go do.
func TestFitChain(t *testing.T) {
	for links := range 31 {
		for _, octets := range []int{20, 60, 120, 250, 255} {
			for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
				m := sample.Big("www.example.org.", qtype, links, octets, 30)
				got := Fit(m, m.Question[0], 0)
				checkFit(t, m, got)
				chain, addresses := split(got.Answer, qtype)
				owner := "www.example.org."
				for _, link := range chain {
					if link.Hdr.Name != owner {
						t.Fatalf("%d links of %d octets: %v does not follow %s", links, octets, link, owner)
					}
					owner = link.Target
				}
				for _, rr := range addresses {
					if rr.Header().Name != owner {
						t.Errorf("%d links of %d octets: %v does not belong to %s", links, octets, rr, owner)
					}
				}
			}
		}
	}
}

// TestFitRotates starts at each of 200 addresses in turn: each is left in the answer as often as the others.
func TestFitRotates(t *testing.T) {
	m := sample.Big("www.example.org.", dns.TypeA, 0, 0, 200)
	count := map[netip.Addr]int{}
	for start := range 200 {
		for _, addr := range addressesOf(Fit(m, m.Question[0], start).Answer, dns.TypeA) {
			count[addr]++
		}
	}
	for addr, n := range count {
		if n != 29 {
			t.Errorf("%v in %d of 200 answers; want 29", addr, n)
		}
	}
	if len(count) != 200 {
		t.Errorf("%d addresses seen; want all 200", len(count))
	}
}

// FuzzFit takes any message for the answer of an upstream.
func FuzzFit(f *testing.F) {
	for _, m := range []*dns.Msg{
		sample.Big("www.example.org.", dns.TypeA, 0, 0, 100), sample.Big("www.example.org.", dns.TypeAAAA, 10, 60, 30), sample.Big(sample.LongName("www", 254), dns.TypeA, 3, 254, 20),
	} {
		wire, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(wire, 3)
	}
	f.Fuzz(func(t *testing.T, wire []byte, start int) {
		m := new(dns.Msg)
		if m.Unpack(wire) != nil || len(m.Question) != 1 || start < 0 {
			return // no answer
		}
		if q := m.Question[0]; q.Qtype != dns.TypeA && q.Qtype != dns.TypeAAAA || verdict.OutcomeOf(m, q.Qtype) != verdict.Data || m.IsTsig() != nil {
			return // no addresses
		}
		if _, err := m.Copy().Pack(); err != nil {
			return // it does not pack as it came
		}
		_, all := split(m.Answer, m.Question[0].Qtype)
		if len(addressesOf(all, m.Question[0].Qtype)) != len(all) {
			return // addresses without octets
		}
		m.Extra = slices.DeleteFunc(m.Extra, is(dns.TypeOPT))
		checkFit(t, m, Fit(m, m.Question[0], start))
	})
}

func BenchmarkFit(b *testing.B) {
	const name = "www.example.org."
	benchmarks := []struct {
		about string
		m     *dns.Msg
	}{
		{"small", sample.Big(name, dns.TypeA, 1, 30, 2)},
		{"29 addresses fit", sample.Big(name, dns.TypeA, 0, 0, 29)},
		{"100 addresses", sample.Big(name, dns.TypeA, 0, 0, 100)},
		{"8 aliases", sample.Big(name, dns.TypeAAAA, 8, 60, 4)},
	}
	for _, bm := range benchmarks {
		b.Run(bm.about, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Fit(bm.m, bm.m.Question[0], 1)
			}
		})
	}
}
