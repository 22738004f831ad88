package verdict

import (
	"slices"
)

// StepOf returns what a pair of lookups means to a searching client: data if there is an address, nxdomain if the search goes
// on, failure if nobody knows. As in the rules, an NXDOMAIN for A covers the whole name, and one for AAAA does not.
func StepOf(a, aaaa Outcome) Outcome {
	switch {
	case a == Data || aaaa == Data:
		return Data
	case a == Unknown || aaaa == Unknown:
		return Unknown
	case a == Failed || aaaa == Failed && a != Nxdomain:
		return Failed
	}
	return Nxdomain
}

// AbsentBy returns nxdomain for a name that both halves deny, and unknown while one half is unknown. For any other name it
// returns failure: nothing else may be found instead of it.
func AbsentBy(a, aaaa Outcome) Outcome {
	switch {
	case a == Unknown || aaaa == Unknown:
		return Unknown
	case a == Nxdomain && aaaa == Nxdomain:
		return Nxdomain
	}
	return Failed
}

// IsSearch reports whether a name is the first step of a search: its namespace exists, and none of the rivals does.
func IsSearch(namespace Outcome, rivals []Outcome) Answer {
	if namespace == Nxdomain || namespace == Failed {
		return No
	}
	if slices.ContainsFunc(rivals, func(o Outcome) bool { return o != Nxdomain && o != Unknown }) {
		return No
	}
	if namespace == Unknown || slices.Contains(rivals, Unknown) {
		return Open
	}
	return Yes
}

// AnyAhead reports whether one of the lookups further down a search has brought an address.
func AnyAhead(outcomes []Outcome) Answer {
	switch {
	case slices.Contains(outcomes, Data):
		return Yes
	case slices.Contains(outcomes, Unknown):
		return Open
	}
	return No
}

// IsSame reports whether a random name gets the same as a name. The halves of both are in the same order. A missing half is
// open.
func IsSame(halves, stranger []Outcome) Answer {
	for i, o := range halves {
		switch {
		case i >= len(stranger), o == Unknown, stranger[i] == Unknown:
			return Open
		case o != stranger[i]:
			return No
		}
	}
	return Yes
}

// IsHijacked reports whether a wildcard has taken a name over: the name gets the answers of a random name for both types, and
// the name without the search domain has an address. Failures and truncated answers prove nothing.
func IsHijacked(own, random, original []Half) Answer {
	for _, h := range slices.Concat(own, random, original) {
		switch {
		case h.Outcome == Unknown:
			return Open
		case h.Outcome == Failed || h.IsCut:
			return No
		}
	}
	isSame := slices.EqualFunc(own, random, func(h, r Half) bool {
		return h.Outcome == r.Outcome && slices.Equal(h.Addrs, r.Addrs)
	})
	if isSame && slices.ContainsFunc(original, func(h Half) bool { return h.Outcome == Data }) {
		return Yes
	}
	return No
}
