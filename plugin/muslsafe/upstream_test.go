package muslsafe

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// upstream answers by a script, in virtual time, and keeps a log.
type upstream struct {
	script map[string]step // by name and type, "db. A"; what is not in it does not exist

	mu    sync.Mutex
	asked []string
}

// step is one behaviour of an upstream.
type step struct {
	outcome outcome // unknown is silence, which ends in a failure after the timeouts of forward
	delay   time.Duration
	addrs   []string // for data; the default is one address for each type
}

// behaviours are all outcomes that a step can have.
var behaviours = []outcome{data, nodata, nxdomain, failure, unknown}

// The steps that take no time under short names, as tables are full of them.
var (
	exists   = step{outcome: data}
	isEmpty  = step{outcome: nodata}
	isAbsent = step{outcome: nxdomain}
	fails    = step{outcome: failure}
	isSilent = step{outcome: unknown}
)

const (
	ms      = time.Millisecond
	silence = 4 * time.Second // forward: two attempts of two seconds
)

// change gives one key of the script another behaviour.
func (u *upstream) change(key string, s step) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.script[key] = s
}

// log returns what was asked so far, but for random names.
func (u *upstream) log() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(u.asked), isRandomName)
}

// all returns what was asked so far, random names included.
func (u *upstream) all() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.asked)
}

// strangers returns which random names were asked for so far.
func (u *upstream) strangers() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(u.asked), func(key string) bool { return !isRandomName(key) })
}

func (u *upstream) Name() string { return "upstream" }

func (u *upstream) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	s := u.stepFor(r.Question[0])
	time.Sleep(s.delay)
	switch {
	case s.outcome == unknown:
		time.Sleep(silence)
		return dns.RcodeServerFailure, errors.New("i/o timeout")
	case s.outcome != data || len(s.addrs) == 0:
		return give(w, r, s.outcome)
	}
	m, err := answerWith(r, s.addrs)
	if err != nil {
		return 0, err
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// stepFor writes the question down, and returns what the script says about it. All random names are "*" in a script.
func (u *upstream) stepFor(q dns.Question) step {
	u.mu.Lock()
	defer u.mu.Unlock()
	qtype := dns.TypeToString[q.Qtype]
	u.asked = append(u.asked, q.Name+" "+qtype)
	s, ok := u.script[strings.ToLower(q.Name)+" "+qtype]
	if !ok && isRandomName(q.Name) {
		s, ok = u.script["* "+qtype]
	}
	if !ok {
		s.outcome = nxdomain
	}
	return s
}

// isRandomName reports whether a name, or a key of the log, is a random one that muslsafe asks for.
func isRandomName(name string) bool { return strings.HasPrefix(name, "muslsafe-") }

// answerWith returns an answer with these addresses.
func answerWith(r *dns.Msg, addrs []string) (*dns.Msg, error) {
	m := answer(r, data)
	m.Answer = nil
	for _, addr := range addrs {
		rr, err := dns.NewRR(r.Question[0].Name + " 60 IN " + dns.TypeToString[r.Question[0].Qtype] + " " + addr)
		if err != nil {
			return nil, err
		}
		m.Answer = append(m.Answer, rr)
	}
	return m, nil
}

// pairScript has two behaviours for the halves of a name.
func pairScript(name string, a, aaaa step) map[string]step {
	return map[string]step{name + " A": a, name + " AAAA": aaaa}
}

// searchScript has a namespace, and an address that the search from firstName finds at originalName, with changes.
func searchScript(changes map[string]step) map[string]step {
	script := map[string]step{inDefault + " MX": isEmpty, originalName + " A": exists}
	maps.Copy(script, changes)
	return script
}

// wildScript is the script of a search domain with a wildcard for A, which took wildName over.
func wildScript(changes map[string]step) map[string]step {
	wild := step{outcome: data, addrs: []string{"203.0.113.1", "203.0.113.2"}}
	turned := step{outcome: data, addrs: []string{"203.0.113.2", "203.0.113.1"}}
	script := map[string]step{
		wildName + " A": wild, wildName + " AAAA": isEmpty,
		originalName + " A": exists, originalName + " AAAA": isEmpty,
		"* A": turned, "* AAAA": isEmpty,
	}
	maps.Copy(script, changes)
	return script
}

// inVirtualTime runs f in a bubble whose clock moves when all in it wait, and lets late lookups land.
func inVirtualTime(t *testing.T, f func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(2 * lookup.Patience)
	})
}

// runInVirtualTime runs f as a subtest in virtual time.
func runInVirtualTime(t *testing.T, about string, f func(t *testing.T)) {
	t.Run(about, func(t *testing.T) { inVirtualTime(t, f) })
}

// half is what a client gets for one half of a pair.
type half struct {
	outcome outcome
	after   time.Duration
	m       *dns.Msg
}

// askHalf asks for one half, as a client that uses one family alone does.
func askHalf(t *testing.T, h plugin.Handler, name string, qtype uint16) half {
	t.Helper()
	r := newQuery(name, qtype)
	began := time.Now()
	m := firstOf(t, h, r)
	if m != nil && (m.Id != r.Id || len(m.Question) != 1 || m.Question[0] != r.Question[0]) {
		t.Errorf("reply = %v; want one to %v", m, r)
	}
	return half{verdict.OutcomeOf(m, qtype), time.Since(began), m}
}

// firstOf returns the reply to a query as soon as it is written, or nil if the plugin returns without one. Clients over UDP do not
// notice that the plugin may be busy for longer.
func firstOf(t *testing.T, h plugin.Handler, r *dns.Msg) *dns.Msg {
	w := &written{ResponseWriter: &test.ResponseWriter{}, replies: make(chan *dns.Msg, 2)}
	go func() {
		_, _ = h.ServeDNS(t.Context(), w, r)
		if w.n.Load() > 1 {
			t.Errorf("%d messages written; want at most 1", w.n.Load())
		}
		w.replies <- nil
	}()
	m := <-w.replies
	packed(t, m)
	return m
}

// written is a client that gets replies one by one.
type written struct {
	dns.ResponseWriter
	replies chan *dns.Msg
	n       atomic.Int32
}

// WriteMsg implements [dns.ResponseWriter].
func (w *written) WriteMsg(m *dns.Msg) error {
	if w.n.Add(1) == 1 {
		w.replies <- m
	}
	return nil
}

// lookUp asks for both halves at once, as musl does, and returns A and AAAA.
func lookUp(t *testing.T, h plugin.Handler, name string) [2]half {
	t.Helper()
	var halves [2]half
	var wg sync.WaitGroup
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		wg.Go(func() { halves[i] = askHalf(t, h, name, qtype) })
	}
	wg.Wait()
	return halves
}

// outcomesOf returns what A and AAAA are.
func outcomesOf(pair [2]half) [2]outcome { return [2]outcome{pair[0].outcome, pair[1].outcome} }

// slowest returns how long a client waits until it has both halves.
func slowest(pair [2]half) time.Duration { return max(pair[0].after, pair[1].after) }
