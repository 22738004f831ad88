package diagnosis

import (
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// generations are the models of musl that a hazard harms, the worst hazard first. What harms every libc alike, such as a
// packet that is lost, is not here.
var generations = []struct {
	kind  Kind
	musls string // models
	brief string
}{
	{Pair, "musl-1.2.3 musl-1.2.4 musl-1.2.5", "the address is lost where A and AAAA disagree on whether the name exists"},
	{Failure, anyMusl, "5 s are lost, and from 1.2.1 the address too, where one of A and AAAA fails"},
	{Search, anyMusl, "the search ends at a search domain that does not answer NXDOMAIN"},
	{Leak, anyMusl, "complete names with a search domain behind them end the search, or get a wrong address"},
	{Fit, anyMusl, "answers that are too big are lost: 512 octets before 1.2.4, TCP that fails since"},
	{Dot, "musl-1.2.0 musl-1.2.3", `"search ." makes lookups fail after 5 s`},
	{TooMany, "musl-1.2.4 musl-1.2.5", "more than 63 addresses are lost in 1.2.4, more than 48 since"},
	{LongName, "musl-1.2.0 musl-1.2.3", "the search ends at a name that gets too long with a search domain"},
	{Ndots, anyMusl, "names with as many dots as ndots says are never searched for"},
	{SearchLine, anyMusl, "a search line of more than 254 octets is ignored"},
	{Crash, anyMusl, `"options attempts:0" crashes the program`},
}

const anyMusl = "musl-1.2.0 musl-1.2.3 musl-1.2.4 musl-1.2.5"

// old are the hazards of musl before 1.1.13, which is not modelled: it has no search list, and reads no options.
var old = []Kind{Failure, Fit}

// HazardsOf returns the hazards that the versions of musl between two have, both included, the worst first. An empty text
// stands for the oldest or the newest version.
func HazardsOf(from, to string) []Kind {
	musls := musls()
	first, last := generation(from, -1), generation(to, len(musls)-1)
	var kinds []Kind
	for _, g := range generations {
		harms := first < 0 && slices.Contains(old, g.kind)
		for _, m := range musls[max(first, 0) : last+1] {
			harms = harms || slices.Contains(strings.Fields(g.musls), m.Name)
		}
		if harms {
			kinds = append(kinds, g.kind)
		}
	}
	return kinds
}

// Brief says in few words what a hazard does to musl, "" for one that harms every libc alike.
func (k Kind) Brief() string {
	for _, g := range generations {
		if g.kind == k {
			return g.brief
		}
	}
	return ""
}

// musls returns the models of musl.
func musls() (all []*stub.Model) {
	for _, m := range stub.Models() {
		if strings.HasPrefix(m.Name, "musl-") {
			all = append(all, m)
		}
	}
	return all
}

// generation returns the place of a version among the models of musl: -1 before all of them, and that of the newest for
// what is newer.
func generation(v string, otherwise int) int {
	if v == "" {
		return otherwise
	}
	m, ok := stub.Find("musl-" + v)
	if !ok && slices.ContainsFunc([]string{"0.", "1.0.", "1.1."}, func(p string) bool { return strings.HasPrefix(v, p) }) {
		return -1
	}
	if !ok {
		return len(musls()) - 1
	}
	return slices.Index(musls(), m)
}
