package muslsafe

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// wildcardCase is a lookup of wildName, and what falls short of the proof that a wildcard took it over.
type wildcardCase struct {
	about  string
	script map[string]step // in place of what wildScript has
	want   [2]outcome
	more   func(*config)
}

var (
	wildDenied = [2]outcome{nxdomain, nxdomain}
	wildPassed = [2]outcome{data, nodata}
	hasOwn     = step{outcome: data, addrs: []string{"192.0.2.7"}}
)

// wildcards are cases in which the random name is known after the first lookup.
var wildcards = []wildcardCase{
	{"wildcard", nil, wildDenied, asItIs},
	{"wildcard for both", map[string]step{wildName + " AAAA": exists, "* AAAA": exists, originalName + " A": isEmpty, originalName + " AAAA": exists}, wildDenied, asItIs},
	{"wildcard for AAAA", map[string]step{wildName + " A": isEmpty, wildName + " AAAA": exists, "* A": isEmpty, "* AAAA": exists}, wildDenied, asItIs},
	{"no address of the original name", map[string]step{originalName + " A": isEmpty}, wildPassed, asItIs},
	{"original name does not exist", map[string]step{originalName + " A": isAbsent, originalName + " AAAA": isAbsent}, wildPassed, asItIs},
	{"other address than the wildcard", map[string]step{wildName + " A": hasOwn}, wildPassed, asItIs},
	{"one address of those of the wildcard", map[string]step{wildName + " A": {outcome: data, addrs: []string{"203.0.113.1"}}}, wildPassed, asItIs},
	{"AAAA of its own", map[string]step{wildName + " AAAA": exists}, [2]outcome{data, data}, asItIs},
	{"no wildcard", map[string]step{"* A": isAbsent, "* AAAA": isAbsent}, wildPassed, asItIs},
	{"AAAA denied, and not that of the wildcard", map[string]step{wildName + " AAAA": isAbsent}, wildPassed, asItIs},
	{"original name is silent", map[string]step{originalName + " A": isSilent}, wildPassed, asItIs},
	{"original name is slow", map[string]step{originalName + " A": {outcome: data, delay: 1100 * ms}}, wildDenied, asItIs},
	{"without search", nil, wildDenied, without(verdict.Search)},
	{"ipv4only", nil, wildDenied, with(verdict.IPv4Only)},
	{"ipv4only, other address than the wildcard", map[string]step{wildName + " A": hasOwn}, wildPassed, with(verdict.IPv4Only)},
	{"report", nil, wildPassed, reporting(true)},
}

// failingProofs are cases in which a proof fails, or is late, so that it may be asked for again.
var failingProofs = []wildcardCase{
	{"original name fails for A", map[string]step{originalName + " A": fails, originalName + " AAAA": exists}, wildPassed, asItIs},
	{"original name fails for AAAA", map[string]step{originalName + " AAAA": fails}, wildPassed, asItIs},
	{"random name fails", map[string]step{"* A": fails}, wildPassed, asItIs},
	{"AAAA fails, of the random name too", map[string]step{wildName + " AAAA": fails, "* AAAA": fails}, wildPassed, asItIs},
	{"random name is silent", map[string]step{"* A": isSilent}, wildPassed, asItIs},
	{"random name is slow", map[string]step{"* A": {outcome: data, delay: 1100 * ms, addrs: []string{"203.0.113.1", "203.0.113.2"}}}, wildDenied, asItIs},
}

// TestWildcard checks that a name is denied if all proofs are there that a wildcard took it over, and passes otherwise.
func TestWildcard(t *testing.T) {
	for _, tc := range wildcards {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			u := checkWildcard(t, tc)
			// The two halves of the first lookup may each ask; those of the second may not.
			if asked := u.strangers(); len(asked) > 4 {
				t.Errorf("asked %q; want at most 4 queries for random names", asked)
			}
		})
	}
	for _, tc := range failingProofs {
		runInVirtualTime(t, tc.about, func(t *testing.T) { checkWildcard(t, tc) })
	}
}

// checkWildcard looks the name up twice, and returns the upstream.
func checkWildcard(t *testing.T, tc wildcardCase) *upstream {
	t.Helper()
	u := &upstream{script: wildScript(tc.script)}
	p := testPlugin(u, with(verdict.Wildcard), tc.more)
	for range 2 {
		got := lookUp(t, p, wildName)
		if pair := outcomesOf(got); pair != tc.want {
			t.Errorf("%v; want %v", pair, tc.want)
		}
		if after := slowest(got); after > overAfter {
			t.Errorf("the answers took %v; want the verdict within 1.25 s", after)
		}
	}
	if p.cfg.fixes[verdict.IPv4Only] && slices.ContainsFunc(u.log(), isAAAA) {
		t.Errorf("asked %q; want no AAAA", u.log())
	}
	return u
}

