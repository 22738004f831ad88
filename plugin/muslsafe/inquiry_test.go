package muslsafe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// The names of these tests, one for each kind.
const (
	plainName   = "www.example.com."
	clusterName = "web.default.svc.cluster.local."
	nodeName    = "db.corp.example.org." // ahead of it are db.example.org. and db.
	nextName    = "db.example.org."
)

// upstream answers by a script, in the virtual time of a synctest bubble, and keeps count.
type upstream struct {
	script map[string]step // by name and type, "db. A"; what is not in it does not exist

	mu    sync.Mutex
	asked []string
}

// change gives one key of the script another behaviour.
func (u *upstream) change(key string, s step) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.script[key] = s
}

// log returns what was asked so far.
func (u *upstream) log() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.asked)
}

// step is one behaviour of an upstream.
type step struct {
	outcome outcome // unknown is silence, which ends in a failure after the timeouts of forward
	delay   time.Duration
	addrs   []string // for data; the default is one address for each type
}

const silence = 4 * time.Second // forward: two attempts of two seconds

func (u *upstream) Name() string { return "upstream" }

func (u *upstream) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	q := r.Question[0]
	u.mu.Lock()
	u.asked = append(u.asked, q.Name+" "+dns.TypeToString[q.Qtype])
	s, ok := u.script[strings.ToLower(q.Name)+" "+dns.TypeToString[q.Qtype]]
	if !ok && strings.HasPrefix(q.Name, "muslsafe-") {
		s, ok = u.script["* "+dns.TypeToString[q.Qtype]]
	}
	u.mu.Unlock()
	if !ok {
		s.outcome = nxdomain
	}
	time.Sleep(s.delay)
	switch s.outcome {
	case unknown:
		time.Sleep(silence)
		return dns.RcodeServerFailure, errors.New("i/o timeout")
	case failure:
		return dns.RcodeServerFailure, errors.New("upstream is down")
	}
	m := answer(r, s.outcome)
	if s.outcome == data && len(s.addrs) > 0 {
		m.Answer = nil
		for _, addr := range s.addrs {
			rr, err := dns.NewRR(q.Name + " 60 IN " + dns.TypeToString[q.Qtype] + " " + addr)
			if err != nil {
				return 0, err
			}
			m.Answer = append(m.Answer, rr)
		}
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// inVirtualTime runs f in a bubble whose clock moves when all in it wait, and lets late flights land.
func inVirtualTime(t *testing.T, f func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(2 * maxFlight)
	})
}

// half is what a client gets for one half of a pair.
type half struct {
	outcome outcome
	after   time.Duration
	m       *dns.Msg
}

// lookup asks for both halves at once, as musl does, and returns A and AAAA.
func lookup(t *testing.T, h plugin.Handler, name string) [2]half {
	t.Helper()
	var halves [2]half
	var wg sync.WaitGroup
	began := time.Now()
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		wg.Go(func() {
			r := query(name, qtype)
			m, _, _ := exchange(t, h, r)
			if m != nil && (m.Id != r.Id || len(m.Question) != 1 || m.Question[0] != r.Question[0]) {
				t.Errorf("reply = %v; want one to %v", m, r)
			}
			halves[i] = half{outcomeOf(m, qtype), time.Since(began), m}
		})
	}
	wg.Wait()
	return halves
}

