package muslsafe

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
)

// TestLookupsEnd counts the lookups that are under way after the clients have gone: they end by themselves.
func TestLookupsEnd(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: pairScript(nodeName, exists, isSilent)}
		u.script[nextName+" A"] = isSilent
		p := testPlugin(u)
		began := time.Now()
		for range 20 {
			lookUp(t, p, nodeName)
		}
		served := time.Since(began)
		time.Sleep(lookup.Patience)
		synctest.Wait()
		if n := p.asker.Size(); n != 0 {
			t.Errorf("%d lookups under way %v after the last client; want none", n, lookup.Patience)
		}
		if served > 21*time.Second {
			t.Errorf("20 lookups took %v; want about a second each", served)
		}
	})
}

// hanging is a next plugin that answers the first query for A when it is released, other ones at once, and denies AAAA.
type hanging struct {
	release chan struct{}
	n       atomic.Int64
}

func (h *hanging) Name() string { return "hanging" }

func (h *hanging) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if r.Question[0].Qtype == dns.TypeA && h.n.Add(1) == 1 {
		<-h.release
		return give(w, r, data)
	}
	if r.Question[0].Qtype == dns.TypeAAAA {
		return give(w, r, nxdomain)
	}
	return give(w, r, data)
}

// TestHungQuery has a query that hangs in a plugin. Whoever asks when no client waits for that any more gets an answer.
func TestHungQuery(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} { // what hangs is the own half, or the sibling
		inVirtualTime(t, func(t *testing.T) {
			next := &hanging{release: make(chan struct{})}
			p := testPlugin(next)
			go func() { _, _, _ = exchange(t, p, newQuery(plainName, qtype)) }()
			time.Sleep(lookup.Patience)
			if got := askHalf(t, p, plainName, dns.TypeA); got.outcome != data || got.after != 0 {
				t.Errorf("%s after %v; want data at once", got.outcome, got.after)
			}
			if n := next.n.Load(); n != 3 { // the first time once more, after half a second
				t.Errorf("asked for A %d times; want three times", n)
			}
			close(next.release)
		})
	}
}

// TestSilenceAfterQuickAnswers has an upstream that falls silent for AAAA after it was quick. No client waits without a
// clock, be it the first one that meets the silence or a later one.
func TestSilenceAfterQuickAnswers(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: pairScript(plainName, exists, exists)}
		p := testPlugin(u)
		lookUp(t, p, plainName)
		u.change(plainName+" AAAA", isSilent)
		for _, about := range []string{"the first client", "a later one"} {
			if got := lookUp(t, p, plainName); got[1].outcome != nodata || got[1].after != time.Second {
				t.Errorf("%s: %v after %v; want NODATA after 1 s", about, got[1].outcome, got[1].after)
			}
			time.Sleep(time.Second)
		}
	})
}
