// Package matrix has every pair of answers to A and AAAA, and what must come of a lookup. The node has two search domains:
// the first one gives the pair, the second one has an address for every name.
package matrix

import (
	"fmt"

	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// A Pair is what the first domain says to A and to AAAA.
type Pair struct{ A, AAAA upstream.Answer }

// Pairs returns all pairs.
func Pairs() (pairs []Pair) {
	for _, a := range upstream.Pairable() {
		for _, aaaa := range upstream.Pairable() {
			pairs = append(pairs, Pair{a, aaaa})
		}
	}
	return pairs
}

// String returns the pair as a label of a domain name.
func (p Pair) String() string { return fmt.Sprintf("%v-%v", p.A, p.AAAA) }

// A Scope says which names of the first domain get the pair.
type Scope uint8

// The scopes.
const (
	Domain    Scope = iota // every name below the domain, random ones too
	Name                   // one name; the others get NXDOMAIN
	NumScopes              // how many there are
)

// String returns what gives the pair.
func (s Scope) String() string { return [NumScopes]string{"whole domain", "one name"}[s] }

// The networks of the addresses of the two domains.
const (
	first  = 1
	second = 2
)

// Zone returns the zone that gives a pair: to every name below name, or to name alone.
func (s Scope) Zone(name string, p Pair) upstream.Zone {
	return upstream.Zone{
		Name: name, Net: first, Host: s == Name, A: upstream.Behaviour{Answer: p.A}, AAAA: upstream.Behaviour{Answer: p.AAAA},
	}
}

// SecondZone returns the second domain.
func SecondZone(name string) upstream.Zone { return upstream.Zone{Name: name, Net: second} }
