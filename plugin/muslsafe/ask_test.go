package muslsafe

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
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

// TestBackgroundWork has a plugin that answers at once and goes on in the background, as cache does to refresh what it has:
// that must not end with the query of our own that set it off, nor with the client.
func TestBackgroundWork(t *testing.T) {
	for _, tc := range []struct {
		about   string
		qtype   uint16 // of the query that the work is done for
		overTCP bool
	}{
		{"own half", dns.TypeAAAA, false},
		{"sibling", dns.TypeA, false},
		{"own half over TCP", dns.TypeAAAA, true},
	} {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				errs := make(chan error, 1)
				p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					_, overTCP := clientOf(w)
					m := answer(r, nxdomain)
					if r.Question[0].Qtype == dns.TypeA {
						m = answer(r, data)
					} else if tc.overTCP {
						m = answer(r, data)
						m.Truncated = !overTCP
					}
					if r.Question[0].Qtype == tc.qtype && overTCP == tc.overTCP {
						go func() {
							time.Sleep(time.Minute)
							errs <- ctx.Err()
						}()
					}
					return dns.RcodeSuccess, w.WriteMsg(m)
				}))
				ctx, cancel := context.WithCancel(t.Context())
				_, _, _ = exchangeContext(ctx, t, p, query(plainName, dns.TypeAAAA))
				cancel()
				if err := <-errs; err != nil {
					t.Errorf("the work in the background was ended: %v", err)
				}
			})
		})
	}
}

// TestClientGoes has a client join the flight of another one, whose context ends when it has its answer (DNS over HTTPS).
func TestClientGoes(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			select {
			case <-ctx.Done():
				return dns.RcodeServerFailure, ctx.Err()
			case <-time.After(700 * time.Millisecond):
				return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
			}
		}))
		go func() { // asks for AAAA after half a second, and is gone before that comes
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, _, _ = exchangeContext(ctx, t, p, query(plainName, dns.TypeA))
		}()
		time.Sleep(600 * time.Millisecond)
		if m, _, err := exchange(t, p, query(plainName, dns.TypeAAAA)); outcomeOf(m, dns.TypeAAAA) != data {
			t.Errorf("reply = %v, %v; want the address", m, err)
		}
	})
}

// hanging is a next plugin that does not answer the first query for A before it is released, and denies AAAA.
type hanging struct {
	release chan struct{}
	delay   time.Duration // of all others
	n       atomic.Int64
}

func (h *hanging) Name() string { return "hanging" }

func (h *hanging) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if r.Question[0].Qtype == dns.TypeA && h.n.Add(1) == 1 {
		<-h.release
		return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
	}
	time.Sleep(h.delay)
	if r.Question[0].Qtype == dns.TypeAAAA {
		return dns.RcodeSuccess, w.WriteMsg(answer(r, nxdomain))
	}
	return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
}

// TestHungQuery has a query that hangs in a plugin: whoever asks later than a client waits gets an answer all the same.
func TestHungQuery(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} { // what hangs is the own half, or the sibling
		inVirtualTime(t, func(t *testing.T) {
			next := &hanging{release: make(chan struct{})}
			p := testPlugin(next)
			go func() { _, _, _ = exchange(t, p, query(plainName, qtype)) }()
			time.Sleep(maxFlight)
			if got := askHalf(t, p, plainName, dns.TypeA); got.outcome != data || got.after != 0 {
				t.Errorf("%s after %v; want data at once", got.outcome, got.after)
			}
			if n := next.n.Load(); n != 2 {
				t.Errorf("asked for A %d times; want twice", n)
			}
			close(next.release)
		})
	}
}

