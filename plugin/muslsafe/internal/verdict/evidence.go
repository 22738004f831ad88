package verdict

import "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"

// An Answer is what is known about a yes-or-no question.
type Answer uint8

// The answers.
const (
	Open Answer = iota // nobody knows yet
	No
	Yes
)

// Evidence is everything that a verdict on one half of a pair depends on.
type Evidence struct {
	IsAAAA   bool       // the half is AAAA, not A
	Kind     names.Kind // of the name
	Own      Outcome    // of the half itself
	Sibling  Outcome    // of the other half
	Stranger Answer     // a random name in place of this one gets the same for both halves: the answer is about the domain
	Ahead    Answer     // the client would find an address further down its search list
	Refused  Answer     // both halves were refused
	Hijacked Answer     // the answers are those of a wildcard, and the name without the search domain has an address
	Claimed  Answer     // the client asks for both halves, and the other one has not been denied to it
	IsLate   bool       // ask for everything that is missing at once, not one after the other
}

// withoutIPv6 returns the evidence if only the A half counts.
func (e Evidence) withoutIPv6() Evidence {
	if e.IsAAAA {
		e.Own = WithoutIPv6(e.Sibling)
	} else {
		e.Sibling = WithoutIPv6(e.Own)
	}
	return e
}

// Needs is what must be asked to reach a verdict.
type Needs struct {
	Sibling  bool
	Stranger bool
	Ahead    bool
	Hijacked bool
	Claimed  bool
}

// and returns everything that either of the two needs.
func (n Needs) and(other Needs) Needs {
	return Needs{
		n.Sibling || other.Sibling, n.Stranger || other.Stranger, n.Ahead || other.Ahead,
		n.Hijacked || other.Hijacked, n.Claimed || other.Claimed,
	}
}

// first returns what to ask first while there is time: whatever may decide at the lowest cost.
func (n Needs) first() Needs {
	switch {
	case n.Sibling:
		return Needs{Sibling: true}
	case n.Stranger:
		return Needs{Stranger: true}
	}
	return n
}

// isNone reports whether nothing is needed.
func (n Needs) isNone() bool { return n == Needs{} }

// missing returns what r depends on and e lacks. The proof of a wildcard, which costs most, and the claim, which has a side
// effect, come only when nothing else is missing.
func (r *Rule) missing(e *Evidence) Needs {
	n := Needs{
		Sibling:  r.Sibling != 0 && e.Sibling == Unknown,
		Stranger: r.Stranger && e.Stranger == Open,
		Ahead:    r.Ahead && e.Ahead == Open && e.maySearchOn(),
	}
	if n.isNone() && e.Own != Unknown {
		n.Hijacked = r.Hijacked && e.Hijacked == Open
		n.Claimed = r.Claimed && e.Claimed == Open
	}
	return n
}

// maySearchOn reports whether the names ahead may be asked for. The upstream must not see those of a service of the cluster as
// long as the service may have an address.
func (e *Evidence) maySearchOn() bool {
	return e.Kind != names.ClusterStep || e.Own != Unknown && e.Sibling != Unknown
}

// excludes reports whether something that is known rules r out.
func (r *Rule) excludes(e *Evidence) bool {
	return !r.Own.admits(e.Own) || !r.Sibling.admits(e.Sibling) || !r.Kinds.has(e.Kind) || r.OnlyAAAA && !e.IsAAAA ||
		r.Stranger && e.Stranger == No || r.Ahead && e.Ahead == No || r.Refused && e.Sibling != Unknown && e.Refused != Yes ||
		r.Hijacked && e.Hijacked == No || r.Claimed && e.Claimed == No
}

// outcomes is a set of outcomes. The empty set stands for any.
type outcomes uint8

func oneOf(list ...Outcome) (set outcomes) {
	for _, o := range list {
		set |= 1 << o
	}
	return set
}

// admits reports whether o is in the set, or may turn out to be.
func (set outcomes) admits(o Outcome) bool { return set == 0 || o == Unknown || set&(1<<o) != 0 }

// kinds is a set of kinds of names. The empty set stands for any.
type kinds uint8

const (
	plain    kinds = 1 << names.Plain
	ofNodes  kinds = 1 << names.NodeStep
	expanded kinds = 1<<names.ClusterStep | 1<<names.NodeStep
)

func (set kinds) has(k names.Kind) bool { return set == 0 || set&(1<<k) != 0 }
