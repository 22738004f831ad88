package capture

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A Resolver is what asks in the name of a client.
type Resolver struct {
	Name  string
	Model *stub.Model   // the most likely one, nil if the resolver is none of the modelled
	Range []*stub.Model // all that the name stands for
	Sure  float64       // from 0 to 1
	Why   []string

	mixed bool // several programs share the client: close IDs are those of musl
}

// closeTo is how much less likely than the best a model may be to be named with it, as a logarithm.
const closeTo = 3

// resolver names the resolver of a style of queries.
func (e *evidence) resolver(s style) Resolver {
	switch {
	case !s.rd || s.do || s.cd || s.mixed:
		return Resolver{Name: "a forwarder or a tool", Sure: 0.9, Why: []string{s.unusual()}}
	case s.edns && s.size == 1232 && !s.options && e.apart > 2*e.pairs:
		return Resolver{Name: "Go", Sure: sureness(e.apart), Why: []string{"EDNS with 1232 octets", fmt.Sprintf("A and AAAA from two sockets in %d of %d pairs", e.apart, e.apart+e.pairs)}}
	case s.edns && s.size == 1232 && e.pairs > 2*e.apart:
		return Resolver{Name: "c-ares", Sure: sureness(e.pairs), Why: []string{"EDNS with 1232 octets", fmt.Sprintf("A and AAAA from one socket in %d of %d pairs", e.pairs, e.apart+e.pairs)}}
	case s.edns && s.size == 1200 && e.pairs > 0:
		return Resolver{Name: "glibc", Model: models[glibc], Sure: 0.9, Why: []string{"EDNS with 1200 octets, which glibc offers with \"options edns0\" or \"trust-ad\""}}
	case s.edns || s.ad || e.pairs == 0 && e.apart > 0:
		return Resolver{Name: "another resolver, or a tool", Sure: 0.5, Why: []string{s.unusual()}}
	}
	return e.libc()
}

// sureness grows with what was seen.
func sureness(n int64) float64 { return 1 - 0.3/float64(n+1) }

// unusual says what no libc writes.
func (s style) unusual() string {
	var all []string
	for _, x := range []struct {
		is   bool
		what string
	}{
		{!s.rd, "no recursion desired"}, {s.do, "DNSSEC asked for"}, {s.cd, "checking disabled"}, {s.mixed, "letters of both cases"},
		{s.edns, fmt.Sprintf("EDNS with %d octets", s.size)}, {s.options, "EDNS options"}, {s.ad, "the AD bit"},
	} {
		if x.is {
			all = append(all, x.what)
		}
	}
	if len(all) == 0 {
		return "A and AAAA from two sockets, without EDNS"
	}
	return strings.Join(all, ", ")
}

// glibc is the place of its model.
const glibc = 4

// libc tells the libcs from each other.
func (e *evidence) libc() Resolver {
	if r, ok := e.several(); ok {
		return r
	}
	all := e.likelihoods()
	top := slices.Max(all[:])
	var weight [cares + 1]float64 // the generations of musl count as one libc, together
	for i := range all {
		if weight[i] = math.Exp(all[i] - top); i < glibc {
			weight[i] /= glibc
		}
	}
	best := bestOf(all, weight)
	first, last, named, total := best, best, 0.0, 0.0
	for i := range all {
		total += weight[i]
		if sameFamily(i, best) && all[i] > all[best]-closeTo {
			first, last, named = min(first, i), max(last, i), named+weight[i]
		}
	}
	r := Resolver{Name: nameOf(first, last), Sure: named / total, Why: e.why()}
	if best < cares {
		r.Model, r.Range = models[best], models[first:last+1]
	}
	if r.Sure < 0.6 {
		r.Name = "musl or glibc"
	}
	return r
}

// bestOf returns the likeliest: first the libc, then its generation, of several that are as likely the newest.
func bestOf(all, weight [cares + 1]float64) int {
	musl := 0.0
	best := 0
	for i := range glibc {
		musl += weight[i]
		if all[i] >= all[best] {
			best = i
		}
	}
	switch {
	case musl >= max(weight[glibc], weight[cares]):
		return best
	case weight[glibc] >= weight[cares]:
		return glibc
	}
	return cares
}

// several finds clients behind which there are both musl and others.
func (e *evidence) several() (Resolver, bool) {
	share := float64(e.near) / float64(max(e.pairs, 1))
	if e.pairs < 16 || share < 0.35 || share > 0.8 { // of 16 drawn by lot, six are close in one of 5000 cases
		return Resolver{}, false
	}
	return Resolver{Name: "several programs, on musl and on others", Model: models[3], Sure: 0.9, Why: e.why(), mixed: true}, true
}

func sameFamily(i, k int) bool { return i < glibc && k < glibc || i == k }

// nameOf names a range of models.
func nameOf(first, last int) string {
	switch {
	case first == cares:
		return "c-ares"
	case first == glibc:
		return "glibc"
	case first == 0 && last == 3:
		return "musl"
	case first == last:
		return models[first].Covers
	}
	from := strings.Fields(strings.TrimPrefix(models[first].Covers, "musl "))[0]
	if last == 3 {
		return "musl from " + from
	}
	to := strings.Fields(models[last].Covers)
	return "musl " + from + " to " + to[len(to)-1]
}

// why lists what the name rests on.
func (e *evidence) why() (all []string) {
	if e.pairs > 0 {
		all = append(all, fmt.Sprintf("IDs of A and AAAA close to each other in %d of %d pairs", e.near, e.pairs))
	}
	if e.kept > 0 {
		all = append(all, fmt.Sprintf("%d steps of a search from the socket of the step before", e.kept))
	}
	for i, m := range models {
		if e.wrong[i] > 0 {
			all = append(all, fmt.Sprintf("%s would have asked otherwise in %d of %d lookups", m.Covers, e.wrong[i], e.replayed))
		}
	}
	return all
}
