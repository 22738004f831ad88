package muslsafe

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

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
