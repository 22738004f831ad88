package muslsafe

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// TestPaired has what a pair is to a client that searches.
func TestPaired(t *testing.T) {
	for _, tc := range []struct{ a, aaaa, want outcome }{
		{data, unknown, data}, {unknown, data, data}, {data, failure, data}, {failure, data, data}, {nxdomain, data, data},
		{unknown, nodata, unknown}, {nodata, unknown, unknown}, {failure, unknown, unknown}, {nxdomain, unknown, unknown},
		{failure, nxdomain, failure}, {failure, nodata, failure}, {nodata, failure, failure}, {failure, failure, failure},
		{nxdomain, failure, nxdomain}, // which speaks for the whole name
		{nodata, nodata, nxdomain}, {nodata, nxdomain, nxdomain}, {nxdomain, nodata, nxdomain}, {nxdomain, nxdomain, nxdomain},
	} {
		if got := paired(tc.a, tc.aaaa); got != tc.want {
			t.Errorf("paired(%s, %s) = %s; want %s", tc.a, tc.aaaa, got, tc.want)
		}
	}
}

func TestNegativeTTL(t *testing.T) {
	soa := func(ttl, minimum uint32) *dns.Msg {
		return &dns.Msg{Ns: []dns.RR{
			test.NS("example.org. 60 IN NS ns.example.org."),
			test.SOA(fmt.Sprintf("example.org. %d IN SOA ns.example.org. mail.example.org. 1 2 3 4 %d", ttl, minimum)),
		}}
	}
	for _, tc := range []struct {
		about  string
		m      *dns.Msg
		landed bool
		want   uint32
	}{
		{"TTL of the SOA", soa(7, 9), true, 7},
		{"MINIMUM of the SOA", soa(9, 7), true, 7},
		{"no SOA", new(dns.Msg), true, briefTTL},
		{"no message", nil, true, briefTTL},
		{"in the air", soa(9, 9), false, briefTTL},
	} {
		f := &flight{msg: tc.m}
		f.landed.Store(tc.landed)
		if got := denialTTL(f); got != tc.want {
			t.Errorf("%s: %d; want %d", tc.about, got, tc.want)
		}
	}
}

// TestChoiceHolds checks for how long the choice of a search is remembered: as long as every answer holds that it was made
// by, and briefly if one of them failed.
func TestChoiceHolds(t *testing.T) {
	const second, last = "www.example.net.svc.cluster.local.", "www.example.net."
	tests := []struct {
		about    string
		outcomes map[string]outcome // in place of those that make last the winner
		ttls     map[string]uint32  // in place of 600; 0 if there is no SOA
		ttl      uint32             // of the configuration
		winner   string
		want     time.Duration
	}{
		{"all of them hold for long", nil, nil, 100, last, 100 * time.Second},
		{"the namespace", nil, map[string]uint32{inDefault + " A": 9}, 100, last, 9 * time.Second},
		{"a rival", nil, map[string]uint32{"default.corp.example.org. A": 8}, 100, last, 8 * time.Second},
		{"A of a step", nil, map[string]uint32{second + " A": 7}, 100, last, 7 * time.Second},
		{"AAAA of a step", nil, map[string]uint32{second + " AAAA": 6}, 100, last, 6 * time.Second},
		{"a step without an SOA", nil, map[string]uint32{second + " AAAA": 0}, 100, last, briefTTL * time.Second},
		{"AAAA of the winner, which excludes none", nil, map[string]uint32{last + " AAAA": 6}, 100, last, 100 * time.Second},
		{"the ttl of the configuration is 0", nil, nil, 0, last, minChoice * time.Second},
		{"nothing found", map[string]outcome{last + " A": nodata}, nil, 100, "", 100 * time.Second},
		{"nothing found, for a short time", map[string]outcome{last + " A": nodata}, map[string]uint32{last + " AAAA": 6}, 100, "", 6 * time.Second},
		{"the namespace does not exist", map[string]outcome{inDefault + " A": nxdomain}, nil, 100, "", briefTTL * time.Second},
		{"the namespace fails", map[string]outcome{inDefault + " A": failure}, nil, 100, "", briefTTL * time.Second},
		{"a rival exists", map[string]outcome{"default.example.org. A": data}, nil, 100, "", briefTTL * time.Second},
		{"a step fails", map[string]outcome{second + " A": failure}, nil, 100, "", briefTTL * time.Second},
		{"the first step has an address", map[string]outcome{firstName + " A": data}, nil, 100, "", briefTTL * time.Second},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				outcomes := map[string]outcome{inDefault + " A": nodata, last + " A": data, last + " AAAA": nodata}
				maps.Copy(outcomes, tc.outcomes)
				p := completing(writes(func(r *dns.Msg, _ bool) *dns.Msg {
					key := r.Question[0].Name + " " + dns.TypeToString[r.Question[0].Qtype]
					o, ok := outcomes[key]
					if !ok {
						o = nxdomain
					}
					m := answer(r, o)
					ttl, ok := tc.ttls[key]
					if !ok {
						ttl = 600
					}
					if len(m.Ns) > 0 {
						soa := m.Ns[0].(*dns.SOA)
						soa.Hdr.Ttl, soa.Minttl = ttl, ttl
					}
					if ttl == 0 {
						m.Ns = nil
					}
					return m
				}), func(cfg *config) { cfg.ttl = tc.ttl })
				began := time.Now()
				lookup(t, p, firstName)
				c, ok := p.choices.get(firstName, began)
				if !ok || c.winner != tc.winner || c.expires.Sub(began) != tc.want {
					t.Fatalf("choice = %+v, %v; want %q for %v", c, ok, tc.winner, tc.want)
				}
				if _, ok := p.choices.get(firstName, began.Add(tc.want)); ok {
					t.Error("the choice holds beyond its time")
				}
			})
		})
	}
}

