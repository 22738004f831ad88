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

// TestOpenQueries has silent upstreams and thousands of different questions that nobody repeats. What is in the air has no
// limit of its own: it is a fixed number of queries for each that the server has open, and gone with the last of them.
func TestOpenQueries(t *testing.T) {
	lab.Require(t)
	// A step of the search: its two halves, and those of the name ahead.
	const name, each, open = "open%d.example.org.corp.example.com.", 4, 2000
	w := newWorld(t, fault{})
	w.set(t, always(upstream.Behaviour{Answer: upstream.Silence}), 0)
	var most []int // goroutines
	for _, s := range w.sides {
		ask(t, s, name, open)
		most = append(most, w.highest(t, s))
	}
	t.Logf("%d goroutines at the most without, %d with", most[0], most[1])
	if most[1] < open {
		t.Errorf("%d goroutines; want the %d queries to be open at the same time", most[1], open)
	}
	// Each flight has a goroutine, as the query itself has one.
	if limit := w.idle[1] + open*(1+each) + 100; most[1] > limit {
		t.Errorf("%d goroutines for %d queries; want at most %d", most[1], open, limit)
	}
	w.set(t, nil, 0)
	w.recovers(t, fault{})
}

// ask sends different questions and listens to no answer. A pause after some leaves none to the buffer of the socket.
func ask(t *testing.T, s *side, name string, count int) {
	t.Helper()
	conn, err := net.Dial("udp", s.ip()+":53")
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
		n := s.gauge(t, "go_goroutines")
		if n < most*3/4 {
			return most
		}
		most = max(most, n)
	}
	t.Errorf("%s: %d goroutines after 30 s", s.name, most)
	return most
}