// TestEveryPair looks up a name of each kind for every pair of behaviours, with nothing ahead and with an address ahead,
// in the two orders in which the halves can come. Where an address exists, the client must have it, or be sent on to
// it, within 1.25 seconds; the halves must make one of the pairs that every libc understands.
func TestEveryPair(t *testing.T) {
	behaviours := []outcome{data, nodata, nxdomain, failure, unknown}
	for _, name := range []string{plainName, clusterName, nodeName} {
		for _, hasNext := range []bool{false, true} {
			for _, a := range behaviours {
				for _, aaaa := range behaviours {
					for _, lag := range [][2]time.Duration{{0, 0}, {0, 100 * time.Millisecond}, {100 * time.Millisecond, 0}} {
						about := fmt.Sprintf("%s next=%v %s+%v %s+%v", name, hasNext, a, lag[0], aaaa, lag[1])
						u := &upstream{script: map[string]step{
							name + " A":    {outcome: a, delay: lag[0]},
							name + " AAAA": {outcome: aaaa, delay: lag[1]},
						}}
						if hasNext {
							u.script[nextName+" AAAA"] = step{outcome: data}
						}
						inVirtualTime(t, func(t *testing.T) { checkPair(t, about, u, name, hasNext, a, aaaa) })
					}
				}
			}
		}
	}
}

func checkPair(t *testing.T, about string, u *upstream, name string, hasNext bool, a, aaaa outcome) {
	got := lookup(t, testPlugin(u), name)
	pair := [2]outcome{got[0].outcome, got[1].outcome}
	slowest := max(got[0].after, got[1].after)

	hasData := a == data || aaaa == data
	fails := a <= failure || aaaa <= failure
	goesOn := hasNext && name == nodeName
	switch {
	case hasData:
		if pair != [2]outcome{orNodata(a), orNodata(aaaa)} || slowest > 1100*time.Millisecond {
			t.Errorf("%s: %v after %v; want the addresses within 1.1 s", about, pair, slowest)
		}
	case fails && goesOn:
		if pair != [2]outcome{nxdomain, nxdomain} || slowest > 1100*time.Millisecond {
			t.Errorf("%s: %v after %v; want NXDOMAIN for both within 1.1 s", about, pair, slowest)
		}
	case fails:
		// A denies the name, or the pair is the temporary failure that it is.
		if !slices.Contains(pair[:], failure) && pair != [2]outcome{nxdomain, nxdomain} {
			t.Errorf("%s: %v; want a failure", about, pair)
		}
		if pair == [2]outcome{nxdomain, nxdomain} && a != nxdomain {
			t.Errorf("%s: %v; a temporary failure became a permanent one", about, pair)
		}
	case name == plainName && (a == nodata || aaaa == nodata):
		if pair != [2]outcome{nodata, nodata} {
			t.Errorf("%s: %v; want NODATA for both", about, pair)
		}
	default:
		if pair != [2]outcome{nxdomain, nxdomain} {
			t.Errorf("%s: %v; want NXDOMAIN for both", about, pair)
		}
	}
	for _, h := range got {
		if h.m != nil && h.outcome != data && h.outcome != failure && !slices.ContainsFunc(h.m.Ns, isType(dns.TypeSOA)) {
			t.Errorf("%s: %v has no SOA", about, h.m)
		}
	}
	checkLoad(t, about, u, name)
}

func orNodata(o outcome) outcome {
	if o == data {
		return data
	}
	return nodata
}

// checkLoad checks that the two halves of a lookup ask nothing more than once, but for what they ask when the answer
// is gone already.
func checkLoad(t *testing.T, about string, u *upstream, name string) {
	t.Helper()
	count := map[string]int{}
	for _, key := range u.log() {
		count[key]++
	}
	for key, n := range count {
		if limit := 2; n > limit {
			t.Errorf("%s: %s was asked %d times; want at most %d", about, key, n, limit)
		}
		if name != nodeName && !strings.HasPrefix(key, name) {
			t.Errorf("%s: %s was asked; want no other name", about, key)
		}
	}
}

// TestSlowAnswerPasses has an upstream that is slow for both halves: nothing is known, so what comes late passes.
func TestSlowAnswerPasses(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			plainName + " A":    {outcome: data, delay: 1600 * time.Millisecond},
			plainName + " AAAA": {outcome: nodata, delay: 1700 * time.Millisecond},
		}}
		got := lookup(t, testPlugin(u), plainName)
		if got[0].outcome != data || got[1].outcome != nodata || got[0].after != 1600*time.Millisecond {
			t.Errorf("%s, %s after %v; want data, nodata as they came", got[0].outcome, got[1].outcome, got[0].after)
		}
	})
}

