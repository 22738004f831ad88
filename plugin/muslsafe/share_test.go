package muslsafe

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// TestEqualQueries has two queries of one client in the air at once, and says which of them are equal.
func TestEqualQueries(t *testing.T) {
	tests := []struct {
		about string
		edit  func(*dns.Msg)
		asked int64
	}{
		{"the same", func(*dns.Msg) {}, 1},
		{"other ID", func(r *dns.Msg) { r.Id++ }, 1},
		{"other case", func(r *dns.Msg) { r.Question[0].Name = "WWW.Example.COM." }, 1},
		{"no RD", func(r *dns.Msg) { r.RecursionDesired = false }, 2},
		{"AD", func(r *dns.Msg) { r.AuthenticatedData = true }, 2},
		{"EDNS", func(r *dns.Msg) { r.SetEdns0(1232, false) }, 2},
		{"other name", func(r *dns.Msg) { r.Question[0].Name = "www2.example.com." }, 2},
		{"other type", func(r *dns.Msg) { r.Question[0].Qtype = dns.TypeAAAA }, 2},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				next := counted(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					time.Sleep(100 * time.Millisecond)
					return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
				}))
				p := testPlugin(next)
				var wg sync.WaitGroup
				for _, edit := range []func(*dns.Msg){func(*dns.Msg) {}, tc.edit} {
					wg.Go(func() {
						r := query(plainName, dns.TypeA)
						edit(r)
						m, _, _ := exchange(t, p, r)
						if outcomeOf(m, r.Question[0].Qtype) != data || m.Id != r.Id || m.Question[0] != r.Question[0] || m.RecursionDesired != r.RecursionDesired {
							t.Errorf("reply = %v; want one to %v", m, r)
						}
					})
				}
				wg.Wait()
				if n := next.n.Load(); n != tc.asked {
					t.Errorf("%d queries reached the next plugin; want %d", n, tc.asked)
				}
			})
		})
	}
	t.Run("two with EDNS", func(t *testing.T) {
		inVirtualTime(t, func(t *testing.T) {
			next := &hanging{release: make(chan struct{}), delay: 100 * time.Millisecond}
			close(next.release)
			p := testPlugin(next)
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					r := query(plainName, dns.TypeA)
					r.SetEdns0(1232, false)
					_, _, _ = exchange(t, p, r)
				})
			}
			wg.Wait()
			if n := next.n.Load(); n != 2 {
				t.Errorf("%d queries reached the next plugin; want 2, as their options may differ", n)
			}
		})
	})
}

// TestCaseOfHalves has the halves of a lookup need each other, for a name in upper case, as a client with 0x20 sends it.
func TestCaseOfHalves(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			plainName + " A": {outcome: data, delay: 300 * time.Millisecond}, plainName + " AAAA": {outcome: nxdomain, delay: 100 * time.Millisecond},
		}}
		got := lookup(t, testPlugin(u), "WWW.example.COM.")
		if got[0].outcome != data || got[1].outcome != nodata || len(u.log()) != 2 {
			t.Errorf("%s, %s after %q; want data, nodata after each half once", got[0].outcome, got[1].outcome, u.log())
		}
	})
}

// TestSharedReplies has three clients at one address get the answer of one flight: each may modify its reply, as plugins
// before this one do, so no two may share a record.
func TestSharedReplies(t *testing.T) {
	for _, tc := range []struct {
		about   string
		a, aaaa outcome
		want    outcome
	}{{"an answer that passes", data, data, data}, {"a negative answer that passes", nxdomain, nxdomain, nxdomain}, {"a denial that pair changes", data, nxdomain, nodata}} {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				delay := func(o outcome) step { return step{outcome: o, delay: 100 * time.Millisecond} }
				u := &upstream{script: map[string]step{plainName + " A": delay(tc.a), plainName + " AAAA": delay(tc.aaaa)}}
				p := testPlugin(u)
				names := []string{"www.example.com.", "WWW.example.com.", "www.EXAMPLE.com."}
				replies := make([]*dns.Msg, len(names))
				var wg sync.WaitGroup
				for i, name := range names {
					wg.Go(func() {
						r := query(name, dns.TypeAAAA)
						m, _, _ := exchange(t, p, r)
						if m.Id != r.Id || m.Question[0].Name != name || outcomeOf(m, dns.TypeAAAA) != tc.want {
							t.Errorf("reply = %v; want %s for %s with ID %d", m, tc.want, name, r.Id)
						}
						replies[i] = m
					})
				}
				wg.Wait()
				owner := map[dns.RR]int{}
				for i, m := range replies {
					for _, rr := range slices.Concat(m.Answer, m.Ns, m.Extra) {
						if j, ok := owner[rr]; ok && i != j {
							t.Errorf("replies %d and %d share %v", i, j, rr)
						}
						owner[rr] = i
					}
				}
				if want := 2; len(u.log()) > want {
					t.Errorf("asked %q; want each half once at the most", u.log())
				}
			})
		})
	}
}

// TestHalvesFailApart has an upstream that fails once for each half, one after the other. If each half were told of the
// addresses that the other one finds when it is asked for again, the pair would be a denial of a name that exists.
func TestHalvesFailApart(t *testing.T) {
	for _, name := range []string{plainName, clusterName, nodeName} {
		for _, lag := range []time.Duration{0, 100 * time.Millisecond, 900 * time.Millisecond} {
			inVirtualTime(t, func(t *testing.T) {
				var mu sync.Mutex
				asked := map[uint16]int{}
				p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					qtype := r.Question[0].Qtype
					if r.Question[0].Name != name {
						return dns.RcodeSuccess, w.WriteMsg(answer(r, nxdomain))
					}
					mu.Lock()
					asked[qtype]++
					isFirst := asked[qtype] == 1
					mu.Unlock()
					if isFirst && qtype == dns.TypeAAAA {
						time.Sleep(lag)
					}
					if isFirst {
						return dns.RcodeServerFailure, errors.New("upstream is busy")
					}
					return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
				}))
				got := lookup(t, p, name)
				for i, h := range got { // data if the other half has asked for it before
					if h.outcome != failure && h.outcome != data {
						t.Errorf("%s, AAAA after %v: half %d is %s, though it has an address; want a failure, so that the client asks again", name, lag, i, h.outcome)
					}
				}
				if got := lookup(t, p, name); got[0].outcome != data || got[1].outcome != data {
					t.Errorf("%s: asked again, %s and %s; want data", name, got[0].outcome, got[1].outcome)
				}
			})
		}
	}
}