// TestWildcardOneLabel has a name of one label before the search domain, which nobody looks up but for that domain. There is
// nothing to prove, so nothing is asked and nothing is held.
func TestWildcardOneLabel(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const delay = 10 * ms
		u := &upstream{script: wildScript(map[string]step{nodeName + " A": {outcome: data, delay: delay}, "db. A": exists})}
		p := testPlugin(u, with(verdict.Wildcard))
		if got := askHalf(t, p, nodeName, dns.TypeA); got.outcome != data || got.after != delay {
			t.Errorf("%s after %v; want data after %v", got.outcome, got.after, delay)
		}
		synctest.Wait()
		if want := []string{nodeName + " A"}; !slices.Equal(u.log(), want) {
			t.Errorf("asked %q; want %q", u.log(), want)
		}
	})
}

// TestWildcardSlowAnswer has an answer that comes when a verdict should have fallen already. It goes out as it comes.
func TestWildcardSlowAnswer(t *testing.T) {
	const delay = 1300 * ms
	for _, name := range []string{wildName, nodeName} {
		for _, others := range []outcome{unknown, nodata, data} {
			for _, more := range []func(*config){asItIs, reporting(true), with(verdict.IPv4Only)} {
				inVirtualTime(t, func(t *testing.T) {
					u := &upstream{script: map[string]step{
						name + " AAAA": isEmpty, "* A": {outcome: others}, "* AAAA": {outcome: others},
						originalName + " A": {outcome: others}, originalName + " AAAA": {outcome: others},
						name + " A": {outcome: data, delay: delay, addrs: []string{"192.0.2.7"}},
					}}
					// Without search, as it sends a client on to an address ahead.
					got := askHalf(t, testPlugin(u, with(verdict.Wildcard), without(verdict.Search), more), name, dns.TypeA)
					if got.outcome != data || got.after != delay {
						t.Errorf("%s, others %s: %s after %v; want data after %v", name, others, got.outcome, got.after, delay)
					}
					synctest.Wait() // for what may be on its way
					if asked := u.strangers(); len(asked) > 0 {
						t.Errorf("%s, others %s: asked %q; want no proof that comes too late", name, others, asked)
					}
				})
			}
		}
	}
}

// cutWildcard is an upstream with A records that come cut to nothing over UDP.
type cutWildcard struct {
	cut      []string // prefixes of the names that are cut
	canBeHad bool     // over TCP
	random   outcome  // of the random name, unless that is cut
}

func (u cutWildcard) Name() string { return "cutWildcard" }

func (u cutWildcard) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	q := r.Question[0]
	isCut := slices.ContainsFunc(u.cut, func(prefix string) bool { return strings.HasPrefix(q.Name, prefix) })
	switch {
	case q.Qtype == dns.TypeAAAA:
		return give(w, r, nodata)
	case isCut && !isOverTCP(w):
		return dns.RcodeSuccess, w.WriteMsg(cutToNothing(r))
	case isCut && u.canBeHad:
		m := answer(r, data)
		m.Answer = bigAnswer(q.Name, q.Qtype, 0, 0, 40).Answer
		return dns.RcodeSuccess, w.WriteMsg(m)
	case isCut:
		return give(w, r, failure)
	case q.Name == wildName || q.Name == originalName:
		return give(w, r, data)
	case isRandomName(q.Name):
		return give(w, r, u.random)
	}
	return give(w, r, nxdomain)
}

// TestWildcardCut has answers that are cut to nothing. Two of them are equal, and prove nothing.
func TestWildcardCut(t *testing.T) {
	tests := []struct {
		about    string
		cut      []string
		canBeHad bool
	}{
		{"an existing name with 40 addresses", []string{wildName}, true},
		{"an existing name, cut for good", []string{wildName}, false},
		{"both are cut", []string{wildName, "muslsafe-"}, false},
		{"the random name is cut", []string{"muslsafe-"}, false},
	}
	for _, tc := range tests {
		for _, random := range []outcome{nxdomain, data} {
			t.Run(fmt.Sprintf("%s, random name %s", tc.about, random), func(t *testing.T) {
				p := testPlugin(cutWildcard{tc.cut, tc.canBeHad, random}, with(verdict.Wildcard))
				if m, _, _ := exchange(t, p, newQuery(wildName, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != data {
					t.Errorf("reply = %v; want the answer", m)
				}
			})
		}
	}
}

// TestRememberedRandomName looks at what is remembered about a search domain.
func TestRememberedRandomName(t *testing.T) {
	check := func(t *testing.T, p *Muslsafe, want bool) {
		t.Helper()
		if got := lookUp(t, p, wildName); (got[0].outcome == nxdomain) != want {
			t.Errorf("A = %s; want NXDOMAIN %v", got[0].outcome, want)
		}
	}
	runInVirtualTime(t, "the wildcard moves", func(t *testing.T) {
		u := &upstream{script: wildScript(nil)}
		p := testPlugin(u, with(verdict.Wildcard))
		check(t, p, true)
		synctest.Wait() // for the look in the background
		moved := step{outcome: data, addrs: []string{"203.0.113.9"}}
		u.change(wildName+" A", moved)
		u.change("* A", moved)
		time.Sleep(time.Second)
		check(t, p, false)           // what is remembered is another address
		time.Sleep(15 * time.Second) // as often as a domain in use is looked at
		lookUp(t, p, wildName)       // has the domain looked at again
		check(t, p, true)
	})
	runInVirtualTime(t, "the random name fails at first", func(t *testing.T) {
		u := &upstream{script: wildScript(map[string]step{"* AAAA": fails})}
		p := testPlugin(u, with(verdict.Wildcard))
		check(t, p, false)
		u.change("* AAAA", isEmpty)
		check(t, p, true)
	})
	runInVirtualTime(t, "the random name is under way", func(t *testing.T) {
		u := &upstream{script: wildScript(nil)}
		for _, key := range []string{"* A", "* AAAA"} {
			s := u.script[key]
			s.delay = 100 * ms
			u.change(key, s)
		}
		got := lookUp(t, testPlugin(u, with(verdict.Wildcard)), wildName)
		if after := slowest(got); after != 100*ms {
			t.Errorf("the answers took %v; want 100 ms, when the random name is known", after)
		}
		if asked := u.strangers(); len(asked) != 2 {
			t.Errorf("asked %q; want one pair", asked)
		}
	})
}

// TestRandomNamesAreBounded has wildcards at all search domains, and looks up many names below them.
func TestRandomNamesAreBounded(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(answers(data, data), with(verdict.Wildcard))
		for i := range 50 {
			for _, zone := range testSuffixes.Search() {
				_, _, _ = exchange(t, p, newQuery(fmt.Sprintf("www.x%d.%s", i, zone), dns.TypeA))
			}
		}
		if n, want := p.strangers.Len(), len(testSuffixes.Search()); n != want {
			t.Errorf("%d random names are remembered; want one for each of %d search domains", n, want)
		}
	})
}

