package muslsafe

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// script is a random test case: what an upstream does, and what is asked of the plugin.
type script struct {
	rng *rand.Rand
	u   *upstream
}

// delays are around the moments at which something is not waited for.
var delays = []time.Duration{0, 100, 300, 480, 550, 700, 900, 950, 1050, 1100, 1200, 1240, 1300, 1600, 2100}

func (s script) step() step {
	behaviours := []outcome{data, nodata, nxdomain, failure, unknown}
	return step{outcome: behaviours[s.rng.IntN(len(behaviours))], delay: delays[s.rng.IntN(len(delays))] * time.Millisecond}
}

// fixes switches each of the fixes that judge answers on or off. Wildcard, which may hold or deny an answer with data, is
// on in few cases.
func (s script) fixes() (enabled [numFixes]bool) {
	for _, f := range []fix{fixPair, fixSearch, fixFailure, fixFit, fixIPv4only} {
		enabled[f] = s.rng.IntN(2) == 0
	}
	enabled[fixWildcard] = s.rng.IntN(8) == 0
	return enabled
}

// TestRandomHalves asks for one half, with random fixes, of an upstream with random behaviour. Whatever that is, the client
// gets an answer when it is due, an answer with data is neither held nor lost, and report changes nothing.
func TestRandomHalves(t *testing.T) {
	const cases = 1500
	names := []string{plainName, clusterName, nodeName, wildName}
	for n := range uint64(cases) {
		s := script{rng: rand.New(rand.NewPCG(7, n))}
		name, qtype := names[s.rng.IntN(len(names))], []uint16{dns.TypeA, dns.TypeAAAA}[s.rng.IntN(2)]
		s.u = &upstream{script: map[string]step{
			name + " A": s.step(), name + " AAAA": s.step(), nextName + " A": s.step(), twinName + " A": s.step(), "* A": s.step(),
		}}
		enabled, report := s.fixes(), s.rng.IntN(4) == 0
		inVirtualTime(t, func(t *testing.T) {
			p := testPlugin(s.u, reporting(report), func(cfg *config) { cfg.enabled = enabled })
			got := askHalf(t, p, name, qtype)
			if problem := problemOfHalf(p.cfg, s.u.script, name, qtype, got); problem != "" {
				t.Errorf("seed 7, %d: %s: %s %s after %v; %s of %+v", n, problem, dns.TypeToString[qtype], got.outcome, got.after, p.cfg, s.u.script)
			}
		})
	}
}

func problemOfHalf(cfg *config, script map[string]step, name string, qtype uint16, got half) string {
	own := script[name+" "+dns.TypeToString[qtype]]
	isDerived := cfg.enabled[fixIPv4only] && !cfg.report && qtype == dns.TypeAAAA
	if isDerived {
		own = script[name+" A"]
	}
	due := own.delay
	if own.outcome == unknown {
		due += silence
	}
	isData := own.outcome == data && !isDerived
	isWild := cfg.enabled[fixWildcard] && name == wildName
	asIs := own.outcome
	if asIs == unknown {
		asIs = failure
	}
	switch {
	case got.after > max(due, 1250*time.Millisecond):
		return "late"
	case isData && !isWild && got.after > due && !(cfg.report && cfg.enabled[fixIPv4only]):
		return "held"
	case isData && !isWild && due < time.Second && got.outcome != data:
		return "lost"
	case !isData && got.outcome == data:
		return "made up"
	case cfg.report && got.outcome != asIs:
		return "changed by report"
	}
	return ""
}

// TestRandomPairs looks up both halves, with the default fixes or with ipv4only, of an upstream with random behaviour. The
// two halves must make a pair that every libc understands, and no address may be lost that comes in time.
func TestRandomPairs(t *testing.T) {
	const cases = 2000
	names := []string{plainName, clusterName, nodeName}
	for n := range uint64(cases) {
		s := script{rng: rand.New(rand.NewPCG(9, n))}
		name, isIPv4only := names[s.rng.IntN(len(names))], s.rng.IntN(5) == 0
		a, aaaa, ahead := s.step(), s.step(), s.step()
		s.u = &upstream{script: map[string]step{name + " A": a, name + " AAAA": aaaa, nextName + " A": ahead}}
		inVirtualTime(t, func(t *testing.T) {
			p := testPlugin(s.u, func(cfg *config) { cfg.enabled[fixIPv4only] = isIPv4only })
			got := lookup(t, p, name)
			if isIPv4only {
				aaaa = step{outcome: derived(a.outcome), delay: a.delay}
			}
			if problem := problemOfPair(name, a, aaaa, got); problem != "" {
				t.Errorf("seed 9, %d: %s: %s after %v, %s after %v; %s, ipv4only %v, A %+v, AAAA %+v, ahead %+v", n, problem,
					got[0].outcome, got[0].after, got[1].outcome, got[1].after, name, isIPv4only, a, aaaa, ahead)
			}
		})
	}
}

func problemOfPair(name string, a, aaaa step, got [2]half) string {
	const inTime = 950 * time.Millisecond // what comes later may meet a verdict that has fallen
	pair := [2]outcome{got[0].outcome, got[1].outcome}
	lost := func(s step, o outcome) bool { return s.outcome == data && s.delay <= inTime && o != data }
	isFast := a.delay <= inTime && aaaa.delay <= inTime && a.outcome != unknown && aaaa.outcome != unknown
	hasData := slices.Contains(pair[:], data)
	switch {
	case lost(a, pair[0]) || lost(aaaa, pair[1]):
		return "an address is lost"
	case hasData && slices.Contains(pair[:], failure) && isFast:
		return "an address with a failure"
	case hasData && slices.Contains(pair[:], nxdomain) && isFast:
		return "an address with a denial"
	case pair == [2]outcome{nodata, nodata} && name != plainName:
		return "the end of a search"
	case pair == [2]outcome{nodata, nodata} && (a.outcome == data || aaaa.outcome == data):
		return "an address is hidden"
	case slices.Contains(pair[:], nodata) && slices.Contains(pair[:], nxdomain) && isFast:
		return "NODATA with a denial"
	}
	return ""
}
