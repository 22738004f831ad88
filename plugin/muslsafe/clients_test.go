package muslsafe

import (
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestIsMusl(t *testing.T) {
	for _, tc := range []struct {
		about   string
		a, aaaa uint16
		want    bool
	}{
		{"the same number", 7, 7, false},
		{"next", 7, 8, true},
		{"at the limit", 7, 7 + maxMuslDelta, true},
		{"past the limit", 7, 8 + maxMuslDelta, false},
		{"past the end of 16 bits", 65535, 600, true},
		{"AAAA before A", 600, 7, false},
	} {
		if got := isMusl(tc.a, tc.aaaa); got != tc.want {
			t.Errorf("%s: isMusl(%d, %d) = %v; want %v", tc.about, tc.a, tc.aaaa, got, tc.want)
		}
	}
}

// TestPairTable sends a query A 100 from a socket, and then another one.
func TestPairTable(t *testing.T) {
	socket := netip.MustParseAddrPort("192.0.2.1:40000")
	at := time.Unix(1<<16-2, 0) // the time of a half overflows soon
	for _, tc := range []struct {
		about  string
		socket netip.AddrPort
		name   string
		qtype  uint16
		after  time.Duration
		want   bool
	}{
		{"the other half", socket, plainName, dns.TypeAAAA, 0, true},
		{"the other half, as late as a client waits", socket, plainName, dns.TypeAAAA, 5 * time.Second, true},
		{"later", socket, plainName, dns.TypeAAAA, 6 * time.Second, false},
		{"the same half again", socket, plainName, dns.TypeA, 0, false},
		{"another name", socket, nodeName, dns.TypeAAAA, 0, false},
		{"another port", netip.AddrPortFrom(socket.Addr(), 40001), plainName, dns.TypeAAAA, 0, false},
		{"another client", netip.MustParseAddrPort("192.0.2.2:40000"), plainName, dns.TypeAAAA, 0, false},
	} {
		table := newPairTable()
		if _, ok := table.see(socket, plainName, 100, dns.TypeA, at); ok {
			t.Fatalf("%s: a pair at the first query", tc.about)
		}
		other, ok := table.see(tc.socket, tc.name, 200, tc.qtype, at.Add(tc.after))
		if ok != tc.want || ok && other.id() != 100 {
			t.Errorf("%s: pair = %v with %d; want %v with 100", tc.about, ok, other.id(), tc.want)
		}
		if _, again := table.see(tc.socket, tc.name, 200, tc.qtype, at.Add(tc.after)); again {
			t.Errorf("%s: sent again, it makes a pair once more", tc.about)
		}
	}
}

// TestPairTableUnderPressure has many more sockets than slots: pairs are lost, and none is made of strangers.
func TestPairTableUnderPressure(t *testing.T) {
	table, at, pairs := newPairTable(), time.Unix(1<<20, 0), 0
	const sockets = 20_000
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for n := range sockets {
			socket := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 40000)
			other, ok := table.see(socket, plainName, uint16(n), qtype, at)
			if ok && other.id() != uint16(n) {
				t.Errorf("round %d: socket %d makes a pair with a query of another", i, n)
			}
			if ok {
				pairs++
			}
		}
	}
	if pairs > len(table.slots) {
		t.Errorf("%d pairs; want at most %d", pairs, len(table.slots))
	}
}

// pairsSince sends pairs with the numbers of a library and returns how many more of each kind are counted.
func pairsSince(t *testing.T, p *Muslsafe, n int, ids func() (a, aaaa uint16)) (musl, other float64) {
	t.Helper()
	count := func(libc string) float64 { return testutil.ToFloat64(pairsTotal.WithLabelValues("", "", libc)) }
	beforeMusl, beforeOther := count("musl"), count("other")
	for i := range n {
		w := &client{addr: &net.UDPAddr{IP: net.IPv4(192, 0, 2, byte(i>>14)), Port: 1024 + i&(1<<14-1)}, ResponseWriter: test.ResponseWriter{}}
		a, aaaa := query(plainName, dns.TypeA), query(plainName, dns.TypeAAAA)
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
	cfg := newConfig()
	cfg.clients = true
	counting := func() *Muslsafe { return newMuslsafe(answers(data, data), cfg) } // with an empty table: sockets come again
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

// TestPairTableAllocs checks that a query that is looked at for its client costs no memory.
func TestPairTableAllocs(t *testing.T) {
	table := newPairTable()
	socket, id := netip.MustParseAddrPort("[2001:db8::1]:40000"), uint16(0)
	n := testing.AllocsPerRun(1000, func() {
		id++
		table.see(socket, plainName, id, dns.TypeA, time.Time{})
	})
	if n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}
