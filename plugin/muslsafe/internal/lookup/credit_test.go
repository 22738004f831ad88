package lookup

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
)

// TestCredit asks an upstream that fails, until no question is asked again; then one that works, which earns it back.
func TestCredit(t *testing.T) {
	inVirtualTime(t, "own queries", func(t *testing.T) {
		next := &scripted{steps: []step{{0, failed}}}
		a := newAsker(next)
		ask := func(n int, o step) (asked int) {
			before := next.times()
			next.steps = []step{o}
			for range n {
				_, _, _ = askOwn(t.Context(), a, sample.Query(wwwName, dns.TypeA))
			}
			return next.times() - before
		}
		for _, tc := range []struct {
			about string
			n     int
			step  step
			want  int // queries
		}{
			{"failures at first", maxCredit / price, step{0, failed}, 2 * maxCredit / price},
			{"failures without credit", 50, step{0, failed}, 50},
			{"nine answers", price - 1, step{0, data}, price - 1},
			{"which are not enough", 1, step{0, failed}, 1},
			{"the tenth", 1, step{0, nxdomain}, 1},
			{"earns one query", 3, step{0, failed}, 3 + 1},
			{"many answers", 3 * maxCredit, step{0, data}, 3 * maxCredit},
			{"earn no more than there was at first", 2 * maxCredit / price, step{0, failed}, 3 * maxCredit / price},
			{"silence without credit", 1, step{3 * Hedge, data}, 1},
		} {
			if got := ask(tc.n, tc.step); got != tc.want {
				t.Errorf("%s: %d queries; want %d", tc.about, got, tc.want)
			}
		}
	})
}

// TestCreditIsBounded spends and earns from many goroutines: no more is spent than there was and was earned.
func TestCreditIsBounded(t *testing.T) {
	var c credit
	c.left.Store(maxCredit)
	const workers, rounds = 8, 10_000
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for range rounds {
				c.earn()
				if c.take() {
					taken.Add(1)
				}
				if left := c.left.Load(); left < 0 || left > maxCredit+workers {
					t.Errorf("%d left", left)
					return
				}
			}
		})
	}
	wg.Wait()
	if most := int64(maxCredit+workers*rounds) / price; taken.Load() > most || c.left.Load() >= price {
		t.Errorf("%d queries, %d left; want at most %d queries, and all spent", taken.Load(), c.left.Load(), most)
	}
}
