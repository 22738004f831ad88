//go:build faults

package faults

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// attempts is how often a fault is measured at the most. What comes of a few hundred lookups, which are not independent of each
// other, on a machine that does other things as well, is worse by chance now and then; what is worse is so each time.
const attempts = 3

// measure compares what clients notice of a fault with and without muslsafe. What they notice more is measured again, for
// longer each time, and is an error if it stays; a wrong answer is one at once.
func (w *world) measure(t *testing.T, f fault) []tally {
	t.Helper()
	for attempt := 1; ; attempt++ {
		tallies := w.run(t, f, attempt)
		with := tallies[1]
		if with.wrong > 0 {
			t.Errorf("%d wrong answers with muslsafe, such as %s", with.wrong, with.example)
		}
		err := compare(tallies[0], with)
		if err == nil {
			return tallies
		}
		if attempt == attempts {
			t.Error(err)
			return tallies
		}
		t.Logf("measured again, as %v", err)
	}
}

// slack is for a machine that does other things as well.
const slack = time.Second

// limit is how long muslsafe lets a lookup of these names wait for answers: 1.25 s for each of two steps that go upstream.
const limit = 2 * 1250 * time.Millisecond

// compare returns an error if something is lost with muslsafe that is not lost without it. After any time as many lookups are to
// have succeeded. How long the others take is another matter: where musl gives up without muslsafe, it may get a step further
// with it, and give up there.
func compare(without, with tally) error {
	for _, d := range []time.Duration{time.Second, interval, patience, math.MaxInt64 - slack} {
		least := without.within(d) - 0.01 - chance(without, with, d)
		if got := with.within(d + slack); got < least {
			return fmt.Errorf("%.1f %% of %d lookups succeed within %v with muslsafe, %.1f %% of %d within %v without; want at least %.1f %%",
				100*got, with.lookups, d+slack, 100*without.within(d), without.lookups, d, 100*least)
		}
	}
	most := max(without.quantile(0.99)*11/10, limit)
	if most > patience {
		most += patience
	}
	if got := with.quantile(0.99); got > most+slack {
		return fmt.Errorf("p99 = %v with muslsafe, %v without; want at most %v", got, without.quantile(0.99), most+slack)
	}
	return nil
}

// TestCompare has tallies that compare tells apart, and some that it must not.
func TestCompare(t *testing.T) {
	lookups := func(n, fails int, took time.Duration) (y tally) {
		for i := range n {
			y.lookups++
			y.took = append(y.took, took)
			if i >= fails {
				y.right = append(y.right, took)
			}
		}
		return y
	}
	for _, tc := range []struct {
		about         string
		without, with tally
		ok            bool
	}{
		{"all the same", lookups(500, 0, time.Second), lookups(500, 0, time.Second), true},
		{"within chance", lookups(500, 150, time.Second), lookups(500, 180, time.Second), true},
		{"more of them fail", lookups(500, 150, time.Second), lookups(500, 210, time.Second), false},
		{"one of fifty fails", lookups(2000, 0, time.Second), lookups(2000, 40, time.Second), false},
		{"none succeeds", lookups(500, 0, time.Second), lookups(500, 500, time.Second), false},
		{"all wait for the second packet", lookups(500, 0, time.Millisecond), lookups(500, 0, interval), false},
		{"a step more until they give up", lookups(500, 500, patience+1), lookups(500, 500, 2*patience), true},
		{"longer than musl has patience", lookups(500, 500, patience+1), lookups(500, 500, 3*patience), false},
		{"no lookups at all", lookups(500, 0, time.Second), tally{}, false},
	} {
		if err := compare(tc.without, tc.with); (err == nil) != tc.ok {
			t.Errorf("%s: %v; want one: %v", tc.about, err, !tc.ok)
		}
	}
}
