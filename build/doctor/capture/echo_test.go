package capture

import (
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// sight is one sight of the question for A, or of the reply, on some interface.
type sight struct {
	after  time.Duration
	kind   packets.Kind
	server string
	hops   uint8
}

// TestEchoes has the sights of one packet, or of several that look alike, a row: how many were sent, and how many of them were
// answered.
func TestEchoes(t *testing.T) {
	const soon = 50 * time.Microsecond
	const vip, pod, other = "10.96.0.10", "10.244.0.5", "192.0.2.54"
	for _, tc := range []struct {
		about    string
		sights   []sight
		sent     int
		answered int
	}{
		{"one interface", []sight{{0, packets.Query, vip, 64}, {soon, packets.Reply, vip, 63}}, 1, 1},
		{"two interfaces", []sight{{0, packets.Query, vip, 64}, {soon, packets.Query, vip, 64}, {soon, packets.Reply, vip, 63}, {soon, packets.Reply, vip, 63}}, 1, 1},
		{"the pod behind a service", []sight{
			{0, packets.Query, vip, 64}, {soon, packets.Query, pod, 63}, {soon, packets.Reply, pod, 64}, {soon, packets.Reply, vip, 63},
		}, 1, 1},
		{"two servers", []sight{
			{0, packets.Query, vip, 64}, {soon, packets.Query, other, 64}, {soon, packets.Reply, other, 64}, {soon, packets.Reply, vip, 63},
		}, 2, 2},
		{"sent again", []sight{{0, packets.Query, vip, 64}, {2500 * time.Millisecond, packets.Query, vip, 64}, {soon, packets.Reply, vip, 63}}, 2, 1},
		{"sent again at once, after a reply", []sight{
			{0, packets.Query, vip, 64}, {soon, packets.Reply, vip, 63}, {soon, packets.Query, vip, 64}, {soon, packets.Reply, vip, 63},
		}, 2, 2},
	} {
		t.Run(tc.about, func(t *testing.T) {
			sent, answered := 0, 0
			tr := newTracker(func(l *lookup) {
				for _, x := range l.steps[0].halves[0].tries {
					if sent++; x.fate == stub.Answered {
						answered++
					}
				}
			}, func(*lookup) {}, func(*client) []string { return nil })
			e := packets.Event{At: time.Hour, Client: netip.AddrPortFrom(testClient, 4000)}
			for _, s := range tc.sights {
				e.At, e.Kind, e.Hops = e.At+s.after, s.kind, s.hops
				e.Server = netip.AddrPortFrom(netip.MustParseAddr(s.server), 53)
				e.Message = stub.Query{Name: "www.example.org.", Type: dns.TypeA}.Wire(7)
				if s.kind == packets.Reply {
					e.Message[2], e.Message[3] = 0x81, 0x82
				}
				tr.event(&e)
			}
			tr.flush(false)
			if sent != tc.sent || answered != tc.answered {
				t.Errorf("%d sent, %d answered; want %d and %d", sent, answered, tc.sent, tc.answered)
			}
		})
	}
}
