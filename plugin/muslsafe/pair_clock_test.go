package muslsafe

import (
	"fmt"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestSlowAnswerPasses has an upstream that is slow for both halves. Nothing speaks against what comes late, so it passes.
func TestSlowAnswerPasses(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: pairScript(plainName,
			step{outcome: data, delay: 1600 * ms}, step{outcome: nodata, delay: 1700 * ms})}
		got := lookUp(t, testPlugin(u), plainName)
		if got[0].outcome != data || got[1].outcome != nodata || got[0].after != 1600*ms {
			t.Errorf("%s, %s after %v; want data, nodata as they came", got[0].outcome, got[1].outcome, got[0].after)
		}
	})
}

// TestBothHalvesAreSlow has an upstream that takes more than a second for both halves, and brings one after the other. The one
// that comes first must not make the other one a failure.
func TestBothHalvesAreSlow(t *testing.T) {
	for _, first := range []time.Duration{990 * ms, 1100 * ms, 1300 * ms, 2200 * ms} {
		for _, name := range []string{plainName, clusterName, nodeName} {
			for _, behind := range []time.Duration{0, ms, 40 * ms, first / 3} {
				slowPair(t, name, first, first+behind)
				slowPair(t, name, first+behind, first)
			}
		}
	}
}

func slowPair(t *testing.T, name string, a, aaaa time.Duration) {
	runInVirtualTime(t, fmt.Sprintf("%s after %v and %v", name, a, aaaa), func(t *testing.T) {
		u := &upstream{script: pairScript(name, step{outcome: data, delay: a}, step{outcome: data, delay: aaaa})}
		if got := lookUp(t, testPlugin(u), name); outcomesOf(got) != [2]outcome{data, data} || slowest(got) != max(a, aaaa) {
			t.Errorf("%v after %v; want both after %v", outcomesOf(got), slowest(got), max(a, aaaa))
		}
	})
}

// TestSilentBesideSlow has an upstream that is silent for one half, and takes a while for the other. It is waited for half as
// long again.
func TestSilentBesideSlow(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		0: time.Second, 600 * ms: time.Second, 800 * ms: 1200 * ms, 1200 * ms: 1800 * ms, 2200 * ms: 2950 * ms,
	} {
		runInVirtualTime(t, took.String(), func(t *testing.T) {
			u := &upstream{script: pairScript(plainName, isSilent, step{outcome: data, delay: took})}
			if got := lookUp(t, testPlugin(u), plainName); outcomesOf(got) != [2]outcome{nodata, data} || slowest(got) != want {
				t.Errorf("%v after %v; want NODATA and data after %v", outcomesOf(got), slowest(got), want)
			}
		})
	}
}

// TestAnswerIsNeverHeld checks that an answer with data does not wait for anything.
func TestAnswerIsNeverHeld(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: pairScript(nodeName, step{outcome: data, delay: 700 * ms}, isSilent)}
		if got := lookUp(t, testPlugin(u), nodeName); got[0].after != 700*ms {
			t.Errorf("the answer came after %v; want 700 ms", got[0].after)
		}
	})
}

// onlyWildcard switches off all other fixes.
func onlyWildcard(cfg *config) { cfg.fixes = verdict.Fixes{verdict.Wildcard: true} }