// TestAnswerIsNeverHeld checks that an answer with data does not wait for anything.
func TestAnswerIsNeverHeld(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{nodeName + " A": {outcome: data, delay: 700 * time.Millisecond}, nodeName + " AAAA": {outcome: unknown}}}
		if got := lookup(t, testPlugin(u), nodeName); got[0].after != 700*time.Millisecond {
			t.Errorf("the answer came after %v; want 700 ms", got[0].after)
		}
	})
}

// TestBriefAnswers checks how long clients may keep what covers for a failure.
func TestBriefAnswers(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{plainName + " A": {outcome: data}, plainName + " AAAA": {outcome: unknown}}}
		got := lookup(t, testPlugin(u), plainName)[1]
		if got.outcome != nodata || got.after != time.Second {
			t.Fatalf("AAAA = %s after %v; want NODATA after 1 s", got.outcome, got.after)
		}
		checkSOA(t, got.m, plainName, briefTTL)
	})
}

// askHalf asks for one half, as a client that uses one family alone does.
func askHalf(t *testing.T, h plugin.Handler, name string, qtype uint16) half {
	t.Helper()
	began := time.Now()
	m, _, _ := exchange(t, h, query(name, qtype))
	return half{outcomeOf(m, qtype), time.Since(began), m}
}

// TestSlowHalves has what comes just before and just after the moment at which it is not waited for.
func TestSlowHalves(t *testing.T) {
	const ms = time.Millisecond
	onlyWildcard := func(cfg *config) { cfg.enabled = [numFixes]bool{fixWildcard: true} }
	tests := []struct {
		about string
		name  string
		a     step // the own half
		aaaa  step
		next  step // A of the name ahead
		last  step // A of the name without a suffix
		more  func(*config)
		want  outcome
		after time.Duration
	}{
		{about: "sibling within a second", name: plainName, a: step{outcome: nxdomain}, aaaa: step{outcome: data, delay: 990 * ms}, want: nodata, after: 990 * ms},
		{about: "sibling within a second, and something else before it", name: nodeName, a: step{outcome: nxdomain}, aaaa: step{outcome: data, delay: 990 * ms}, next: step{outcome: data, delay: 300 * ms}, want: nodata, after: 990 * ms},
		{about: "sibling after a second", name: plainName, a: step{outcome: nxdomain}, aaaa: step{outcome: data, delay: 1010 * ms}, want: nxdomain, after: 1000 * ms},
		{about: "late sibling within a second and a quarter", name: plainName, a: step{outcome: nxdomain, delay: 900 * ms}, aaaa: step{outcome: data, delay: 740 * ms}, want: nodata, after: 1240 * ms},
		{about: "late sibling after that", name: plainName, a: step{outcome: nxdomain, delay: 900 * ms}, aaaa: step{outcome: data, delay: 760 * ms}, want: nxdomain, after: 1250 * ms},
		{about: "sibling that is asked for late because wildcard alone needs it", name: wildName, more: onlyWildcard,
			a: step{outcome: nodata, delay: 900 * ms}, want: nodata, after: 1250 * ms},
		{about: "sibling of an answer after a second that nobody needs", name: plainName, a: step{outcome: nodata, delay: 1100 * ms}, want: nodata, after: 1100 * ms},

		{about: "name ahead within a second and a quarter", name: nodeName, a: step{outcome: failure}, aaaa: step{outcome: failure}, next: step{outcome: data, delay: 1240 * ms}, want: nxdomain, after: 1240 * ms},
		{about: "name ahead after that", name: nodeName, a: step{outcome: failure}, aaaa: step{outcome: failure}, next: step{outcome: data, delay: 1260 * ms}, want: failure, after: 1250 * ms},
		{about: "names ahead fail", name: nodeName, a: step{outcome: failure}, aaaa: step{outcome: failure}, next: step{outcome: failure}, last: step{outcome: failure}, want: failure},
		{about: "one name ahead fails", name: nodeName, a: step{outcome: failure}, aaaa: step{outcome: failure}, next: step{outcome: failure}, last: step{outcome: data}, want: nxdomain},
		{about: "one name ahead is silent", name: nodeName, a: step{outcome: failure}, aaaa: step{outcome: failure}, last: step{outcome: data}, want: nxdomain},

		{about: "own half after a second, which search changes", name: clusterName, a: step{outcome: nodata, delay: 1100 * ms}, aaaa: step{outcome: nxdomain}, want: nxdomain, after: 1100 * ms},
		{about: "own half after the verdict", name: clusterName, a: step{outcome: nodata, delay: 1300 * ms}, aaaa: step{outcome: nxdomain}, want: nxdomain, after: 1300 * ms},
		{about: "own half after the verdict, with data", name: clusterName, a: step{outcome: data, delay: 1300 * ms}, aaaa: step{outcome: nxdomain}, want: data, after: 1300 * ms},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				u := &upstream{script: map[string]step{tc.name + " A": tc.a, tc.name + " AAAA": tc.aaaa, nextName + " A": tc.next, "db. A": tc.last}}
				if tc.more == nil {
					tc.more = func(*config) {}
				}
				got := askHalf(t, testPlugin(u, tc.more), tc.name, dns.TypeA)
				if got.outcome != tc.want || got.after != tc.after {
					t.Errorf("%s after %v; want %s after %v", got.outcome, got.after, tc.want, tc.after)
				}
			})
		})
	}
}

