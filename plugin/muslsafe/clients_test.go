package muslsafe

import (
	"math/rand/v2"
	"net"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// pairsSince sends pairs with the numbers of a library and returns how many more of each kind are counted.
func pairsSince(t *testing.T, p *Muslsafe, n int, ids func() (a, aaaa uint16)) (musl, other float64) {
	t.Helper()
	count := func(libc string) float64 { return testutil.ToFloat64(pairsTotal.WithLabelValues("", "", libc)) }
	beforeMusl, beforeOther := count("musl"), count("other")
	for i := range n {
		w := &client{addr: &net.UDPAddr{IP: net.IPv4(192, 0, 2, byte(i>>14)), Port: 1024 + i&(1<<14-1)}, ResponseWriter: test.ResponseWriter{}}
		a, aaaa := newQuery(plainName, dns.TypeA), newQuery(plainName, dns.TypeAAAA)
		a.Id, aaaa.Id = ids()
		for _, r := range []*dns.Msg{a, aaaa} {
			if _, err := p.ServeDNS(t.Context(), w, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	return count("musl") - beforeMusl, count("other") - beforeOther
}

// TestPairsByLibc counts pairs as the two kinds of libraries number them.
func TestPairsByLibc(t *testing.T) {
	const n = 5000
	counting := func() *Muslsafe { // with an empty table, as the same sockets come again
		return testPlugin(answers(data, data), func(cfg *config) { cfg.clients = true })
	}
	rng := rand.New(rand.NewPCG(1, 2))

	musl, other := pairsSince(t, counting(), n, func() (uint16, uint16) {
		a := uint16(rng.Uint32())
		return a, a + 92 + uint16(rng.UintN(1400))
	})
	if musl != n || other != 0 {
		t.Errorf("numbers of a clock: %v pairs of musl, %v of others; want %d and 0", musl, other, n)
	}
	musl, other = pairsSince(t, counting(), n, func() (uint16, uint16) { return uint16(rng.Uint32()), uint16(rng.Uint32()) })
	if musl+other != n || musl < n/64 || musl > n/16 {
		t.Errorf("random numbers: %v pairs of musl, %v of others; want %d, of musl about one in 32", musl, other, n)
	}
	if musl, other = pairsSince(t, testPlugin(answers(data, data)), 10, func() (uint16, uint16) { return 1, 2 }); musl+other != 0 {
		t.Errorf("without clients, %v pairs are counted; want none", musl+other)
	}
}