// TestChoicesCollide has two names with one place in the cache.
func TestChoicesCollide(t *testing.T) {
	cs, now := newChoices(), time.Now()
	other := &choice{name: "b.example.net.", winner: "b.", expires: now.Add(time.Minute)}
	cs.cache.put(cs.cache.hash("a.example.net."), other)
	if c, ok := cs.get("a.example.net.", now); ok {
		t.Errorf("get = %+v; want nothing, as that belongs to another name", c)
	}
}

// TestWalksOfClients has two clients search for one name at once: what one of them is refused, it does not get because the
// other one may.
func TestWalksOfClients(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{inDefault + " A": {outcome: nodata}, "www.example.net. A": {outcome: data}}}
		p := completing(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			time.Sleep(10 * time.Millisecond)
			if strings.HasPrefix(w.RemoteAddr().String(), "192.0.2.66:") && r.Question[0].Name == "www.example.net." {
				return dns.RcodeRefused, nil
			}
			return u.ServeDNS(ctx, w, r)
		}))
		var wg sync.WaitGroup
		for addr, want := range map[string]outcome{"192.0.2.1": data, "192.0.2.66": nxdomain} {
			wg.Go(func() {
				m := serve(t, p, &test.ResponseWriter{RemoteIP: addr}, query(firstName, dns.TypeA))
				if got := outcomeOf(m, dns.TypeA); got != want {
					t.Errorf("client %s: %s; want %s", addr, got, want)
				}
			})
		}
		wg.Wait()
	})
}

// TestWalksWithEDNS has two queries with EDNS at once, whose options may differ: each searches alone.
func TestWalksWithEDNS(t *testing.T) {
	for _, edns := range []bool{false, true} {
		inVirtualTime(t, func(t *testing.T) {
			next := counted(&upstream{script: map[string]step{inDefault + " A": {outcome: nodata, delay: 10 * time.Millisecond}, "www.example.net. A": {outcome: data}}})
			p := completing(next)
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					r := query(firstName, dns.TypeA)
					if edns {
						r.SetEdns0(1232, false)
					}
					if m := serve(t, p, &test.ResponseWriter{}, r); outcomeOf(m, dns.TypeA) != data {
						t.Errorf("reply = %v; want the address", m)
					}
				})
			}
			wg.Wait()
			synctest.Wait() // for what nobody waits for
			walks := int64(1)
			if edns {
				walks = 2
			}
			if n := next.n.Load(); n < walks*16 || n >= (walks+1)*16 {
				t.Errorf("EDNS %v: asked %d times; want 16 for each of %d walks", edns, n, walks)
			}
		})
	}
}
