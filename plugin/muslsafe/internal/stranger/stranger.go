// Package stranger remembers the answers to random names, which nobody can have created. An answer that a stranger gets as well as
// a client's name is about the domain. An answer that only the client's name gets is about that name.
package stranger

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

const (
	DeadAfter = 2500 * time.Millisecond // a domain that does not answer for so long is dead (musl repeats a query then)
	Soon      = time.Second             // a domain gets at most one stranger in this time

	keep     = 30 * time.Second // how long an answer to a stranger is remembered
	keepDead = 10 * time.Second // the same for a failure
	maxKept  = 1024             // strangers of one server block
)

// Strangers are remembered by a key, which is or contains the domain that they are below: a search suffix, or a domain below
// one. They are safe for concurrent use.
type Strangers struct {
	mu sync.Mutex
	m  map[string]Stranger
}

// A Stranger is a random name, and what it got.
type Stranger struct {
	Asked time.Time
	Pair  []*lookup.Lookup // A and AAAA; nil while somebody is about to ask
	Last  []*lookup.Lookup // the pair of the stranger before, which counts while the new one is open

	name string
}

// Outcomes are the outcomes of the stranger. A half that is silent for too long has failed.
func (s Stranger) Outcomes() []verdict.Outcome {
	if s.Last != nil && (s.Pair == nil || s.IsOpen()) {
		return OutcomesNow(s.Last)
	}
	return OutcomesNow(s.Pair)
}

// IsOpen reports whether an outcome is still unknown: an answer may come, and it is too early to call it silence.
func (s Stranger) IsOpen() bool { return slices.Contains(OutcomesNow(s.Pair), verdict.Unknown) }

// OutcomesNow returns the outcomes of a pair of lookups so far.
func OutcomesNow(pair []*lookup.Lookup) []verdict.Outcome {
	outcomes := make([]verdict.Outcome, len(pair))
	for i, l := range pair {
		outcomes[i] = l.Half().Outcome
		if outcomes[i] == verdict.Unknown && l.Age() >= DeadAfter {
			outcomes[i] = verdict.Failed
		}
	}
	return outcomes
}

// Followed returns the stranger after s, with its pair.
func (s Stranger) Followed(pair []*lookup.Lookup) Stranger {
	next := Stranger{Pair: pair, Last: s.Last}
	if s.Pair != nil && !s.IsOpen() {
		next.Last = s.Pair
	}
	return next
}

// holds reports whether the stranger has not expired.
func (s Stranger) holds(now time.Time) bool {
	age := now.Sub(s.Asked)
	return s.Pair != nil && (age < keepDead || age < keep && !slices.Contains(s.Outcomes(), verdict.Failed))
}

// Get returns the stranger below zone, if it is remembered.
func (ss *Strangers) Get(key string, now time.Time) (s Stranger, ok bool) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s, ok = ss.m[key]
	return s, ok && s.holds(now)
}

// Next returns the name of the next stranger below zone: the one that was asked for just now, or a new one.
func (ss *Strangers) Next(key, zone string, now time.Time) string {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	before, ok := ss.m[key]
	if ok && now.Sub(before.Asked) < Soon {
		return before.name
	}
	s := Stranger{name: "muslsafe-" + strconv.FormatUint(rand.Uint64(), 36) + "." + zone, Asked: now}
	if ok && before.Pair != nil && !before.IsOpen() {
		s.Last = before.Pair
	}
	for other := range ss.m {
		if ok || len(ss.m) < maxKept {
			break
		}
		delete(ss.m, other)
	}
	if ss.m == nil {
		ss.m = make(map[string]Stranger)
	}
	ss.m[key] = s
	return s.name
}

// Keep remembers the pair of a stranger, unless another stranger has replaced it.
func (ss *Strangers) Keep(key, name string, pair []*lookup.Lookup) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s := ss.m[key]; s.name == name {
		s.Pair = pair
		ss.m[key] = s
	}
}

// Forget forgets the stranger below a domain.
func (ss *Strangers) Forget(key string) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	delete(ss.m, key)
}

// Len returns how many strangers are remembered.
func (ss *Strangers) Len() int {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return len(ss.m)
}