// TestSlowA has AAAA denied at once, and A with an address after more than a second: the address must count.
func TestSlowA(t *testing.T) {
	for _, name := range []string{plainName, clusterName, nodeName} {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: map[string]step{name + " A": {outcome: data, delay: 1100 * time.Millisecond}, name + " AAAA": {outcome: nxdomain}}}
			got := lookup(t, testPlugin(u), name)
			if got[0].outcome != data || got[1].outcome != nodata {
				t.Fatalf("%s: %s, %s; want data, nodata", name, got[0].outcome, got[1].outcome)
			}
			if soa := got[1].m.Ns[0].(*dns.SOA); soa.Hdr.Ttl != briefTTL {
				t.Errorf("%s: TTL %d; want %d, as a failure may be behind it", name, soa.Hdr.Ttl, briefTTL)
			}
		})
	}
}

// TestDisabledFailureAsksNothing has failure switched off, and a name with nothing ahead: nothing could change the answer.
func TestDisabledFailureAsksNothing(t *testing.T) {
	for _, name := range []string{plainName, clusterName} {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: map[string]step{name + " A": {outcome: failure}, name + " AAAA": {}}}
			got := askHalf(t, testPlugin(u, without(fixFailure)), name, dns.TypeA)
			synctest.Wait()
			if got.outcome != failure || got.after != 0 || len(u.log()) != 1 {
				t.Errorf("%s after %v and %q; want the failure at once", got.outcome, got.after, u.log())
			}
		})
	}
}

// TestDisabledFailure has failure switched off: a half that fails stays as it is, and never denies what the other half has.
func TestDisabledFailure(t *testing.T) {
	for _, ahead := range []outcome{data, nodata} {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: map[string]step{nodeName + " A": {outcome: failure}, nodeName + " AAAA": {outcome: data}, nextName + " A": {outcome: ahead}}}
			got := lookup(t, testPlugin(u, without(fixFailure)), nodeName)
			if pair := [2]outcome{got[0].outcome, got[1].outcome}; pair != [2]outcome{failure, data} {
				t.Errorf("ahead %s: %v; want the answers as they came", ahead, pair)
			}
		})
	}
}
