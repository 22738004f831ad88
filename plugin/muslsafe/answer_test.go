package muslsafe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// clients are the kinds of clients that take answers of different sizes.
var clients = []struct {
	about   string
	w       *test.ResponseWriter
	edns    bool
	isSmall bool
}{
	{"UDP", &test.ResponseWriter{}, false, true},
	{"UDP with EDNS", &test.ResponseWriter{}, true, false},
	{"TCP", &test.ResponseWriter{TCP: true}, false, false},
	{"TCP with EDNS", &test.ResponseWriter{TCP: true}, true, false},
}

// serve sends a query of a client to p, and returns the reply, or nil.
func serve(t *testing.T, p plugin.Handler, w dns.ResponseWriter, r *dns.Msg) *dns.Msg {
	t.Helper()
	rec := dnstest.NewMultiRecorder(w)
	if _, err := p.ServeDNS(t.Context(), rec, r); err != nil && len(rec.Msgs) > 0 {
		t.Errorf("error = %v", err)
	}
	if len(rec.Msgs) != 1 {
		return nil
	}
	return rec.Msgs[0]
}

// writes is a next plugin that writes the messages that make returns.
func writes(make func(r *dns.Msg, overTCP bool) *dns.Msg) test.HandlerFunc {
	return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		_, overTCP := clientOf(w)
		return dns.RcodeSuccess, w.WriteMsg(make(r, overTCP))
	}
}

// TestClientsOfBigAnswers checks that answers are made to fit for clients that need it, and for no others: answers with
// data, those that pass without, and those that a fix changes.
func TestClientsOfBigAnswers(t *testing.T) {
	chain := func(r *dns.Msg, rcode int) *dns.Msg {
		m := answer(r, nxdomain)
		m.Rcode = rcode
		m.Answer = bigAnswer(r.Question[0].Name, r.Question[0].Qtype, 20, 60, 0).Answer
		return m
	}
	tests := []struct {
		about string
		name  string
		own   func(r *dns.Msg) *dns.Msg // about AAAA
		a     outcome
		want  outcome
		whole int // records in the answer for those who can take it
	}{
		{"data", plainName, func(r *dns.Msg) *dns.Msg { return bigAnswer(r.Question[0].Name, dns.TypeAAAA, 0, 0, 40) }, data, data, 40},
		{"NODATA that passes", plainName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeSuccess) }, data, nodata, 20},
		{"NXDOMAIN that passes", plainName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeNameError) }, nxdomain, nxdomain, 20},
		{"NXDOMAIN that pair changes", plainName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeNameError) }, data, nodata, 20},
		{"NODATA that search changes", clusterName, func(r *dns.Msg) *dns.Msg { return chain(r, dns.RcodeSuccess) }, nodata, nxdomain, 0},
	}
	for _, tc := range tests {
		for _, c := range clients {
			t.Run(tc.about+" over "+c.about, func(t *testing.T) {
				p := testPlugin(writes(func(r *dns.Msg, _ bool) *dns.Msg {
					if r.Question[0].Qtype == dns.TypeA {
						return answer(r, tc.a)
					}
					return tc.own(r)
				}))
				r := query(tc.name, dns.TypeAAAA)
				if c.edns {
					r.SetEdns0(4096, false)
				}
				m := serve(t, p, c.w, r)
				if outcomeOf(m, dns.TypeAAAA) != tc.want {
					t.Fatalf("reply = %v; want %s", m, tc.want)
				}
				if c.isSmall {
					m.Compress = true
					if m.Len() > smallSize || tc.want != data && (m.Truncated || !slices.ContainsFunc(m.Ns, isType(dns.TypeSOA))) {
						t.Errorf("%d octets, TC %v, authority %v; want at most %d with an SOA", m.Len(), m.Truncated, m.Ns, smallSize)
					}
				} else if len(m.Answer) != tc.whole || m.Truncated {
					t.Errorf("%d records, TC %v; want all %d", len(m.Answer), m.Truncated, tc.whole)
				}
			})
		}
	}
}

