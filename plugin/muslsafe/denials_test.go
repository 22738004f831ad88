package muslsafe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// fickle is an upstream that fails at the first question of each type, and at every one that a client asks again.
func fickle(delay map[uint16]time.Duration) test.HandlerFunc {
	return func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if f, ok := ctx.Value(watched{}).(*flight); ok && f.ours {
			return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
		}
		time.Sleep(delay[r.Question[0].Qtype])
		return dns.RcodeServerFailure, errors.New("upstream is down")
	}
}

// TestHalvesAreNotBothDenied has a name with both addresses and an upstream that fails at whatever a client asks, and answers
// what is asked for the sake of the other half. However far apart the halves fail, and however often the client asks
// again, it may be told of one half alone that there is nothing.
func TestHalvesAreNotBothDenied(t *testing.T) {
	const ms = time.Millisecond
	for _, edns := range []bool{false, true} {
		for _, lag := range []time.Duration{0, 10 * ms, keepFailure + 100*ms, 2500 * ms, 4 * time.Second} {
			t.Run(fmt.Sprintf("EDNS %v, AAAA %v later", edns, lag), func(t *testing.T) {
				inVirtualTime(t, func(t *testing.T) {
					p := testPlugin(fickle(map[uint16]time.Duration{dns.TypeAAAA: lag}))
					denied := map[uint16]bool{}
					done := make(chan uint16)
					ask := func(qtype uint16) {
						r := query(plainName, qtype)
						if edns {
							r.SetEdns0(1232, false)
						}
						m, _, _ := exchange(t, p, r)
						if outcomeOf(m, qtype) == nodata {
							done <- qtype
							return
						}
						done <- dns.TypeNone
					}
					for range 3 {
						go ask(dns.TypeA)
						go ask(dns.TypeAAAA)
						denied[<-done] = true
						time.Sleep(lag / 2)
						denied[<-done] = true
					}
					if denied[dns.TypeA] && denied[dns.TypeAAAA] {
						t.Error("A and AAAA were both denied, and there are both")
					}
				})
			})
		}
	}
}

// TestDenials checks for how long, and for whom, a denial of one half stands against one of the other.
func TestDenials(t *testing.T) {
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	began := time.Now()
	for _, tc := range []struct {
		about  string
		client netip.Addr
		name   string
		qtype  uint16
		after  time.Duration
		want   bool
	}{
		{"the same half", one, plainName, dns.TypeAAAA, time.Second, true},
		{"the other half", one, plainName, dns.TypeA, time.Second, false},
		{"the other half, as long as it is kept", one, plainName, dns.TypeA, keepDenial - 1, false},
		{"the other half, later", one, plainName, dns.TypeA, keepDenial, true},
		{"another client", two, plainName, dns.TypeA, time.Second, true},
		{"another name", one, nodeName, dns.TypeA, time.Second, true},
	} {
		ds := newDenials()
		if !ds.claim(one, plainName, dns.TypeAAAA, began) {
			t.Fatal("the first denial is refused")
		}
		if got := ds.claim(tc.client, tc.name, tc.qtype, began.Add(tc.after)); got != tc.want {
			t.Errorf("%s: %v; want %v", tc.about, got, tc.want)
		}
	}
	ds := newDenials()
	for i := range 3 * maxDenials {
		ds.claim(one, fmt.Sprintf("www%d.example.com.", i), dns.TypeA, began)
	}
	if n := ds.last.len(); n > maxDenials || n < maxDenials*9/10 {
		t.Errorf("%d denials are remembered; want about %d, and no more", n, maxDenials)
	}
}

// TestCutSiblingProvesNothing has an upstream that cuts what is asked for over UDP of one type, with nothing left: only what
// comes over TCP tells whether there is something.
func TestCutSiblingProvesNothing(t *testing.T) {
	tests := []struct {
		about   string
		name    string
		qtype   uint16
		own     outcome // of the client's half
		overTCP outcome // of the other half
		want    outcome
	}{
		{"A fails, AAAA is there", plainName, dns.TypeA, failure, data, nodata},
		{"A fails, AAAA cannot be had", plainName, dns.TypeA, failure, failure, failure},
		{"A fails, AAAA has nothing", plainName, dns.TypeA, failure, nodata, failure},
		{"A is denied, AAAA is there", plainName, dns.TypeA, nxdomain, data, nodata},
		{"A is denied, AAAA cannot be had", plainName, dns.TypeA, nxdomain, failure, nxdomain},
		{"AAAA is denied, A is there", plainName, dns.TypeAAAA, nxdomain, data, nodata},
		{"AAAA is denied, A cannot be had", plainName, dns.TypeAAAA, nxdomain, failure, nodata}, // briefly
		{"AAAA is denied, and so is A", plainName, dns.TypeAAAA, nxdomain, nxdomain, nxdomain},
		{"a step of the search, AAAA cannot be had", nodeName, dns.TypeA, nxdomain, failure, nxdomain},
		{"a step of the search without A, AAAA is there", nodeName, dns.TypeA, nodata, data, nodata},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					_, tcp := clientOf(w)
					o := tc.overTCP
					switch {
					case !strings.EqualFold(r.Question[0].Name, tc.name):
						o = nxdomain
					case r.Question[0].Qtype == tc.qtype:
						o = tc.own
					case !tcp:
						m := answer(r, data)
						m.Answer, m.Truncated = nil, true
						return dns.RcodeSuccess, w.WriteMsg(m)
					}
					if o == failure {
						return dns.RcodeServerFailure, errors.New("upstream is down")
					}
					return dns.RcodeSuccess, w.WriteMsg(answer(r, o))
				}))
				if m, _, _ := exchange(t, p, query(tc.name, tc.qtype)); outcomeOf(m, tc.qtype) != tc.want {
					t.Errorf("%v; want %s", m, tc.want)
				}
			})
		})
	}
}

// TestCutAnswerAheadProvesNothing has a search domain that fails, and a name ahead that comes cut with nothing: nobody knows
// whether the search would find something there.
func TestCutAnswerAheadProvesNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			if r.Question[0].Name == nodeName {
				return dns.RcodeServerFailure, errors.New("upstream is down")
			}
			m := answer(r, data)
			m.Answer, m.Truncated = nil, true
			return dns.RcodeSuccess, w.WriteMsg(m)
		}))
		if m, _, _ := exchange(t, p, query(nodeName, dns.TypeA)); outcomeOf(m, dns.TypeA) != failure {
			t.Errorf("%v; want the failure", m)
		}
	})
}

// TestCompletedHalvesAreNotBothDenied has a search that is known to end at a name with both addresses, of which both fail
// from then on.
func TestCompletedHalvesAreNotBothDenied(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			inDefault + " A": {outcome: nodata}, "www.example.net. A": {outcome: data}, "www.example.net. AAAA": {outcome: data},
		}}
		p := completing(u)
		lookup(t, p, firstName)
		u.change("www.example.net. A", step{outcome: failure})
		u.change("www.example.net. AAAA", step{outcome: failure})
		got := lookup(t, p, firstName)
		if got[0].outcome == nodata && got[1].outcome == nodata {
			t.Errorf("%v, %v; want one of them to fail", got[0].m, got[1].m)
		}
	})
}
