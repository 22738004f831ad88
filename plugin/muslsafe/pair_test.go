package muslsafe

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// lookedUp is a name, and how an upstream behaves when both halves of its pair are looked up.
type lookedUp struct {
	name     string
	isDomain bool // the upstream behaves so for all names of the domain
	hasNext  bool // there is an address at nextName, which the search for nodeName comes to
	a, aaaa  outcome
	lag      [2]time.Duration // of A and AAAA
}

func (l lookedUp) String() string {
	return fmt.Sprintf("%s domain=%v next=%v %s+%v %s+%v", l.name, l.isDomain, l.hasNext, l.a, l.lag[0], l.aaaa, l.lag[1])
}

// TestEveryPair looks up a name of each kind for every pair of behaviours, of the name alone and of its domain, with an
// address further down the search list and without, in the two orders in which the halves can come. If there is an address,
// the client must get it, or be sent on to it, within 1.25 seconds. The two halves must always make a pair that every libc
// understands, and a failure of a name must never send a client on.
func TestEveryPair(t *testing.T) {
	for _, name := range []string{plainName, clusterName, nodeName} {
		for _, isDomain := range []bool{false, true} {
			for _, hasNext := range []bool{false, true} {
				for _, a := range behaviours {
					for _, aaaa := range behaviours {
						for _, lag := range [][2]time.Duration{{0, 0}, {0, 100 * ms}, {100 * ms, 0}} {
							inVirtualTime(t, func(t *testing.T) { checkPair(t, lookedUp{name, isDomain, hasNext, a, aaaa, lag}) })
						}
					}
				}
			}
		}
	}
}

func checkPair(t *testing.T, l lookedUp) {
	t.Helper()
	u := &upstream{script: pairScript(l.name, step{outcome: l.a, delay: l.lag[0]}, step{outcome: l.aaaa, delay: l.lag[1]})}
	if l.hasNext {
		u.script[nextName+" AAAA"] = exists
	}
	if l.isDomain {
		u.script["* A"], u.script["* AAAA"] = u.script[l.name+" A"], u.script[l.name+" AAAA"]
	}
	p := testPlugin(u)
	p.lookAtDomains("dns://:53")
	time.Sleep(5 * time.Second) // as long as the server has run
	got := lookUp(t, p, l.name)
	if problem := l.problemOf(outcomesOf(got), slowest(got)); problem != "" {
		t.Errorf("%s: %v after %v; %s", l, outcomesOf(got), slowest(got), problem)
	}
	for _, h := range got {
		if h.m != nil && h.outcome != data && h.outcome != failure && !slices.ContainsFunc(h.m.Ns, isType(dns.TypeSOA)) {
			t.Errorf("%s: %v has no SOA", l, h.m)
		}
	}
	checkLoad(t, l, u.log())
}

// problemOf returns what is wrong with a pair that a client has after a time, or "".
func (l lookedUp) problemOf(pair [2]outcome, after time.Duration) string {
	var (
		hasData  = l.a == data || l.aaaa == data
		fails    = l.a <= failure || l.aaaa <= failure
		goesOn   = l.hasNext && l.name == nodeName
		isInTime = after <= 1250*ms
		isDenied = pair == [2]outcome{nxdomain, nxdomain}
	)
	switch {
	case hasData && !(pair == [2]outcome{orNodata(l.a), orNodata(l.aaaa)} && isInTime):
		return "want the addresses within 1.25 s"
	case hasData:
		return ""
	case fails:
		return l.problemOfFailure(pair, isDenied && isInTime)
	case l.a == nxdomain && l.aaaa == nxdomain || l.name != plainName && (l.isDomain || goesOn):
		if !isDenied {
			return "want NXDOMAIN for both"
		}
	case pair != [2]outcome{l.a, l.aaaa}:
		return "want the answers as they came"
	}
	return ""
}