// slowHalves are answers that come just before, and just after, the moment from which nobody waits for them.
var slowHalves = []struct {
	about string
	name  string
	a     step // the client's half
	aaaa  step
	next  step    // A of nextName
	last  step    // A of "db."
	rest  [2]step // A and AAAA of a random name, where the domain behaves so
	more  func(*config)
	want  outcome
	after time.Duration
}{
	{about: "sibling within a second", name: plainName, a: isAbsent, aaaa: step{outcome: data, delay: 990 * ms}, want: nodata, after: 990 * ms},
	{about: "sibling within a second, and something else before it", name: nodeName, a: isAbsent, aaaa: step{outcome: data, delay: 990 * ms}, next: step{outcome: data, delay: 300 * ms}, want: nodata, after: 990 * ms},
	{about: "sibling after a second", name: plainName, a: isAbsent, aaaa: step{outcome: data, delay: 1010 * ms}, want: nxdomain, after: 1000 * ms},
	{about: "late sibling, within half as long again as the own half took", name: plainName, a: step{outcome: nxdomain, delay: 900 * ms}, aaaa: step{outcome: data, delay: 840 * ms}, want: nodata, after: 1340 * ms},
	{about: "late sibling after that", name: plainName, a: step{outcome: nxdomain, delay: 900 * ms}, aaaa: step{outcome: data, delay: 860 * ms}, want: nxdomain, after: 1350 * ms},
	{about: "sibling that is asked for late, as wildcard alone needs it", name: wildName, more: onlyWildcard,
		a: step{outcome: nodata, delay: 900 * ms}, want: nodata, after: 1250 * ms},
	{about: "sibling that nobody needs, of an answer after a second", name: plainName, a: step{outcome: nodata, delay: 1100 * ms}, want: nodata, after: 1100 * ms},

	{about: "name ahead within a second and a quarter", name: nodeName, a: fails, aaaa: fails, rest: [2]step{fails, fails}, next: step{outcome: data, delay: 1240 * ms}, want: nxdomain, after: 1240 * ms},
	{about: "name ahead after that", name: nodeName, a: fails, aaaa: fails, rest: [2]step{fails, fails}, next: step{outcome: data, delay: 1260 * ms}, want: failure, after: 1250 * ms},
	{about: "names ahead fail", name: nodeName, a: fails, aaaa: fails, rest: [2]step{fails, fails}, next: fails, last: fails, want: failure},
	{about: "one name ahead fails", name: nodeName, a: fails, aaaa: fails, rest: [2]step{fails, fails}, next: fails, last: exists, want: nxdomain},
	{about: "one name ahead is silent", name: nodeName, a: fails, aaaa: fails, rest: [2]step{fails, fails}, last: exists, want: nxdomain},

	{about: "own half after a second, which search changes", name: clusterName, a: step{outcome: nodata, delay: 1100 * ms}, aaaa: isAbsent, rest: [2]step{isEmpty, isAbsent}, want: nxdomain, after: 1100 * ms},
	{about: "own half after the verdict", name: clusterName, a: step{outcome: nodata, delay: 1300 * ms}, aaaa: isAbsent, rest: [2]step{isEmpty, isAbsent}, want: nxdomain, after: 1300 * ms},
	{about: "own half after the verdict, with data", name: clusterName, a: step{outcome: data, delay: 1300 * ms}, aaaa: isAbsent, want: data, after: 1300 * ms},
}

// TestSlowHalves asks for A alone.
func TestSlowHalves(t *testing.T) {
	for _, tc := range slowHalves {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			u := &upstream{script: pairScript(tc.name, tc.a, tc.aaaa)}
			u.script[nextName+" A"], u.script["db. A"] = tc.next, tc.last
			if tc.rest[0].outcome != unknown {
				u.script["* A"], u.script["* AAAA"] = tc.rest[0], tc.rest[1]
			}
			if tc.more == nil {
				tc.more = asItIs
			}
			got := askHalf(t, testPlugin(u, tc.more), tc.name, dns.TypeA)
			if got.outcome != tc.want || got.after != tc.after {
				t.Errorf("%s after %v; want %s after %v", got.outcome, got.after, tc.want, tc.after)
			}
		})
	}
}

// TestSlowA has an upstream that denies AAAA at once, and answers A with an address after more than a second. The address
// must count.
func TestSlowA(t *testing.T) {
	for _, name := range []string{plainName, clusterName, nodeName} {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: pairScript(name, step{outcome: data, delay: 1100 * ms}, isAbsent)}
			got := lookUp(t, testPlugin(u), name)
			if got[0].outcome != data || got[1].outcome != nodata {
				t.Fatalf("%s: %s, %s; want data, nodata", name, got[0].outcome, got[1].outcome)
			}
			if soa := got[1].m.Ns[0].(*dns.SOA); soa.Hdr.Ttl != reply.BriefTTL {
				t.Errorf("%s: TTL %d; want %d, as a failure may be behind it", name, soa.Hdr.Ttl, reply.BriefTTL)
			}
		})
	}
}
