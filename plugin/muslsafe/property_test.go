package muslsafe

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/stranger"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// script is a random test case: what an upstream does, and what is asked of the plugin.
type script struct {
	rng *rand.Rand
	u   *upstream
}

// delays in milliseconds are around the moments from which something is not waited for any more.
var delays = []time.Duration{0, 100, 300, 480, 550, 700, 900, 950, 1050, 1100, 1200, 1240, 1300, 1600, 2100}

func (s script) step() step {
	return step{outcome: behaviours[s.rng.IntN(len(behaviours))], delay: delays[s.rng.IntN(len(delays))] * ms}
}

// fixes switches each of the fixes that look at answers on or off. Wildcard is on in few cases, as it may hold or deny an
// answer with data.
func (s script) fixes() (enabled verdict.Fixes) {
	for _, f := range []fix{verdict.Pair, verdict.Search, verdict.Failure, verdict.Fit, verdict.IPv4Only} {
		enabled[f] = s.rng.IntN(2) == 0
	}
	enabled[verdict.Wildcard] = s.rng.IntN(8) == 0
	return enabled
}

// TestRandomHalves asks for one half, with random fixes and an upstream with random behaviour. The client always gets an
// answer when it is due, an answer with data is neither held nor lost, and report changes nothing.
func TestRandomHalves(t *testing.T) {
	const cases = 1500
	names := []string{plainName, clusterName, nodeName, wildName}
	for n := range uint64(cases) {
		s := script{rng: rand.New(rand.NewPCG(7, n))}
		name, qtype := names[s.rng.IntN(len(names))], []uint16{dns.TypeA, dns.TypeAAAA}[s.rng.IntN(2)]
		s.u = &upstream{script: map[string]step{
			name + " A": s.step(), name + " AAAA": s.step(), nextName + " A": s.step(), originalName + " A": s.step(), "* A": s.step(),
		}}
		enabled, report := s.fixes(), s.rng.IntN(4) == 0
		inVirtualTime(t, func(t *testing.T) {
			p := testPlugin(s.u, reporting(report), func(cfg *config) { cfg.fixes = enabled })
			got := askHalf(t, p, name, qtype)
			if problem := problemOfHalf(p.cfg, s.u.script, name, qtype, got); problem != "" {
				t.Errorf("seed 7, %d: %s: %s %s after %v; %s of %+v", n, problem, dns.TypeToString[qtype], got.outcome, got.after, p.cfg, s.u.script)
			}
		})
	}
}

// problemOfHalf returns what is wrong with what a client gets for a half, or "".
func problemOfHalf(cfg *config, script map[string]step, name string, qtype uint16, got half) string {
	own := script[name+" "+dns.TypeToString[qtype]]
	isDerived := cfg.fixes[verdict.IPv4Only] && !cfg.report && qtype == dns.TypeAAAA
	if isDerived {
		own = script[name+" A"]
	}
	due := own.delay
	switch own.outcome {
	case unknown:
		due += silence
	case failure: // it is asked for again
		due += min(own.delay, lookup.Hedge)
	}
	slower := max(script[name+" A"].delay, script[name+" AAAA"].delay)
	patience := slower + min(slower/2, silentLate)
	isData := own.outcome == data && !isDerived
	isWild := cfg.fixes[verdict.Wildcard] && name == wildName
	asIs := own.outcome
	if asIs == unknown {
		asIs = failure
	}
	switch {
	case got.after > max(due, overAfter, patience) && !mayBeDead(cfg, script, name, got):
		return "late"
	case isData && !isWild && got.after > due && !(cfg.report && cfg.fixes[verdict.IPv4Only]):
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

// mayBeDead reports whether a client may be held for longer, to find out whether a search domain is dead.
func mayBeDead(cfg *config, script map[string]step, name string, got half) bool {
	fails := script[name+" A"].outcome <= failure || script[name+" AAAA"].outcome <= failure
	isNode := name == nodeName || name == wildName
	return fails && isNode && cfg.fixes[verdict.Search] && !cfg.report && got.after <= stranger.DeadAfter+overAfter
}

// TestRandomPairs looks up both halves, with the default fixes or with ipv4only, and an upstream with random behaviour. The
// two halves must make a pair that every libc understands, and no address that comes in time may be lost.
func TestRandomPairs(t *testing.T) {
	const cases = 2000
	names := []string{plainName, clusterName, nodeName}
	for n := range uint64(cases) {
		s := script{rng: rand.New(rand.NewPCG(9, n))}
		name, isIPv4only := names[s.rng.IntN(len(names))], s.rng.IntN(5) == 0
		a, aaaa, ahead := s.step(), s.step(), s.step()
		s.u = &upstream{script: map[string]step{name + " A": a, name + " AAAA": aaaa, nextName + " A": ahead}}
		inVirtualTime(t, func(t *testing.T) {
			p := testPlugin(s.u, func(cfg *config) { cfg.fixes[verdict.IPv4Only] = isIPv4only })
			got := lookUp(t, p, name)
			if isIPv4only {
				aaaa = step{outcome: verdict.WithoutIPv6(a.outcome), delay: a.delay}
			}
			if problem := problemOfPair(name, a, aaaa, ahead, got); problem != "" {
				t.Errorf("seed 9, %d: %s: %s after %v, %s after %v; %s, ipv4only %v, A %+v, AAAA %+v, ahead %+v", n, problem,
					got[0].outcome, got[0].after, got[1].outcome, got[1].after, name, isIPv4only, a, aaaa, ahead)
			}
		})
	}
}

// problemOfPair returns what is wrong with what a client gets for a pair, or "".
func problemOfPair(name string, a, aaaa, ahead step, got [2]half) string {
	const inTime = 950 * ms // what comes later may meet a verdict that has fallen
	pair := outcomesOf(got)
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
	case pair == [2]outcome{nodata, nodata} && name == nodeName && ahead.outcome == data && ahead.delay <= 500*ms && isFast:
		return "the end of a search"
	case pair == [2]outcome{nodata, nodata} && (a.outcome == data || aaaa.outcome == data):
		return "an address is hidden"
	}
	return ""
}
