package muslsafe

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// TestEqualQueriesShareOne counts what reaches the upstream when the halves of a lookup need each other while both
// are in the air.
func TestEqualQueriesShareOne(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			plainName + " A":    {outcome: data, delay: 300 * time.Millisecond},
			plainName + " AAAA": {outcome: nxdomain, delay: 100 * time.Millisecond},
		}}
		got := lookup(t, testPlugin(u), plainName)
		if got[0].outcome != data || got[1].outcome != nodata || got[1].after != 300*time.Millisecond {
			t.Errorf("%s, %s after %v; want data, nodata after 300 ms", got[0].outcome, got[1].outcome, got[1].after)
		}
		if len(u.log()) != 2 {
			t.Errorf("asked %q; want each half once", u.log())
		}
	})
}

// TestRepeatedQuery has a client that repeats its query after 2.5 seconds, as musl does, while the first is still
// in the air: the upstream is not asked again, and each gets an answer with its own ID.
func TestRepeatedQuery(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{plainName + " A": {outcome: data, delay: 3 * time.Second}, plainName + " AAAA": {outcome: unknown}}}
		p := testPlugin(u)
		var wg sync.WaitGroup
		for _, at := range []time.Duration{0, 2500 * time.Millisecond} {
			wg.Go(func() {
				time.Sleep(at)
				r := query("WWW.example.com.", dns.TypeA)
				if m, _, err := exchange(t, p, r); err != nil || outcomeOf(m, dns.TypeA) != data || m.Id != r.Id {
					t.Errorf("reply = %v, %v; want the address, with ID %d", m, err, r.Id)
				}
			})
		}
		wg.Wait()
		if n := slices.Index(u.log(), "WWW.example.com. A"); n != 0 || len(u.log()) > 2 {
			t.Errorf("asked %q; want A once, and AAAA at most once", u.log())
		}
	})
}

// TestMetadataAfterFailure looks at the race that a client's answer and a late flight can have about metadata.
func TestMetadataAfterFailure(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			metadata.SetValueFunc(ctx, "test/first", func() string { return "1" })
			if r.Question[0].Qtype == dns.TypeAAAA {
				time.Sleep(silence)
			}
			metadata.SetValueFunc(ctx, "test/second", func() string { return "2" })
			return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
		}))
		for qtype, want := range map[uint16]int{dns.TypeA: 2, dns.TypeAAAA: 1} {
			ctx := metadata.ContextWithMetadata(t.Context())
			_, _, _ = exchangeContext(ctx, t, p, query(plainName, qtype))
			if got := len(metadata.Labels(ctx)); got != want { // what the answer came from, or the fix
				t.Errorf("%s: metadata %v; want %d labels", dns.TypeToString[qtype], metadata.Labels(ctx), want)
			}
		}
	})
}

// TestFlightsEnd counts the flights after clients have gone: they end by themselves, and none is left in the air.
func TestFlightsEnd(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{nodeName + " A": {outcome: data}, nodeName + " AAAA": {}, nextName + " A": {}}}
		p := testPlugin(u)
		began := time.Now()
		for range 20 {
			lookup(t, p, nodeName)
		}
		served := time.Since(began)
		time.Sleep(maxFlight)
		synctest.Wait()
		p.inAir.mu.Lock()
		defer p.inAir.mu.Unlock()
		if len(p.inAir.m) != 0 {
			t.Errorf("%d flights in the air %v after the last client; want none", len(p.inAir.m), maxFlight)
		}
		if served > 21*time.Second {
			t.Errorf("20 lookups took %v; want about a second each", served)
		}
	})
}

// TestClients checks that clients do not share flights: access rules may give each another answer.
func TestClients(t *testing.T) {
	next := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		time.Sleep(100 * time.Millisecond)
		o := data
		if r.Question[0].Qtype == dns.TypeAAAA || strings.HasPrefix(w.RemoteAddr().String(), "192.0.2.66:") {
			o = nxdomain
		}
		return dns.RcodeSuccess, w.WriteMsg(answer(r, o))
	})
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(next)
		var wg sync.WaitGroup
		for addr, want := range map[string]outcome{"192.0.2.1": nodata, "192.0.2.66": nxdomain} {
			wg.Go(func() {
				rec := dnstest.NewMultiRecorder(&test.ResponseWriter{RemoteIP: addr})
				_, _ = p.ServeDNS(t.Context(), rec, query(plainName, dns.TypeAAAA))
				if got := outcomeOf(rec.Msgs[0], dns.TypeAAAA); got != want {
					t.Errorf("client %s: %s; want %s", addr, got, want)
				}
			})
		}
		wg.Wait()
	})
	for _, overTCP := range []bool{false, true} {
		w := &test.ResponseWriter{RemoteIP: "192.0.2.1", TCP: overTCP}
		if got, tcp := clientOf(w); got.Unmap() != netip.MustParseAddr("192.0.2.1") || tcp != overTCP {
			t.Errorf("clientOf = %v, %v; want 192.0.2.1, %v", got, tcp, overTCP)
		}
	}
}

// TestTransportsFlyAlone has a client that gets a truncated answer over UDP and asks again over TCP, while the other
// half of its lookup still asks over UDP: the answer over TCP must be the whole.
func TestTransportsFlyAlone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			time.Sleep(100 * time.Millisecond)
			m := answer(r, data)
			if _, tcp := clientOf(w); !tcp {
				m.Answer, m.Truncated = nil, true
			}
			return dns.RcodeSuccess, w.WriteMsg(m)
		}))
		p.cfg.enabled[fixFit] = false // it would ask over TCP for the client
		var wg sync.WaitGroup
		for _, overTCP := range []bool{false, true} {
			wg.Go(func() {
				rec := dnstest.NewMultiRecorder(&test.ResponseWriter{TCP: overTCP})
				_, _ = p.ServeDNS(t.Context(), rec, query(plainName, dns.TypeA))
				if m := rec.Msgs[0]; m.Truncated == overTCP {
					t.Errorf("over TCP %v: truncated %v; want the whole answer over TCP alone", overTCP, m.Truncated)
				}
			})
		}
		wg.Wait()
	})
}
