package verdict

import (
	"fmt"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// slowJudge is the decision table as branches, for evidence of which everything is known: the slow, obvious twin of the
// rules.
func slowJudge(on Fixes, e Evidence) Ruling {
	if on[IPv4Only] && e.IsAAAA {
		e.Own = WithoutIPv6(e.Sibling)
	} else if on[IPv4Only] {
		e.Sibling = WithoutIPv6(e.Own)
	}
	ruling := Ruling{Verdict: Pass}
	switch e.Own {
	case Data:
		ruling = slowData(on, e)
	case Nodata:
		ruling = slowNodata(on, e)
	case Nxdomain:
		ruling = slowNxdomain(on, e)
	case Failed:
		ruling = slowFailure(on, e)
	}
	if ruling.Verdict == Pass && on[IPv4Only] && e.IsAAAA && e.Own == Nodata {
		return Ruling{Verdict: ToNodata, Fix: IPv4Only}
	}
	if ruling.Verdict == Pass && on[IPv4Only] && e.IsAAAA && e.Own == Nxdomain {
		return Ruling{Verdict: ToNxdomain, Fix: IPv4Only}
	}
	return ruling
}

func slowData(on Fixes, e Evidence) Ruling {
	if on[Wildcard] && e.Kind == names.NodeStep && e.Hijacked == Yes {
		return Ruling{Verdict: ToNxdomain, Fix: Wildcard}
	}
	return Ruling{Verdict: Pass}
}

func slowNodata(on Fixes, e Evidence) Ruling {
	switch e.Sibling {
	case Data:
		return slowData(on, e)
	case Failed:
		return slowDead(on, e)
	}
	if on[Search] && e.Kind != names.Plain && (e.Stranger == Yes || e.Ahead == Yes) {
		return Ruling{Verdict: ToNxdomain, Fix: Search}
	}
	return Ruling{Verdict: Pass}
}

func slowNxdomain(on Fixes, e Evidence) Ruling {
	switch {
	case !on[Pair]:
	case e.Sibling == Data:
		return Ruling{Verdict: ToNodata, Fix: Pair}
	case e.Sibling == Failed && e.IsAAAA && slowDead(on, e).Verdict == Pass:
		return Ruling{Verdict: ToNodata, Fix: Pair, IsBrief: true}
	}
	return Ruling{Verdict: Pass}
}

func slowFailure(on Fixes, e Evidence) Ruling {
	switch {
	case e.Sibling == Data && on[Failure] && e.Claimed == Yes:
		return Ruling{Verdict: ToNodata, Fix: Failure, IsBrief: true}
	case e.Sibling == Data:
		return Ruling{Verdict: Pass}
	case e.Sibling == Nxdomain && on[Failure] && e.IsAAAA:
		return Ruling{Verdict: ToNxdomain, Fix: Failure, IsBrief: true}
	case e.Sibling == Failed && e.Refused == Yes:
		e.Ahead = Yes // as if
	}
	return slowDead(on, e)
}

// slowDead has the search go on past a domain of the nodes that is dead, to an address.
func slowDead(on Fixes, e Evidence) Ruling {
	if on[Search] && e.Kind == names.NodeStep && e.Stranger == Yes && e.Ahead == Yes {
		return Ruling{Verdict: ToNxdomain, Fix: Search, IsBrief: true}
	}
	return Ruling{Verdict: Pass}
}

// everything calls f with all sets of the fixes that rules belong to, and all evidence of which everything is known.
func everything(f func(on Fixes, rules *Rules, e Evidence)) {
	fixes := []Fix{Pair, Search, Failure, IPv4Only, Wildcard}
	for bits := range 1 << len(fixes) {
		var on Fixes
		for i, fix := range fixes {
			on[fix] = bits&(1<<i) != 0
		}
		rules := NewRules(on)
		allEvidence(func(e Evidence) { f(on, rules, e) })
	}
}

func allEvidence(f func(e Evidence)) {
	for own := Failed; own <= Nxdomain; own++ {
		for sibling := Failed; sibling <= Nxdomain; sibling++ {
			for _, kind := range []names.Kind{names.Plain, names.ClusterStep, names.NodeStep} {
				for more := range 128 {
					answer := func(i int) Answer { return No + Answer(more>>i&1) }
					e := Evidence{
						Own: own, Sibling: sibling, Kind: kind, IsAAAA: more&1 != 0, IsLate: more&2 != 0,
						Stranger: answer(2), Ahead: answer(3), Hijacked: answer(4), Claimed: answer(5), Refused: answer(6),
					}
					if e.Refused == No || own == Failed && sibling == Failed {
						f(e)
					}
				}
			}
		}
	}
}

// TestRulesEqualTheirTwin compares the rules with slowJudge on everything that can be known.
func TestRulesEqualTheirTwin(t *testing.T) {
	n := 0
	everything(func(on Fixes, rules *Rules, e Evidence) {
		n++
		if got, want := rules.Judge(e), slowJudge(on, e); got != want {
			t.Errorf("with %v, judge of %+v = %+v; want %+v", on.Names(), e, got, want)
		}
	})
	t.Logf("%d cases", n)
}

// String writes a ruling as tables do.
func (r Ruling) String() string {
	brief := ""
	if r.IsBrief {
		brief = ", briefly"
	}
	switch r.Verdict {
	case Pass:
		return "pass"
	case ToNodata:
		return "NODATA " + r.Fix.String() + brief
	case ToNxdomain:
		return "NXDOMAIN " + r.Fix.String() + brief
	}
	return fmt.Sprintf("undecided %+v", r.Needs)
}