// problemOfFailure returns what is wrong with a pair of which no half has an address, and one fails, or "".
func (l lookedUp) problemOfFailure(pair [2]outcome, isDenied bool) string {
	switch {
	case l.isDomain && l.hasNext && l.name == nodeName:
		if !isDenied {
			return "the domain is dead; want NXDOMAIN for both within 1.25 s"
		}
	case l.a == nxdomain: // which speaks for the whole name
		if pair[0] != nxdomain {
			return "want NXDOMAIN"
		}
	case !slices.Contains(pair[:], failure):
		return "want a failure"
	}
	return ""
}

func orNodata(o outcome) outcome {
	if o == data {
		return data
	}
	return nodata
}

// checkLoad checks that the two halves together ask for nothing more than twice: the second time only if the first answer
// had come and gone. Only the search for nodeName may ask for other names.
func checkLoad(t *testing.T, l lookedUp, asked []string) {
	t.Helper()
	count := map[string]int{}
	for _, key := range asked {
		count[key]++
	}
	for key, n := range count {
		most := 2
		if l.a <= failure || l.aaaa <= failure { // twice for the client, and twice for the sake of the other half
			most = 4
		}
		if n > most {
			t.Errorf("%s: %s was asked %d times; want at most %d", l, key, n, most)
		}
		isEmpty := l.a >= nodata && l.aaaa >= nodata && !(l.a == nxdomain && l.aaaa == nxdomain)
		if l.name != nodeName && !(l.name == clusterName && isEmpty) && !strings.HasPrefix(key, l.name) {
			t.Errorf("%s: %s was asked; want no other name", l, key)
		}
	}
}

// TestBriefAnswers checks how long clients may keep what covers for a failure.
func TestBriefAnswers(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: pairScript(plainName, exists, isSilent)}
		got := lookUp(t, testPlugin(u), plainName)[1]
		if got.outcome != nodata || got.after != time.Second {
			t.Fatalf("AAAA = %s after %v; want NODATA after 1 s", got.outcome, got.after)
		}
		checkSOA(t, got.m, plainName, reply.BriefTTL)
	})
}

// TestBriefTTL checks that an answer that covers for a failure is kept for 5 seconds, or for less if the configuration says
// so.
func TestBriefTTL(t *testing.T) {
	for _, tc := range []struct{ ttl, want uint32 }{{0, 0}, {2, 2}, {reply.BriefTTL, reply.BriefTTL}, {30, reply.BriefTTL}, {3600, reply.BriefTTL}} {
		got := lookUp(t, testPlugin(answers(data, failure), withTTL(tc.ttl)), plainName)
		checkSOA(t, got[1].m, plainName, tc.want)
	}
}

// TestDisabledFailureAsksNothing switches failure off and asks for names with nothing ahead: nothing could change the
// answer, so nothing is asked.
func TestDisabledFailureAsksNothing(t *testing.T) {
	for _, name := range []string{plainName, clusterName} {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: pairScript(name, fails, isSilent)}
			got := askHalf(t, testPlugin(u, without(verdict.Failure)), name, dns.TypeA)
			synctest.Wait()
			if got.outcome != failure || got.after != 0 || slices.ContainsFunc(u.log(), isAAAA) {
				t.Errorf("%s after %v and %q; want the failure at once", got.outcome, got.after, u.log())
			}
		})
	}
}

// TestDisabledFailure switches failure off: a half that fails stays as it is, and never denies what the other half has.
func TestDisabledFailure(t *testing.T) {
	for _, ahead := range []outcome{data, nodata} {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: pairScript(nodeName, fails, exists)}
			u.script[nextName+" A"] = step{outcome: ahead}
			got := lookUp(t, testPlugin(u, without(verdict.Failure)), nodeName)
			if pair := outcomesOf(got); pair != [2]outcome{failure, data} {
				t.Errorf("ahead %s: %v; want the answers as they came", ahead, pair)
			}
		})
	}
}
