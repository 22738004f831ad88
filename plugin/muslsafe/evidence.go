package muslsafe

import (
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// askOverTCP repeats over TCP what came truncated and cannot be used.
func (q *inquiry) askOverTCP() {
	if q.overTCP == nil && q.Own().Half().IsCut && !q.cfg.report && q.mustFit() {
		q.overTCP = q.OwnOverTCP()
	}
	if !q.cfg.fixes[verdict.IPv4Only] { // otherwise the A half decides, whatever is in it
		q.sibling = q.Proof(q.sibling)
	}
	for i, l := range q.ahead {
		q.ahead[i] = q.Proof(l)
	}
}

// evidence is everything known at a time after the query came.
func (q *inquiry) evidence(elapsed time.Duration) verdict.Evidence {
	e := q.known(q.readOwn(elapsed))
	e.Sibling = q.readSibling(elapsed)
	if q.patience == 0 && (e.Own.IsAnswer() || e.Sibling.IsAnswer()) {
		q.patience = elapsed + min(elapsed/2, silentLate) // if one half was slow, the other one is too
		e.Own, e.Sibling = q.readOwn(elapsed), q.readSibling(elapsed)
	}
	e.Stranger = q.domain.read(e, elapsed)
	e.Ahead = q.readAhead(e, elapsed)
	e.Refused = readRefused(ordered(q.pair, q.Own(), q.sibling))
	e.Hijacked = q.readHijack(elapsed)
	e.Claimed = q.claimed
	e.IsLate = elapsed >= lateAfter
	q.countSilence(1, q.sibling, e.Sibling)
	if !q.isDerived {
		q.countSilence(0, q.Own(), e.Own)
	}
	return e
}

// halfBy returns the half of a lookup at a time. A lookup that is silent until the limit has failed.
func halfBy(l *lookup.Lookup, elapsed, limit time.Duration) verdict.Half {
	h := l.Half()
	if h.Outcome == verdict.Unknown && elapsed >= limit {
		h.Outcome = verdict.Failed
	}
	return h
}

// provenBy returns the outcome of a lookup that others depend on. An answer that was truncated to nothing proves nothing: it
// may have landed after the last check, and is repeated over TCP at the next one.
func provenBy(l *lookup.Lookup, elapsed, limit time.Duration) verdict.Outcome {
	h := halfBy(l, elapsed, limit)
	if h.Outcome == verdict.Data && h.IsEmpty {
		return verdict.Unknown
	}
	return h.Outcome
}

// limitSince returns how long after began a lookup of our own, which may have been sent late, counts as silent.
func limitSince(l *lookup.Lookup, began time.Time) time.Duration {
	if l == nil {
		return overAfter // it may still be asked
	}
	return min(max(l.Began.Sub(began)+silentLate, silentAfter), overAfter)
}

// readSibling returns the outcome of the other half.
func (q *inquiry) readSibling(elapsed time.Duration) verdict.Outcome {
	limit := max(limitSince(q.sibling, q.began), q.patience)
	if q.cfg.fixes[verdict.IPv4Only] {
		return halfBy(q.sibling, elapsed, limit).Outcome
	}
	return provenBy(q.sibling, elapsed, limit)
}

// readOwn returns the outcome of the own half. If it was truncated and the client may not be able to ask for the rest, the
// answer over TCP counts. If that fails, the truncated answer stays. TCP gets more time if it was truncated to nothing, which
// an old musl takes for the final answer.
func (q *inquiry) readOwn(elapsed time.Duration) verdict.Outcome {
	if q.overTCP == nil {
		return halfBy(q.Own(), elapsed, max(silentAfter, q.patience)).Outcome
	}
	o := q.overTCP.Half().Outcome
	if o == verdict.Unknown && (q.Own().Half().IsEmpty || elapsed < silentAfter) || o.IsAnswer() {
		return o
	}
	return q.Own().Half().Outcome
}

// readAhead returns whether one of the names ahead has an address.
func (q *inquiry) readAhead(e verdict.Evidence, elapsed time.Duration) verdict.Answer {
	if q.isSearched {
		return verdict.No
	}
	limit := overAfter
	if q.domain.isFailing(e) && !q.cfg.report {
		limit = limitOf(q.ahead, q.began)
	}
	if q.ahead == nil && (elapsed < limit || e.Stranger == verdict.Open) {
		return verdict.Open
	}
	outcomes := make([]verdict.Outcome, 0, 16)
	for _, l := range q.ahead {
		outcomes = append(outcomes, provenBy(l, elapsed, limit))
	}
	return verdict.AnyAhead(outcomes)
}

// limitOf returns how long after began lookups are waited for. Those that were sent late, after a domain was found dead, have
// as much time as others.
func limitOf(lookups []*lookup.Lookup, began time.Time) time.Duration {
	limit := overAfter
	for _, l := range lookups {
		limit = max(limit, l.Began.Sub(began)+silentLate)
	}
	return limit
}

// readRefused returns whether all halves were refused.
func readRefused(halves []*lookup.Lookup) verdict.Answer {
	for _, l := range halves {
		if !l.Half().IsRefused {
			return verdict.No
		}
	}
	return verdict.Yes
}

// countSilence counts, once, a half that the evidence treats as failed because no answer has come. A half that nobody asked
// for is not silent.
func (q *inquiry) countSilence(i int, l *lookup.Lookup, o verdict.Outcome) {
	if o == verdict.Failed && l != nil && !l.Landed() && !q.silent[i] {
		q.silent[i] = true
		q.counts.silent(l.Qtype())
	}
}
