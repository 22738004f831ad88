package muslsafe

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// TestExpectedFlights has an upstream that tells whether it was called from the goroutine of the client.
func TestExpectedFlights(t *testing.T) {
	const ttl = 60 * time.Second // of the addresses
	tests := []struct {
		about  string
		took   time.Duration // the first time
		sleep  time.Duration // between the first time and the second
		answer outcome
		want   bool
	}{
		{"asked before", 0, time.Second, data, true},
		{"as slow as memory may be", quick, time.Second, data, true},
		{"slower", quick + time.Nanosecond, time.Second, data, false},
		{"just before the answer expires", 0, ttl - time.Nanosecond, data, true},
		{"when it has expired", 0, ttl, data, false},
		{"a denial, just before it expires", 0, 5*time.Second - time.Nanosecond, nxdomain, true}, // SOA 7 with minimum 5
		{"a denial that has expired", 0, 5 * time.Second, nxdomain, false},
		{"a failure", 0, 0, failure, false},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				var isInline bool
				took := tc.took
				p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					time.Sleep(took)
					if r.Question[0].Qtype == dns.TypeA {
						isInline = isInClient()
					}
					return dns.RcodeSuccess, w.WriteMsg(answer(r, tc.answer))
				}))
				_, _, _ = exchange(t, p, query(plainName, dns.TypeA))
				if isInline {
					t.Error("the first question was expected to be answered at once")
				}
				time.Sleep(tc.sleep)
				took = 0
				_, _, _ = exchange(t, p, query(plainName, dns.TypeA))
				if isInline != tc.want {
					t.Errorf("the second question was expected to be answered at once: %v; want %v", isInline, tc.want)
				}
			})
		})
	}
}

// isInClient reports whether this is the goroutine of a client, which exchangeContext serves.
func isInClient() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, ".exchangeContext") {
			return true
		}
		if !more {
			return false
		}
	}
}

// TestWrongHint has an upstream that falls silent for AAAA after it has answered: one client waits as it would without
// muslsafe, but if it asks again, as musl does after 2.5 seconds, it is helped, and the next client is at once.
func TestWrongHint(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{plainName + " A": {outcome: data}, plainName + " AAAA": {outcome: data}}}
		p := testPlugin(u)
		lookup(t, p, plainName)
		u.change(plainName+" AAAA", step{outcome: unknown})

		first := make(chan time.Duration, 1)
		began := time.Now()
		go func() {
			_, _, _ = exchange(t, p, query(plainName, dns.TypeAAAA))
			first <- time.Since(began)
		}()
		time.Sleep(2500 * time.Millisecond)
		m, _, _ := exchange(t, p, query(plainName, dns.TypeAAAA))
		if after := time.Since(began); outcomeOf(m, dns.TypeAAAA) != nodata || after != 3500*time.Millisecond {
			t.Errorf("asked again: %v after %v; want NODATA after 3.5 s", m, after)
		}
		if after := <-first; after != silence {
			t.Errorf("the first question took %v; want %v", after, silence)
		}
		time.Sleep(time.Second)
		if got := lookup(t, p, plainName); got[1].outcome != nodata || got[1].after != time.Second {
			t.Errorf("later: %v after %v; want NODATA after 1 s", got[1].outcome, got[1].after)
		}
	})
}
