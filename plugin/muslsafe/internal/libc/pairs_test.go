package libc

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
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
		if got := IsMusl(tc.a, tc.aaaa); got != tc.want {
			t.Errorf("%s: IsMusl(%d, %d) = %v; want %v", tc.about, tc.a, tc.aaaa, got, tc.want)
		}
	}
}

// TestTable sends a query A 100 from a socket, and then another one.
func TestTable(t *testing.T) {
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
		{"the other half", socket, "www.example.com.", dns.TypeAAAA, 0, true},
		{"the other half, as late as a client waits", socket, "www.example.com.", dns.TypeAAAA, 5 * time.Second, true},
		{"later", socket, "www.example.com.", dns.TypeAAAA, 6 * time.Second, false},
		{"the same half again", socket, "www.example.com.", dns.TypeA, 0, false},
		{"another name", socket, "db.corp.example.org.", dns.TypeAAAA, 0, false},
		{"another port", netip.AddrPortFrom(socket.Addr(), 40001), "www.example.com.", dns.TypeAAAA, 0, false},
		{"another client", netip.MustParseAddrPort("192.0.2.2:40000"), "www.example.com.", dns.TypeAAAA, 0, false},
	} {
		table := NewTable()
		if _, ok := table.See(socket, "www.example.com.", 100, dns.TypeA, at); ok {
			t.Fatalf("%s: a pair at the first query", tc.about)
		}
		other, ok := table.See(tc.socket, tc.name, 200, tc.qtype, at.Add(tc.after))
		if ok != tc.want || ok && other != 100 {
			t.Errorf("%s: pair = %v with %d; want %v with 100", tc.about, ok, other, tc.want)
		}
		if _, again := table.See(tc.socket, tc.name, 200, tc.qtype, at.Add(tc.after)); again {
			t.Errorf("%s: sent again, it makes a pair once more", tc.about)
		}
	}
}

// TestTableUnderPressure has many more sockets than slots: pairs are lost, and none is made of strangers.
func TestTableUnderPressure(t *testing.T) {
	table, at, pairs := NewTable(), time.Unix(1<<20, 0), 0
	const sockets = 20_000
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for n := range sockets {
			socket := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), 40000)
			other, ok := table.See(socket, "www.example.com.", uint16(n), qtype, at)
			if ok && other != uint16(n) {
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

// TestTableAllocs checks that a query that is looked at for its client costs no memory.
func TestTableAllocs(t *testing.T) {
	table := NewTable()
	socket, id := netip.MustParseAddrPort("[2001:db8::1]:40000"), uint16(0)
	n := testing.AllocsPerRun(1000, func() {
		id++
		table.See(socket, "www.example.com.", id, dns.TypeA, time.Time{})
	})
	if n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}
