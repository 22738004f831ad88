//go:build faults

package faults

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// maxFlights is that of the plugin: what is in the air, each with a goroutine and a stack of its own, which is that of another one.
const maxFlights = 1 << 14

// TestOpenQueries has silent upstreams and thousands of different questions that nobody repeats, so that there would be more in
// the air than muslsafe lets fly. Those that come too late pass as they would without it, and all is gone with the last of them.
func TestOpenQueries(t *testing.T) {
	lab.Require(t)
	// A step of the search, which needs four: its two halves, and those of the name ahead.
	const name, open = "open%d.example.org.corp.example.com.", 6000
	w := newWorld(t, fault{})
	w.set(t, always(upstream.Behaviour{Answer: upstream.Silence}), 0)
	var most []int // goroutines
	for _, s := range w.sides {
		ask(t, s, name, open)
		most = append(most, w.highest(t, s))
	}
	overloaded := lab.Counters(t, w.sides[1].addr, "coredns_muslsafe_queries_total", "decision")["overloaded"]
	t.Logf("%d goroutines at the most without, %d with, which lets %d of %d pass", most[0], most[1], overloaded, open)
	if most[1] < maxFlights/2 || overloaded == 0 {
		t.Errorf("%d goroutines, and %d of %d questions pass; want muslsafe to be at its limit", most[1], overloaded, open)
	}
	if limit := w.idle[1] + open + 2*maxFlights + 100; most[1] > limit { // each question has a goroutine as well
		t.Errorf("%d goroutines for %d questions; want at most %d", most[1], open, limit)
	}
	w.set(t, nil, 0)
	w.recovers(t, fault{})
}

// ask sends different questions and listens to no answer. A pause after some leaves none to the buffer of the socket.
func ask(t *testing.T, s *side, name string, count int) {
	t.Helper()
	conn, err := net.Dial("udp", s.addr+":53")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range count {
		q := stub.Query{Name: fmt.Sprintf(name, i), Type: dns.TypeA}
		if _, err := conn.Write(q.Wire(uint16(i))); err != nil {
			t.Fatal(err)
		}
		if i%50 == 49 {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

// highest returns the most goroutines that the server has, until there are fewer again.
func (w *world) highest(t *testing.T, s *side) (most int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		n := lab.Goroutines(t, s.addr)
		if n < most*3/4 {
			return most
		}
		most = max(most, n)
	}
	t.Errorf("%s: %d goroutines after 30 s", s.name, most)
	return most
}
