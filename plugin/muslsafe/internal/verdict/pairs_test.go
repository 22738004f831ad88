package verdict

import (
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// pairCase is everything that is known about a name, with what upstreams say of both halves.
type pairCase struct {
	a, aaaa                  Outcome
	kind                     names.Kind
	stranger, ahead, refused bool
}

// TestPairsAgree checks the promise of the table, for every pair of outcomes and everything that may be known about the
// domain: what a client gets is a pair that every libc understands, or one that nothing can be done about.
func TestPairsAgree(t *testing.T) {
	n := 0
	everyPair(func(p pairCase) {
		n++
		got := p.final()
		switch {
		case p.hasData():
			checkPair(t, p, got, "the addresses, and NODATA for a half that has none", p.withoutDenials())
		case p.isDenied():
			checkPair(t, p, got, "two NXDOMAIN", [2]Outcome{Nxdomain, Nxdomain})
		case p.a == Failed && p.aaaa == Nxdomain:
			checkPair(t, p, got, "the failure, and no NXDOMAIN that would hide it", [2]Outcome{Failed, Nodata})
		default:
			checkPair(t, p, got, "the pair as it is", [2]Outcome{p.a, p.aaaa})
		}
		checkHarmless(t, p, got)
	})
	t.Logf("%d cases", n)
}

// checkHarmless checks what must hold for a pair that comes out, by itself: musl takes it for addresses, has the search go
// on, or reports a failure, and none of these is wrong.
func checkHarmless(t *testing.T, p pairCase, got [2]Outcome) {
	t.Helper()
	safe := [][2]Outcome{{Data, Data}, {Data, Nodata}, {Nodata, Data}, {Nxdomain, Nxdomain}}
	fails := p.a == Failed || p.aaaa == Failed
	switch {
	case slices.Contains(safe, got):
	case slices.Contains(got[:], Failed):
		if !fails || slices.Contains(got[:], Nxdomain) {
			t.Errorf("%+v becomes %v; want no failure that was not there, and none beside NXDOMAIN, which has the search go on", p, got)
		}
	case fails:
		t.Errorf("%+v becomes %v: a failure ends as two denials", p, got)
	case p.kind != names.Plain && (p.stranger || p.ahead):
		t.Errorf("%+v becomes %v; want two NXDOMAIN, as it is the domain that says so, or there is an address ahead", p, got)
	}
}

func checkPair(t *testing.T, p pairCase, got [2]Outcome, about string, want [2]Outcome) {
	t.Helper()
	if got != want {
		t.Errorf("%+v becomes %v; want %v: %s", p, got, want, about)
	}
}

// hasData reports whether one of the halves has addresses.
func (p pairCase) hasData() bool { return p.a == Data || p.aaaa == Data }

// withoutDenials is the pair of a name that has addresses: the half without them says no more than that.
func (p pairCase) withoutDenials() [2]Outcome {
	halves := [2]Outcome{p.a, p.aaaa}
	for i, o := range halves {
		if o != Data {
			halves[i] = Nodata
		}
	}
	return halves
}

// isDenied reports whether the client is told that the name, which has no address, does not exist.
func (p pairCase) isDenied() bool {
	bothFail := p.a == Failed && p.aaaa == Failed
	switch {
	case p.a == Nxdomain && p.aaaa != Nodata: // which speaks for the whole name (RFC 8020)
		return true
	case p.a == Failed || p.aaaa == Failed: // the domain is dead, and the search goes past it or has been refused
		return p.kind == names.NodeStep && p.stranger && (p.ahead || bothFail && p.refused)
	}
	return p.kind != names.Plain && (p.stranger || p.ahead)
}

// final is what a client gets for both halves, each judged by itself.
func (p pairCase) final() [2]Outcome {
	e := Evidence{
		Own: p.a, Sibling: p.aaaa, Kind: p.kind,
		Stranger: answerOf(p.stranger), Ahead: answerOf(p.ahead), Refused: answerOf(p.refused), Claimed: Yes,
	}
	a := final(e)
	e.IsAAAA, e.Own, e.Sibling = true, p.aaaa, p.a
	return [2]Outcome{a, final(e)}
}

// final is what a client gets for one half.
func final(e Evidence) Outcome {
	switch NewRules(ByDefault()).Judge(e).Verdict {
	case ToNodata:
		return Nodata
	case ToNxdomain:
		return Nxdomain
	case Undecided:
		return Unknown
	}
	return e.Own
}

func answerOf(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

func everyPair(f func(pairCase)) {
	for a := Failed; a <= Nxdomain; a++ {
		for aaaa := Failed; aaaa <= Nxdomain; aaaa++ {
			for _, kind := range []names.Kind{names.Plain, names.ClusterStep, names.NodeStep} {
				for more := range 8 {
					p := pairCase{a: a, aaaa: aaaa, kind: kind, stranger: more&1 != 0, ahead: more&2 != 0, refused: more&4 != 0}
					if !p.refused || a == Failed && aaaa == Failed {
						f(p)
					}
				}
			}
		}
	}
}