// TestBigAnswersRotate checks that no address of a big answer is out of reach: answers begin with different ones.
func TestBigAnswersRotate(t *testing.T) {
	big := writes(func(r *dns.Msg, _ bool) *dns.Msg {
		return bigAnswer(r.Question[0].Name, r.Question[0].Qtype, 0, 0, 60)
	})
	for _, tc := range []struct {
		about string
		p     *Muslsafe
		name  string
	}{
		{"own half", testPlugin(big), plainName},
		{"complete", completing(bigWinner(60, false, data)), firstName},
	} {
		first := map[netip.Addr]bool{}
		for range 50 {
			m := serve(t, tc.p, &test.ResponseWriter{}, query(tc.name, dns.TypeA))
			_, addresses := split(m.Answer, dns.TypeA)
			first[addressesOf(addresses[:1], dns.TypeA)[0]] = true
		}
		if len(first) < 2 {
			t.Errorf("%s: all of 50 answers begin with %v", tc.about, first)
		}
	}
}

// TestFailuresPass checks that a failure that a plugin wrote goes out as it is, however big it is.
func TestFailuresPass(t *testing.T) {
	odd := test.CAA("www.example.com. 60 IN CAA 0 issue \"ca.example.net\"")
	var wrote *dns.Msg
	p := testPlugin(writes(func(r *dns.Msg, _ bool) *dns.Msg {
		m := answer(r, failure)
		m.Answer = []dns.RR{odd}
		if r.Question[0].Qtype == dns.TypeA {
			wrote = m
		}
		return m
	}))
	before := fixCounts()
	if m, _, _ := exchange(t, p, query(plainName, dns.TypeA)); m != wrote || len(m.Answer) != 1 {
		t.Errorf("reply = %v; want the failure as it was written", m)
	}
	if got := fixesSince(before); got != "" {
		t.Errorf("counted %q; want nothing", got)
	}
}

// TestFailureOfDerived has ipv4only and an A half that fails in the ways that plugins know. AAAA gets the same failure, in
// a message that can be packed, or in none.
func TestFailureOfDerived(t *testing.T) {
	down := errors.New("upstream is down")
	written := func(rcode int) test.HandlerFunc {
		return writes(func(r *dns.Msg, _ bool) *dns.Msg { return new(dns.Msg).SetRcode(r, rcode) })
	}
	tests := []struct {
		about   string
		next    test.HandlerFunc
		written bool
		rcode   int // of the message, or that is returned
		err     error
	}{
		{"SERVFAIL returned", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeServerFailure, down }, false, dns.RcodeServerFailure, down},
		{"REFUSED returned", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeRefused, nil }, false, dns.RcodeRefused, nil},
		{"SERVFAIL written", written(dns.RcodeServerFailure), true, dns.RcodeServerFailure, nil},
		{"REFUSED written", written(dns.RcodeRefused), true, dns.RcodeRefused, nil},
		{"NOTIMP written", written(dns.RcodeNotImplemented), true, dns.RcodeNotImplemented, nil},
		{"BADVERS written, whose lower bits say NOERROR", written(dns.RcodeBadVers), true, dns.RcodeServerFailure, nil},
		{"BADCOOKIE written, which needs an OPT record", written(dns.RcodeBadCookie), true, dns.RcodeBadCookie & 0xF, nil},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			before := fixCounts()
			m, rcode, err := exchange(t, testPlugin(tc.next, with(fixIPv4only)), query(plainName, dns.TypeAAAA))
			if (m != nil) != tc.written || !errors.Is(err, tc.err) {
				t.Fatalf("reply = %v, %v; want written %v, %v", m, err, tc.written, tc.err)
			}
			if m != nil {
				rcode = m.Rcode
			}
			if rcode != tc.rcode {
				t.Errorf("return code %d; want %d", rcode, tc.rcode)
			}
			if got := fixesSince(before); got != "" {
				t.Errorf("counted %q; want nothing", got)
			}
		})
	}
}

// TestBriefTTL checks that an answer that covers for a failure is kept for 5 seconds, and for less if the configuration says
// so.
func TestBriefTTL(t *testing.T) {
	for _, tc := range []struct{ ttl, want uint32 }{{0, 0}, {2, 2}, {briefTTL, briefTTL}, {30, briefTTL}, {3600, briefTTL}} {
		p := testPlugin(answers(data, failure), func(cfg *config) { cfg.ttl = tc.ttl })
		m, _, _ := exchange(t, p, query(plainName, dns.TypeAAAA))
		checkSOA(t, m, plainName, tc.want)
	}
}
