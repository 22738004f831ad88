package muslsafe

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const room = 64 // lookups in these tests

// waiters are as many clients as may be judged. The upstream is silent, and there is more to ask for them than there is room
// for.
type waiters struct {
	sync.WaitGroup
	mu      sync.Mutex
	replies map[outcome]int
}

// start sends the queries, each for a name of its own, with an address further down its search list.
func (ws *waiters) start(t *testing.T, p *Muslsafe, u *upstream, edns bool) {
	ws.replies = map[outcome]int{}
	for i := range room / 2 {
		label := fmt.Sprintf("db%d.", i)
		name, next := label+"corp.example.org.", label+"example.org."
		for _, key := range []string{name + " A", name + " AAAA", next + " AAAA", label + " A", label + " AAAA"} {
			u.change(key, isSilent)
		}
		u.change(next+" A", step{outcome: data, delay: 100 * ms})
		ws.Go(func() {
			m, _, _ := exchange(t, p, queryWith(name, dns.TypeA, edns))
			ws.mu.Lock()
			defer ws.mu.Unlock()
			ws.replies[verdict.OutcomeOf(m, dns.TypeA)]++
		})
	}
}

// TestOverload has as many clients wait as may be judged. Meanwhile others get what they would get without muslsafe, but for
// leaks, which need nothing; no client is told anything wrong; and afterwards all is as before.
func TestOverload(t *testing.T) {
	for _, edns := range []bool{false, true} {
		runInVirtualTime(t, fmt.Sprintf("EDNS %v", edns), func(t *testing.T) {
			u := &upstream{script: pairScript(plainName, exists, isAbsent)}
			p := testPlugin(u)
			p.asker.Max, p.watches = room, nil // so that nothing else takes room
			var clients waiters
			clients.start(t, p, u, edns)
			time.Sleep(lateAfter / 2)
			checkOverloaded(t, p)
			time.Sleep(lateAfter/2 + ms)                     // all that the verdicts need has been asked for
			if n := p.asker.Size(); n > room || n < room-4 { // those for random names are over
				t.Errorf("%d lookups; want %d", n, room)
			}
			clients.Wait()
			if n := len(clients.replies); n != 1 || clients.replies[failure] == 0 { // of names in a domain that is alive
				t.Errorf("replies = %v; want failures", clients.replies)
			}
			time.Sleep(2 * lookup.Patience)
			if n := p.asker.Size(); n != 0 {
				t.Errorf("%d lookups under way when all is over; want none", n)
			}
			if got := lookUp(t, p, plainName); got[0].outcome != data || got[1].outcome != nodata {
				t.Errorf("afterwards: %s, %s; want data, nodata", got[0].outcome, got[1].outcome)
			}
		})
	}
}

// checkOverloaded checks what a client gets while no other query may be judged.
func checkOverloaded(t *testing.T, p *Muslsafe) {
	t.Helper()
	counter := queriesTotal.WithLabelValues("", "", "overloaded")
	before := testutil.ToFloat64(counter)
	if got := lookUp(t, p, plainName); got[0].outcome != data || got[1].outcome != nxdomain {
		t.Errorf("overloaded: %s, %s; want what comes from upstream", got[0].outcome, got[1].outcome)
	}
	if n := testutil.ToFloat64(counter) - before; n != 2 {
		t.Errorf("%v queries count as overloaded; want 2", n)
	}
	if m, _, _ := exchange(t, p, newQuery(leaked, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != nxdomain {
		t.Errorf("leak while overloaded: %v; want NXDOMAIN", m)
	}
}

// TestNoRoomForProof has others take the last room while the query of a client is under way. What its verdict needs cannot be
// asked, and the client gets what is right without it.
func TestNoRoomForProof(t *testing.T) {
	tests := []struct {
		about   string
		more    func(*config)
		name    string
		qtype   uint16
		answer  outcome
		isCut   bool
		want    outcome
		wantCut bool
	}{
		{about: "sibling of a denied AAAA", more: asItIs, name: plainName, qtype: dns.TypeAAAA, answer: nxdomain, want: nodata},
		{about: "sibling of a denied A", more: asItIs, name: plainName, qtype: dns.TypeA, answer: nxdomain, want: nxdomain},
		{about: "sibling of a failure", more: asItIs, name: plainName, qtype: dns.TypeAAAA, answer: failure, want: failure},
		{about: "sibling of a step without an address", more: asItIs, name: nodeName, qtype: dns.TypeA, answer: nodata, want: nodata},
		{about: "the rest of a cut answer", more: asItIs, name: plainName, qtype: dns.TypeA, answer: data, isCut: true, want: data, wantCut: true},
		{about: "random name of a wildcard", more: with(verdict.Wildcard), name: wildName, qtype: dns.TypeA, answer: data, want: data},
	}
	for _, tc := range tests {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			var p *Muslsafe
			var taken sync.Once
			p = testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				taken.Do(func() { p.asker.Max = 0 })
				if tc.answer == failure {
					return dns.RcodeServerFailure, nil
				}
				m := answer(r, tc.answer)
				m.Truncated = tc.isCut
				return dns.RcodeSuccess, w.WriteMsg(m)
			}), tc.more)
			p.watches = nil // which ask at the same time
			m, _, _ := exchange(t, p, newQuery(tc.name, tc.qtype))
			if got := verdict.OutcomeOf(m, tc.qtype); got != tc.want || m != nil && m.Truncated != tc.wantCut {
				t.Errorf("%s: %v; want %s", got, m, tc.want)
			}
		})
	}
}

// queryTo returns a query of a client that p is about to answer.
func queryTo(t *testing.T, p *Muslsafe, w dns.ResponseWriter, r *dns.Msg) *pair {
	q := p.take()
	q.set(t.Context(), seriesOf(t.Context()), w, r)
	return q
}

// TestNoRoomForA has AAAA follow from A, for which there is no room. As nothing is written, the server must be told to
// answer.
func TestNoRoomForA(t *testing.T) {
	p := testPlugin(answers(data, data), with(verdict.IPv4Only))
	p.asker.Max = 0
	rec := dnstest.NewMultiRecorder(&test.ResponseWriter{})
	rcode, err := queryTo(t, p, rec, newQuery(plainName, dns.TypeAAAA)).judge()
	if len(rec.Msgs) != 0 || rcode != dns.RcodeServerFailure || err == nil {
		t.Errorf("%d messages, %s, %v; want SERVFAIL for the server to write, and why", len(rec.Msgs), dns.RcodeToString[rcode], err)
	}
}

// TestNoRoomForSearch has no room for the proofs that a search needs. The client is left to search by itself.
func TestNoRoomForSearch(t *testing.T) {
	p := completing(answers(data, data))
	p.asker.Max = 0
	s, _ := p.cfg.suffixes.FirstStep(firstName)
	if m := queryTo(t, p, &test.ResponseWriter{}, newQuery(firstName, dns.TypeA)).completeSearch(s); m != nil {
		t.Errorf("reply = %v; want none", m)
	}
}
