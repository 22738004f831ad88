//go:build faults

package faults

import (
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestHalvesFailApart has upstreams of which each answer fails by chance, so that both halves of a pair may fail the first
// time and succeed when they are asked as the other's sibling. Neither half must then be taken for one that has no records
// because of the other: the name would be denied, although it has both addresses, and nobody tries again after that.
func TestHalvesFailApart(t *testing.T) {
	lab.Require(t)
	for _, tc := range []struct {
		about string
		mood  mood
	}{
		{"SERVFAIL for one question of three", anyOf(upstream.Data, upstream.Data, upstream.ServFail)},
		{"REFUSED for one question of three", anyOf(upstream.Data, upstream.Data, upstream.Refused)},
		{"garbage for one question of three", anyOf(upstream.Data, upstream.Data, upstream.Garbage)},
	} {
		t.Run(tc.about, func(t *testing.T) {
			w := newWorld(t, fault{})
			tallies := w.run(t, fault{mood: tc.mood, least: 2 * time.Second, load: func(l load) load {
				l.clients, l.pause, l.name = 40, 10*time.Millisecond, absolute // it is a matter of microseconds
				return l
			}}, 1)
			t.Logf("wrong: %d of %d without, %d of %d with", tallies[0].wrong, tallies[0].lookups, tallies[1].wrong, tallies[1].lookups)
			if y := tallies[1]; y.wrong > 0 {
				t.Errorf("%d of %d lookups with muslsafe have a wrong answer, such as %s", y.wrong, y.lookups, y.example)
			}
		})
	}
}
