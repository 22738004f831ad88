package muslsafe

import (
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// askOverTCP asks again for what came cut and cannot serve as it is.
func (q *inquiry) askOverTCP() {
	if q.overTCP == nil && q.Own().Half().IsCut && !q.cfg.report && q.mustFit() {
		q.overTCP = q.OwnOverTCP()
	}
	if !q.cfg.fixes[verdict.IPv4Only] { // else the A half decides, whatever it has
		q.sibling = q.Proof(q.sibling)
	}
	for i, l := range q.ahead {
		q.ahead[i] = q.Proof(l)
	}
}

// evidence is what is known after a time.
func (q *inquiry) evidence(elapsed time.Duration) verdict.Evidence {
	e := q.known(q.readOwn(elapsed))
	e.Sibling = q.readSibling(elapsed)
	if q.patience == 0 && (e.Own.IsAnswer() || e.Sibling.IsAnswer()) {
		q.patience = elapsed + min(elapsed/2, silentLate) // where one half was slow, the other one is too
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

// halfBy returns what a lookup says after a time. One that is silent until the limit has failed.
func halfBy(l *lookup.Lookup, elapsed, limit time.Duration) verdict.Half {
	h := l.Half()
	if h.Outcome == verdict.Unknown && elapsed >= limit {
		h.Outcome = verdict.Failed
	}
	return h
}

// provenBy returns the outcome of a lookup that others depend on. What came cut, with nothing of its type, may have landed
// after it was asked for over TCP, which will be done at the next look.
func provenBy(l *lookup.Lookup, elapsed, limit time.Duration) verdict.Outcome {
	h := halfBy(l, elapsed, limit)
	if h.Outcome == verdict.Data && h.IsEmpty {
		return verdict.Unknown
	}
	return h.Outcome
}

// limitSince returns after what time from began a lookup of our own is silent, which may have been sent late.
func limitSince(l *lookup.Lookup, began time.Time) time.Duration {
	if l == nil {
		return overAfter // it may be asked yet
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

// readOwn returns the outcome of the own half. If it came cut, for a client that may not be able to ask for the rest,
// what comes over TCP counts. If that fails, it stays as cut as it came; it may take its time where nothing came over
// UDP, which an old musl takes for the end.
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

// limitOf returns until when, from began, lookups are waited for: those that were sent late, after a domain was found dead,
// have as much time as others.
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

// countSilence counts, once, a half that the evidence takes for failed because nothing has come. One that nobody asked for
// is not silent.
func (q *inquiry) countSilence(i int, l *lookup.Lookup, o verdict.Outcome) {
	if o == verdict.Failed && l != nil && !l.Landed() && !q.silent[i] {
		q.silent[i] = true
		q.counts.silent(l.Qtype())
	}
}
