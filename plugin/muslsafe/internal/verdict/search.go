package verdict

import (
	"slices"
)

// StepOf returns what a pair of lookups is to a client that searches: data if there is an address, nxdomain if the
// search goes on, failure if nobody knows. As in the rules, an NXDOMAIN for A speaks for the whole name, and one for AAAA
// does not.
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

// AbsentBy returns nxdomain for a name that both halves deny, and unknown while one of them is. For any other name it is
// failure: nobody may search for something else in its place.
func AbsentBy(a, aaaa Outcome) Outcome {
	switch {
	case a == Unknown || aaaa == Unknown:
		return Unknown
	case a == Nxdomain && aaaa == Nxdomain:
		return Nxdomain
	}
	return Failed
}

// IsSearch reports whether a name is the first step of a search: the namespace in it exists, and nothing that the name
// could be the second step of a search for.
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

// IsSame reports whether a random name gets the same as a name, for the halves of both in the same order. Nothing is the
// same as what is not there.
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

// IsHijacked reports whether a wildcard has taken a name over: it answers both types as it answers a random name, and
// the name without the search domain has an address. What fails or is cut proves nothing.
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
