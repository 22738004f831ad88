package muslsafe

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// fickle is an upstream that fails at every query of a client, and answers what muslsafe asks for the sake of the other half.
func fickle(delay map[uint16]time.Duration) test.HandlerFunc {
	return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if x, ok := w.(*lookup.Exchange); ok && x.IsSubquery {
			return give(w, r, data)
		}
		time.Sleep(delay[r.Question[0].Qtype])
		return give(w, r, failure)
	}
}

// TestHalvesAreNotBothDenied has a name with addresses of both types and a fickle upstream. However far apart the halves
// fail, and however often the client asks again, at most one of them may be denied.
func TestHalvesAreNotBothDenied(t *testing.T) {
	for _, edns := range []bool{false, true} {
		for _, lag := range []time.Duration{0, 10 * ms, 1350 * ms, 2500 * ms, 4 * time.Second} {
			runInVirtualTime(t, fmt.Sprintf("EDNS %v, AAAA %v later", edns, lag), func(t *testing.T) {
				p := testPlugin(fickle(map[uint16]time.Duration{dns.TypeAAAA: lag}))
				denied := map[uint16]bool{}
				done := make(chan uint16)
				ask := func(qtype uint16) {
					m, _, _ := exchange(t, p, queryWith(plainName, qtype, edns))
					if verdict.OutcomeOf(m, qtype) == nodata {
						done <- qtype
						return
					}
					done <- dns.TypeNone
				}
				for range 3 {
					go ask(dns.TypeA)
					go ask(dns.TypeAAAA)
					denied[<-done] = true
					time.Sleep(lag / 2)
					denied[<-done] = true
				}
				if denied[dns.TypeA] && denied[dns.TypeAAAA] {
					t.Error("A and AAAA were both denied, and there are both")
				}
			})
		}
	}
}

// TestCompletedHalvesAreNotBothDenied has a search that is known to end at a name with addresses of both types. From then on
// both fail.
func TestCompletedHalvesAreNotBothDenied(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: searchScript(pairScript(originalName, exists, exists))}
		p := completing(u)
		lookUp(t, p, firstName)
		u.change(originalName+" A", fails)
		u.change(originalName+" AAAA", fails)
		got := lookUp(t, p, firstName)
		if got[0].outcome == nodata && got[1].outcome == nodata {
			t.Errorf("%v, %v; want one of them to fail", got[0].m, got[1].m)
		}
	})
}

// failsOnce is an upstream that knows one name, and fails at the first question for each of its types.
type failsOnce struct {
	name string
	lag  time.Duration // until AAAA fails

	mu    sync.Mutex
	asked map[uint16]bool
}

func (u *failsOnce) Name() string { return "failsOnce" }

func (u *failsOnce) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if r.Question[0].Name != u.name {
		return give(w, r, nxdomain)
	}
	if !u.isFirst(r.Question[0].Qtype) {
		return give(w, r, data)
	}
	if r.Question[0].Qtype == dns.TypeAAAA {
		time.Sleep(u.lag)
	}
	return give(w, r, failure)
}

// isFirst reports whether nobody has asked for a type before.
func (u *failsOnce) isFirst(qtype uint16) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	wasAsked := u.asked[qtype]
	u.asked[qtype] = true
	return !wasAsked
}

// TestHalvesFailApart has an upstream that fails once for each half, one after the other. When the other half is asked for
// again, it has addresses. If each half were denied because of that, the client would take it that the name has none.
func TestHalvesFailApart(t *testing.T) {
	for _, name := range []string{plainName, clusterName, nodeName} {
		for _, lag := range []time.Duration{0, 100 * ms, 900 * ms} {
			inVirtualTime(t, func(t *testing.T) {
				p := testPlugin(&failsOnce{name: name, lag: lag, asked: map[uint16]bool{}})
				got := lookUp(t, p, name)
				for i, h := range got { // data if the other half has asked for it before
					if h.outcome != failure && h.outcome != data {
						t.Errorf("%s, AAAA after %v: half %d is %s, though it has an address; want a failure, so that the client asks again", name, lag, i, h.outcome)
					}
				}
				if got := lookUp(t, p, name); got[0].outcome != data || got[1].outcome != data {
					t.Errorf("%s: asked again, %s and %s; want data", name, got[0].outcome, got[1].outcome)
				}
			})
		}
	}
}