// lockChecker is a next plugin that fails the test if a lock of p is held while a lookup is on its way.
type lockChecker struct {
	*upstream
	t *testing.T
	p *Muslsafe
}

func (c *lockChecker) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	c.p.strangers.Len() // would wait for ever
	for about, mu := range map[string]*sync.Mutex{"searches": c.p.searches.mu} {
		if !isFree(mu) {
			c.t.Errorf("the lock of the %s is held while %s is looked up", about, r.Question[0].Name)
		}
	}
	return c.upstream.ServeDNS(ctx, w, r)
}

// isFree reports whether a lock is not held for longer than the other half of a pair may need it. A clock would be of no
// use, as it stands still.
func isFree(mu *sync.Mutex) bool {
	for range 100_000 {
		if mu.TryLock() {
			mu.Unlock()
			return true
		}
		runtime.Gosched()
	}
	return false
}

// TestNoLockIsHeldAcrossLookups looks names up for whose sake random names and searches are remembered. A lookup that is
// expected to be answered at once is sent in the goroutine of the client: a lock that is held then would stop all clients
// if the answer is slow.
func TestNoLockIsHeldAcrossLookups(t *testing.T) {
	for _, random := range []step{isEmpty, fails} {
		runInVirtualTime(t, "AAAA of the random name is "+random.outcome.String(), func(t *testing.T) {
			u := &upstream{script: wildScript(searchScript(map[string]step{"* AAAA": random}))}
			next := &lockChecker{upstream: u, t: t}
			next.p = testPlugin(next, with(verdict.Wildcard), with(verdict.Complete))
			for _, round := range []string{"cold", "warm", "when AAAA of the random name no longer fails"} {
				before := len(u.strangers())
				lookUp(t, next.p, wildName)
				lookUp(t, next.p, firstName)
				asked := u.strangers()[before:]
				if isKnown := random.outcome == nodata && round != "cold"; (len(asked) == 0) != isKnown {
					t.Errorf("%s: asked %q for random names; want none if all is known, %v", round, asked, isKnown)
				}
				if round == "warm" {
					u.change("* AAAA", isEmpty)
				}
			}
		})
	}
}

// TestSilentWildcard has the A records of a random name fall silent after they were quick. Six clients ask at once, each for
// a random name of its own or for that of another, and the client after them waits for no more than the verdict.
func TestSilentWildcard(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: wildScript(map[string]step{"* AAAA": fails})} // so that the pair is asked for again
		p := testPlugin(u, with(verdict.Wildcard))
		lookUp(t, p, wildName)
		u.change("* A", isSilent)
		ask := func(client string, limit time.Duration) {
			began := time.Now()
			m := serve(t, p, &test.ResponseWriter{RemoteIP: client}, newQuery(wildName, dns.TypeA))
			if after := time.Since(began); verdict.OutcomeOf(m, dns.TypeA) != data || after > limit {
				t.Errorf("client %s: %v after %v; want the answer within %v", client, m, after, limit)
			}
		}
		var clients sync.WaitGroup
		for i := range 6 {
			clients.Go(func() { ask(fmt.Sprintf("192.0.2.%d", i+1), overAfter) })
		}
		clients.Wait()
		ask("192.0.2.7", overAfter)
	})
}
