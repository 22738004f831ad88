package muslsafe

import (
	"slices"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/stranger"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// hijack is the proof that a wildcard has taken over X.S, where S is a search domain of the nodes: X.S has the addresses of a
// random name below S, and X alone is the name of a host.
type hijack struct {
	random   []*lookup.Lookup // the pair of the random name
	original []*lookup.Lookup // the pair of X
}

// lookIntoHijack asks for what the proof needs.
func (q *inquiry) lookIntoHijack() *hijack {
	x, zone := q.Name[:q.expansion.At], q.domain.zone()
	h := &hijack{original: q.askBoth(x)}
	s, ok := q.strangers.Get(q.keyOf(&q.query, zone), time.Now())
	if h.random = s.Pair; !ok || slices.Contains(stranger.OutcomesNow(s.Pair), verdict.Failed) {
		h.random = q.visit(&q.query, zone)
	}
	q.Follow(h.random...)
	return h
}

// isAnyones reports whether a name below a search domain may be meant without the search domain. A name of one label is meant
// with it.
func isAnyones(name string, e names.Expansion) bool {
	return e.Kind == names.NodeStep && names.Domain(name[:e.At]).Labels() >= 2
}

// readHijack returns whether a wildcard has provably taken the name over.
func (q *inquiry) readHijack(elapsed time.Duration) verdict.Answer {
	switch {
	case !isAnyones(q.Name, q.expansion):
		return verdict.No
	case q.hijack == nil && elapsed < overAfter:
		return verdict.Open
	case q.hijack == nil:
		return verdict.No
	}
	return verdict.IsHijacked(
		halvesBy(ordered(q.pair, q.Own(), q.sibling), elapsed), halvesBy(q.hijack.random, elapsed), halvesBy(q.hijack.original, elapsed))
}

// halvesBy returns the halves of lookups at a time. A lookup that is silent for too long has failed.
func halvesBy(lookups []*lookup.Lookup, elapsed time.Duration) []verdict.Half {
	halves := make([]verdict.Half, len(lookups))
	for i, l := range lookups {
		halves[i] = halfBy(l, elapsed, overAfter)
	}
	return halves
}
