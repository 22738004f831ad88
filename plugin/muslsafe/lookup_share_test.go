package muslsafe

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// slowA has AAAA denied before the address comes that A has.
func slowA() map[string]step {
	return pairScript(plainName, step{outcome: data, delay: 300 * ms}, step{outcome: nxdomain, delay: 100 * ms})
}

// TestEqualQueriesShareOne counts what reaches the upstream when each half needs the other while both are under way.
func TestEqualQueriesShareOne(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: slowA()}
		got := lookUp(t, testPlugin(u), plainName)
		if got[0].outcome != data || got[1].outcome != nodata || got[1].after != 300*ms {
			t.Errorf("%s, %s after %v; want data, nodata after 300 ms", got[0].outcome, got[1].outcome, got[1].after)
		}
		if len(u.log()) != 2 {
			t.Errorf("asked %q; want each half once", u.log())
		}
	})
}

// TestSharedDenialKeepsItsSOA has AAAA asked for on behalf of A before the client does. The NXDOMAIN that becomes of the NODATA
// has the SOA of the upstream, and so no longer TTL.
func TestSharedDenialKeepsItsSOA(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const name = "www.corp.example.org."
		script := pairScript(name, step{outcome: nxdomain}, step{outcome: nodata, delay: 300 * ms})
		script["* A"], script["* AAAA"] = step{outcome: nxdomain}, step{outcome: nodata}
		p := testPlugin(&upstream{script: script})
		var wg sync.WaitGroup
		for delay, qtype := range map[time.Duration]uint16{0: dns.TypeA, 100 * ms: dns.TypeAAAA} {
			wg.Go(func() {
				time.Sleep(delay)
				m, _, err := exchange(t, p, newQuery(name, qtype))
				if err != nil || m.Rcode != dns.RcodeNameError || len(m.Ns) != 1 || m.Ns[0].Header().Name != "upstream.example." || m.Ns[0].Header().Ttl != 7 {
					t.Errorf("%s: %v, %v; want the SOA of the upstream", dns.TypeToString[qtype], m, err)
				}
			})
		}
		wg.Wait()
	})
}

// TestRepeatedQuery has a client that repeats its query after 2.5 seconds, as musl does, while the first one is under way.
// The upstream is not asked again, and each of the two gets an answer with its own ID.
func TestRepeatedQuery(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: pairScript(plainName, step{outcome: data, delay: 3 * time.Second}, isSilent)}
		p := testPlugin(u)
		var wg sync.WaitGroup
		for _, at := range []time.Duration{0, 2500 * ms} {
			wg.Go(func() {
				time.Sleep(at)
				r := newQuery("WWW.example.com.", dns.TypeA)
				if m, _, err := exchange(t, p, r); err != nil || verdict.OutcomeOf(m, dns.TypeA) != data || m.Id != r.Id {
					t.Errorf("reply = %v, %v; want the address, with ID %d", m, err, r.Id)
				}
			})
		}
		wg.Wait()
		if n := slices.Index(u.log(), "WWW.example.com. A"); n != 0 || len(u.log()) > 4 {
			t.Errorf("asked %q; want each half once, and once more after half a second", u.log())
		}
	})
}

// TestClientsShareNothing checks that two clients share no lookup, as access rules may give them different answers.
func TestClientsShareNothing(t *testing.T) {
	next := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		time.Sleep(100 * ms)
		o := data
		if r.Question[0].Qtype == dns.TypeAAAA || strings.HasPrefix(w.RemoteAddr().String(), "192.0.2.66:") {
			o = nxdomain
		}
		return give(w, r, o)
	})
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(next)
		var wg sync.WaitGroup
		for addr, want := range map[string]outcome{"192.0.2.1": nodata, "192.0.2.66": nxdomain} {
			wg.Go(func() {
				rec := dnstest.NewMultiRecorder(&test.ResponseWriter{RemoteIP: addr})
				_, _ = p.ServeDNS(t.Context(), rec, newQuery(plainName, dns.TypeAAAA))
				if got := verdict.OutcomeOf(rec.Msgs[0], dns.TypeAAAA); got != want {
					t.Errorf("client %s: %s; want %s", addr, got, want)
				}
			})
		}
		wg.Wait()
	})
}

// TestTransportsShareNothing has a client that asks over UDP and over TCP at once. What is cut over UDP is no answer over
// TCP.
func TestTransportsShareNothing(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			time.Sleep(100 * ms)
			if !isOverTCP(w) {
				return dns.RcodeSuccess, w.WriteMsg(cutToNothing(r))
			}
			return give(w, r, data)
		}), without(verdict.Fit)) // which would ask over TCP for the client
		var wg sync.WaitGroup
		for _, overTCP := range []bool{false, true} {
			wg.Go(func() {
				rec := dnstest.NewMultiRecorder(&test.ResponseWriter{TCP: overTCP})
				_, _ = p.ServeDNS(t.Context(), rec, newQuery(plainName, dns.TypeA))
				if m := rec.Msgs[0]; m.Truncated == overTCP {
					t.Errorf("over TCP %v: truncated %v; want it cut over UDP alone", overTCP, m.Truncated)
				}
			})
		}
		wg.Wait()
	})
}

// TestCaseOfHalves has each half need the other, for a name in mixed case, as clients with 0x20 send it.
func TestCaseOfHalves(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: slowA()}
		got := lookUp(t, testPlugin(u), "WWW.example.COM.")
		if got[0].outcome != data || got[1].outcome != nodata || len(u.log()) != 2 {
			t.Errorf("%s, %s after %q; want data, nodata after each half once", got[0].outcome, got[1].outcome, u.log())
		}
	})
}

// TestSharedReplies has three queries share a lookup. Plugins before this one may modify each of the replies, so no two may
// share a record.
func TestSharedReplies(t *testing.T) {
	for _, tc := range []struct {
		about   string
		a, aaaa outcome
		want    outcome
	}{
		{"an answer that passes", data, data, data},
		{"a denial that passes", nxdomain, nxdomain, nxdomain},
		{"a denial that pair changes", data, nxdomain, nodata},
	} {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			u := &upstream{script: pairScript(plainName, step{outcome: tc.a, delay: 100 * ms}, step{outcome: tc.aaaa, delay: 100 * ms})}
			p := testPlugin(u)
			names := []string{"www.example.com.", "WWW.example.com.", "www.EXAMPLE.com."}
			replies := make([]*dns.Msg, len(names))
			var wg sync.WaitGroup
			for i, name := range names {
				wg.Go(func() {
					r := newQuery(name, dns.TypeAAAA)
					m, _, _ := exchange(t, p, r)
					if m.Id != r.Id || m.Question[0].Name != name || verdict.OutcomeOf(m, dns.TypeAAAA) != tc.want {
						t.Errorf("reply = %v; want %s for %s with ID %d", m, tc.want, name, r.Id)
					}
					replies[i] = m
				})
			}
			wg.Wait()
			checkNothingIsShared(t, replies)
			if len(u.log()) > 2 {
				t.Errorf("asked %q; want each half once at the most", u.log())
			}
		})
	}
}

func checkNothingIsShared(t *testing.T, replies []*dns.Msg) {
	t.Helper()
	owner := map[dns.RR]int{}
	for i, m := range replies {
		for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
			if j, ok := owner[rr]; ok && i != j {
				t.Errorf("replies %d and %d share %v", i, j, rr)
			}
			owner[rr] = i
		}
	}
}
