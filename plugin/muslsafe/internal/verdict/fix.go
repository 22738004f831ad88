// Package verdict decides what to do with an answer. It is pure: it takes what is known about a pair of lookups and returns a
// verdict, or what must be asked to reach one. It has no clock and no network.
package verdict

import "slices"

// A Fix is one of the things that muslsafe does to an answer. Its name is the same in the Corefile, in metrics, in
// metadata and in the Extended DNS Error.
type Fix uint8

// The fixes.
const (
	None     Fix = iota
	Leak         // NXDOMAIN for a name that only search expansion can make
	Pair         // A and AAAA agree on whether the name exists
	Search       // NXDOMAIN for a name without an address that the client would search past
	Failure      // a failing half of a pair does not hide the other
	Fit          // an answer fits without EDNS and TCP
	IPv4Only     // AAAA follows from A
	Complete     // the address at the end of a search, at its first step
	Absolute     // the address that a search finds after an absolute name does not exist
	Wildcard     // NXDOMAIN for a name that a wildcard has taken over
	Dot          // NXDOMAIN for the malformed query of "search ."
	NumFixes
)

var fixNames = [NumFixes]string{
	Leak: "leak", Pair: "pair", Search: "search", Failure: "failure", Fit: "fit",
	IPv4Only: "ipv4only", Complete: "complete", Absolute: "absolute", Wildcard: "wildcard", Dot: "dot",
}

// String returns the name of the fix.
func (f Fix) String() string { return fixNames[f] }

// Fixes is a set of fixes.
type Fixes [NumFixes]bool

// ByDefault returns the fixes that are on unless they are disabled. The others are properties of their own.
func ByDefault() Fixes {
	return Fixes{Leak: true, Pair: true, Search: true, Failure: true, Fit: true}
}

// LookAtAnswers reports whether one of the fixes needs to see what the next plugin answers.
func (fs Fixes) LookAtAnswers() bool {
	return fs[Pair] || fs[Search] || fs[Failure] || fs[Fit] || fs[IPv4Only] || fs[Absolute] || fs[Wildcard]
}

// Names lists the names of the fixes in the set.
func (fs Fixes) Names() []string {
	var list []string
	for f, on := range fs {
		if on {
			list = append(list, fixNames[f])
		}
	}
	return list
}

// ParseFix returns the fix of that name, or None.
func ParseFix(name string) Fix { return Fix(max(slices.Index(fixNames[:], name), 0)) }