// TestLandingLeavesOthers has a flight land that nobody joins any more, or nobody could: the one in the air that can be
// joined stays.
func TestLandingLeavesOthers(t *testing.T) {
	ask := func(p *Muslsafe, edit func(*dns.Msg)) {
		r := query(plainName, dns.TypeA)
		edit(r)
		go func() { _, _ = p.ServeDNS(context.Background(), &test.ResponseWriter{}, r) }()
		synctest.Wait()
	}
	same := func(*dns.Msg) {}
	t.Run("after a hung query", func(t *testing.T) {
		inVirtualTime(t, func(t *testing.T) {
			next := &hanging{release: make(chan struct{}), delay: 100 * time.Millisecond}
			p := testPlugin(next)
			ask(p, same)
			time.Sleep(maxFlight)
			ask(p, same)
			time.Sleep(50 * time.Millisecond)
			close(next.release)
			synctest.Wait() // the hung one lands, and the other one is in the air
			ask(p, same)
			if n := next.n.Load(); n != 2 {
				t.Errorf("asked %d times; want twice", n)
			}
		})
	})
	t.Run("beside a query with EDNS", func(t *testing.T) {
		inVirtualTime(t, func(t *testing.T) {
			next := &hanging{release: make(chan struct{})}
			p := testPlugin(next)
			ask(p, same)
			ask(p, func(r *dns.Msg) { r.SetEdns0(1232, false) })
			ask(p, same)
			if n := next.n.Load(); n != 2 {
				t.Errorf("asked %d times; want once for each kind of client", n)
			}
			close(next.release)
		})
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

// TestAheadIsRouted has a server with two blocks: what a client would look up next is asked in the block that owns the
// name, and shares no flight with what this block is asked.
func TestAheadIsRouted(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		fails := answers(failure, failure)
		p := testPlugin(fails)
		server, err := dnsserver.NewServer("dns://:53", []*dnsserver.Config{
			block("corp.example.org.", p), block("example.org.", answers(data, nodata)), block(".", fails),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.WithValue(t.Context(), dnsserver.Key{}, server)
		if m, _, _ := exchangeContext(ctx, t, p, query(nodeName, dns.TypeA)); outcomeOf(m, dns.TypeA) != nxdomain {
			t.Errorf("reply = %v; want NXDOMAIN, as %s has an address", m, nextName)
		}
	})
}

func block(zone string, h plugin.Handler) *dnsserver.Config {
	cfg := &dnsserver.Config{Zone: zone, Transport: "dns", Port: "53", ListenHosts: []string{""}}
	cfg.AddPlugin(func(plugin.Handler) plugin.Handler { return h })
	return cfg
}

// TestSubqueriesAreCounted checks that what muslsafe asks on its own is counted, and what the client asks is not.
func TestSubqueriesAreCounted(t *testing.T) {
	cut := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		m := answer(r, data)
		_, overTCP := clientOf(w)
		m.Truncated = !overTCP
		return dns.RcodeSuccess, w.WriteMsg(m)
	})
	for _, tc := range []struct {
		about string
		next  plugin.Handler
		want  map[string]float64
	}{
		{"an answer that passes", answers(data, data), nil},
		{"a denial", answers(nxdomain, nxdomain), map[string]float64{"nxdomain": 1}},
		{"a failure of A", answers(failure, nodata), map[string]float64{"nodata": 1}},
		{"an answer over TCP", cut, map[string]float64{"data": 1}},
	} {
		before := subqueryCounts()
		_, _, _ = exchange(t, testPlugin(tc.next), query(plainName, dns.TypeA))
		for result, n := range subqueryCounts() {
			if got := n - before[result]; got != tc.want[result] {
				t.Errorf("%s: %v queries with %s; want %v", tc.about, got, result, tc.want[result])
			}
		}
	}
}

func subqueryCounts() map[string]float64 {
	counts := map[string]float64{}
	for _, o := range outcomeNames {
		counts[o] = testutil.ToFloat64(subqueriesTotal.WithLabelValues("", "", o))
	}
	return counts
}

// TestOverTCP checks that a client stays who it is when the chain takes it for one over TCP.
func TestOverTCP(t *testing.T) {
	udp := &net.UDPAddr{IP: net.ParseIP("fe80::1"), Port: 40212, Zone: "eth0"}
	got, ok := overTCP{&client{addr: udp}}.RemoteAddr().(*net.TCPAddr)
	if !ok || got.String() != udp.String() {
		t.Errorf("RemoteAddr = %v; want %v, over TCP", got, udp)
	}
	other := &net.UnixAddr{Name: "socket", Net: "unix"}
	if got := (overTCP{&client{addr: other}}).RemoteAddr(); got != net.Addr(other) {
		t.Errorf("RemoteAddr = %v; want %v as it is", got, other)
	}
}
