package lookup

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestEqualQueries has one client send two queries at once, and says which of them share a lookup.
func TestEqualQueries(t *testing.T) {
	tests := []struct {
		about       string
		edit, other func(*dns.Msg)
		asked       int64
	}{
		{"the same", asItIs, asItIs, 1},
		{"other ID", asItIs, func(r *dns.Msg) { r.Id++ }, 1},
		{"other case", asItIs, func(r *dns.Msg) { r.Question[0].Name = "WWW.Example.COM." }, 1},
		{"no RD", asItIs, func(r *dns.Msg) { r.RecursionDesired = false }, 2},
		{"AD", asItIs, func(r *dns.Msg) { r.AuthenticatedData = true }, 2},
		{"EDNS", asItIs, withEDNS, 2},
		{"two with EDNS", withEDNS, withEDNS, 2}, // whose options may differ
		{"other name", asItIs, func(r *dns.Msg) { r.Question[0].Name = "www2.example.com." }, 2},
		{"other type", asItIs, func(r *dns.Msg) { r.Question[0].Qtype = dns.TypeAAAA }, 2},
	}
	for _, tc := range tests {
		inVirtualTime(t, tc.about, func(t *testing.T) {
			next := &slow{delay: 100 * time.Millisecond}
			a := newAsker(next)
			var wg sync.WaitGroup
			for _, edit := range []func(*dns.Msg){tc.edit, tc.other} {
				wg.Go(func() {
					r := sample.Query(wwwName, dns.TypeA)
					edit(r)
					m, _, _ := askOwn(t.Context(), a, r)
					if verdict.OutcomeOf(m, r.Question[0].Qtype) != verdict.Data || m.Id != r.Id || m.Question[0] != r.Question[0] || m.RecursionDesired != r.RecursionDesired {
						t.Errorf("reply = %v; want one to %v", m, r)
					}
				})
			}
			wg.Wait()
			if n := next.n.Load(); n != tc.asked {
				t.Errorf("%d queries reached the next plugin; want %d", n, tc.asked)
			}
		})
	}
}

// TestLandingLeavesOthers has a lookup land that is not the one that can be joined: that one must stay open.
func TestLandingLeavesOthers(t *testing.T) {
	ask := func(t *testing.T, a *Asker, edit func(*dns.Msg)) {
		r := sample.Query(wwwName, dns.TypeA)
		edit(r)
		go func() { _, _, _ = askOwn(t.Context(), a, r) }()
		synctest.Wait()
	}
	inVirtualTime(t, "after a hung query", func(t *testing.T) {
		next := &slow{hangs: make(chan struct{}), delay: 100 * time.Millisecond}
		a := newAsker(next)
		a.AskAgain = false
		ask(t, a, asItIs)
		time.Sleep(Patience)
		ask(t, a, asItIs)
		time.Sleep(50 * time.Millisecond)
		close(next.hangs)
		synctest.Wait() // the hung one lands, and the other one is under way
		ask(t, a, asItIs)
		if n := next.n.Load(); n != 2 {
			t.Errorf("asked %d times; want twice", n)
		}
	})
	inVirtualTime(t, "beside a query with EDNS", func(t *testing.T) {
		next := &slow{hangs: make(chan struct{})}
		a := newAsker(next)
		a.AskAgain = false
		ask(t, a, asItIs)
		ask(t, a, withEDNS)
		ask(t, a, asItIs)
		if n := next.n.Load(); n != 2 {
			t.Errorf("asked %d times; want once for each kind of client", n)
		}
		close(next.hangs)
	})
}
