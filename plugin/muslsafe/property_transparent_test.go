package muslsafe

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// TestTransparent has random queries and upstreams of every kind. With all fixes disabled, and with all fixes on and
// report, the client gets, to the last octet, what it gets without muslsafe, and ServeDNS returns the same.
func TestTransparent(t *testing.T) {
	const cases = 8000
	written := 0
	for n := range uint64(cases) {
		s := script{rng: rand.New(rand.NewPCG(13, n))}
		r, next := s.query(), s.upstream(n)
		w := &test.ResponseWriter{TCP: s.rng.IntN(2) == 0}
		want := wireOf(t, next, w, r)
		for about, p := range map[string]*Muslsafe{
			"disabled": testPlugin(next, off),
			"report":   testPlugin(next, allFixes, reporting(true)),
		} {
			got := wireOf(t, p, w, r)
			if len(got.packets) != len(want.packets) || got.rcode != want.rcode || (got.err == nil) != (want.err == nil) {
				t.Fatalf("seed 13, %d, %s: %d messages, %d, %v; want %d, %d, %v; query %v",
					n, about, len(got.packets), got.rcode, got.err, len(want.packets), want.rcode, want.err, r)
			}
			for i := range got.packets {
				if !bytes.Equal(got.packets[i], want.packets[i]) {
					t.Errorf("seed 13, %d, %s: %x; want %x", n, about, got.packets[i], want.packets[i])
				}
			}
		}
		written += len(want.packets)
	}
	if written < cases/2 {
		t.Errorf("%d answers in %d cases; want most", written, cases)
	}
}

// served is all that can be seen of an answer.
type served struct {
	packets [][]byte
	rcode   int
	err     error
}

// wireOf sends a query to h.
func wireOf(t *testing.T, h plugin.Handler, w dns.ResponseWriter, r *dns.Msg) served {
	t.Helper()
	rec := dnstest.NewMultiRecorder(w)
	rcode, err := h.ServeDNS(t.Context(), rec, r.Copy())
	got := served{rcode: rcode, err: err}
	for _, m := range rec.Msgs {
		got.packets = append(got.packets, packed(t, m))
	}
	return got
}

// query returns a random one: any type and class, any bits of the header, no question or two, with EDNS and without.
func (s script) query() *dns.Msg {
	names := []string{plainName, clusterName, nodeName, firstName, wildName, leaked, "WWW.Example.COM.", ".", "_tcp." + nodeName}
	types := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeA, dns.TypeAAAA, dns.TypeMX, dns.TypeANY, dns.TypeHTTPS, uint16(s.rng.Uint32())}
	r := newQuery(names[s.rng.IntN(len(names))], types[s.rng.IntN(len(types))])
	r.Id = uint16(s.rng.Uint32())
	r.RecursionDesired, r.AuthenticatedData = s.rng.IntN(2) == 0, s.rng.IntN(2) == 0
	r.CheckingDisabled, r.Zero = s.rng.IntN(5) == 0, s.rng.IntN(5) == 0
	if s.rng.IntN(10) == 0 {
		r.Opcode = s.rng.IntN(16)
	}
	if s.rng.IntN(10) == 0 {
		r.Question[0].Qclass = []uint16{dns.ClassCHAOS, dns.ClassANY, dns.ClassNONE}[s.rng.IntN(3)]
	}
	switch s.rng.IntN(30) {
	case 0:
		r.Question = nil
	case 1:
		r.Question = append(r.Question, r.Question[0])
	}
	if s.rng.IntN(2) == 0 {
		r.SetEdns0(uint16(512+s.rng.IntN(4000)), s.rng.IntN(4) == 0)
		r.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0102030405060708"}}
	}
	return r
}

// upstream is a next plugin that gives a random answer to each question, and always the same one to the same question.
func (s script) upstream(seed uint64) test.HandlerFunc {
	return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		sum := seed
		if len(r.Question) > 0 {
			q := r.Question[0]
			for _, b := range []byte(names.Lower(q.Name)) {
				sum = sum*31 + uint64(b)
			}
			sum = sum*31 + uint64(q.Qtype)
		}
		rng := rand.New(rand.NewPCG(17, sum))
		if rng.IntN(8) == 0 {
			return []int{dns.RcodeServerFailure, dns.RcodeRefused, dns.RcodeNotImplemented}[rng.IntN(3)], errors.New("upstream is down")
		}
		return dns.RcodeSuccess, w.WriteMsg(said(rng, r))
	}
}

// said returns a random answer.
func said(rng *rand.Rand, r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	if len(r.Question) > 0 && (r.Question[0].Qtype == dns.TypeA || r.Question[0].Qtype == dns.TypeAAAA) {
		m = answer(r, []outcome{data, nodata, nxdomain, failure}[rng.IntN(4)])
		if rng.IntN(4) == 0 {
			m.Answer = bigAnswer(r.Question[0].Name, r.Question[0].Qtype, rng.IntN(8), 40, rng.IntN(60)).Answer
		}
	}
	if rng.IntN(4) == 0 {
		m.Rcode = rng.IntN(11)
	}
	m.Authoritative, m.Truncated = rng.IntN(2) == 0, rng.IntN(4) == 0
	m.RecursionAvailable, m.AuthenticatedData = rng.IntN(2) == 0, rng.IntN(2) == 0
	m.CheckingDisabled, m.Zero, m.Compress = rng.IntN(4) == 0, rng.IntN(4) == 0, rng.IntN(2) == 0
	if rng.IntN(3) == 0 {
		m.Extra = append(m.Extra, test.A("ns.example.net. 60 IN A 192.0.2.53"))
	}
	if opt := r.IsEdns0(); opt != nil && rng.IntN(2) == 0 {
		m.SetEdns0(1232, opt.Do())
		m.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_EDE{InfoCode: dns.ExtendedErrorCodeStaleAnswer, ExtraText: "stale"}}
	}
	return m
}
