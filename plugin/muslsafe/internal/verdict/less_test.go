package verdict

import "testing"

// TestKnowingLessChangesNothing takes away parts of what is known, and lets the rules ask for them one after the other, and
// all together: they come to the same verdict.
func TestKnowingLessChangesNothing(t *testing.T) {
	everything(func(on Fixes, rules *Rules, e Evidence) {
		less := start(on, e)
		got := rules.Judge(less)
		for step := 0; got.Verdict == Undecided; step++ {
			if step > 5 || got.Needs.isNone() {
				t.Fatalf("with %v, judge of %+v needs %+v, and comes to no end", on.Names(), less, got.Needs)
			}
			less = less.with(got.Needs, e)
			got = rules.Judge(less)
		}
		if want := rules.Judge(e); got != want {
			t.Errorf("with %v, judge of %+v = %+v; want %+v as when all is known", on.Names(), less, got, want)
		}
	})
}

// TestNoVerdictFallsTooEarly has what was asked for together come in any order: whatever is known at a time, either nothing
// is decided yet, or what is decided stays so when the rest is known.
func TestNoVerdictFallsTooEarly(t *testing.T) {
	const enough = 10 // failures
	failures := 0
	everything(func(on Fixes, rules *Rules, e Evidence) {
		want := rules.Judge(e)
		for known := range 32 {
			less := start(on, e).with(Needs{
				Sibling: known&1 != 0, Stranger: known&2 != 0, Ahead: known&4 != 0, Hijacked: known&8 != 0, Claimed: known&16 != 0,
			}, e)
			if got := rules.Judge(less); got.Verdict != Undecided && got != want && failures < enough {
				failures++
				t.Errorf("with %v, judge of %+v = %s; want undecided, or %s as of %+v", on.Names(), less, got, want, e)
			}
		}
		e.Own = Unknown
		if got := rules.Judge(e); !on[IPv4Only] && got.Verdict != Undecided {
			t.Errorf("with %v, judge of %+v = %s; want undecided", on.Names(), e, got)
		}
	})
}

// start returns the evidence of which nothing but the own half is known, which is that of A where AAAA follows from it.
func start(on Fixes, e Evidence) Evidence {
	less := Evidence{Own: e.Own, Kind: e.Kind, IsAAAA: e.IsAAAA, IsLate: e.IsLate}
	return less.with(Needs{Sibling: on[IPv4Only]}, e)
}

// with returns the evidence with what is needed from e. Whether both halves were refused is known when both are.
func (less Evidence) with(n Needs, e Evidence) Evidence {
	if n.Sibling || n.Hijacked {
		less.Sibling, less.Refused = e.Sibling, e.Refused
	}
	if n.Stranger {
		less.Stranger = e.Stranger
	}
	if n.Ahead {
		less.Ahead = e.Ahead
	}
	if n.Hijacked {
		less.Hijacked = e.Hijacked
	}
	if n.Claimed {
		less.Claimed = e.Claimed
	}
	return less
}
