package muslsafe

import (
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// inquiry finds out what a verdict on a pair needs.
type inquiry struct {
	*pair
	domain  searchDomain
	ahead   []*lookup.Lookup
	hijack  *hijack
	claimed verdict.Answer
	silent  [2]bool // the silence of the half, and of its sibling, has been counted

	patience time.Duration // until when, at the least, no half counts as silent; 0 until one has landed
}

// settle asks and waits until a verdict falls. To pass an answer, it must be there.
func (q *inquiry) settle() verdict.Ruling {
	for {
		elapsed := time.Since(q.began)
		isOver := q.isOver(elapsed) // before the evidence, which may gain by it
		q.Own().Raise()
		q.askOverTCP()
		e := q.evidence(elapsed)
		ruling := q.judge(e)
		switch {
		case ruling.Verdict == verdict.Undecided && q.ask(ruling.Needs, e):
			continue // with what may be there already
		case ruling.Verdict > verdict.Pass || ruling.Verdict == verdict.Pass && isOver:
			return ruling
		}
		q.Wait(q.untilNext(elapsed))
	}
}

// judge decides on evidence, and lets an answer pass for what is remembered of the other half.
func (q *inquiry) judge(e verdict.Evidence) verdict.Ruling {
	ruling := q.rules.Judge(e)
	if ruling.Needs.Sibling && e.Own.IsAnswer() {
		if e.Sibling = q.remembered(&q.query); q.rules.MayPass(e) {
			return verdict.Ruling{Verdict: verdict.Pass}
		}
	}
	return ruling
}

// isOver reports whether a verdict that the answer passes is the last word: the answer is there, or, in a report on an
// answer that would not have been asked for, what that depends on keeps the client waiting.
func (q *inquiry) isOver(elapsed time.Duration) bool {
	return q.half().Landed() || q.isDerived && q.Own() != nil && elapsed >= overAfter
}

// untilNext returns how long it takes until the clock says that a verdict may change, and 0 if it does no more.
func (q *inquiry) untilNext(elapsed time.Duration) time.Duration {
	if d := untilNext(elapsed, q.patience); d > 0 {
		return d
	}
	for _, l := range q.ahead {
		if left := limitOf(q.ahead, q.began) - elapsed; !l.Landed() && left > 0 {
			return left
		}
	}
	return q.domain.untilDead()
}

// untilNext returns how long it takes until the clock says that something may change, or until more is over, and 0 if it
// does no more.
func untilNext(elapsed, more time.Duration) (d time.Duration) {
	for _, next := range [...]time.Duration{pairedAfter, lateAfter, silentAfter, overAfter, more} {
		if left := next - elapsed; left > 0 && (d == 0 || left < d) {
			d = left
		}
	}
	return d
}

// ask sends out what is needed and has not been asked for, and reports whether there was such a thing.
func (q *inquiry) ask(n verdict.Needs, e verdict.Evidence) (isNew bool) {
	if n.Sibling {
		isNew = q.askSibling()
	}
	if n.Stranger && q.domain.ask(e) {
		isNew = true
	}
	if n.Ahead && q.ahead == nil {
		q.ahead, isNew = q.askAhead(), true
	}
	if n.Hijacked && q.hijack == nil {
		q.askSibling()
		q.hijack, isNew = q.lookIntoHijack(), true
	}
	if n.Claimed && q.claimed == verdict.Open {
		q.claimed = q.claim(time.Since(q.began))
		isNew = q.claimed != verdict.Open
	}
	return isNew
}

// askSibling asks for the other half, unless that has been done, or AAAA follows from A.
func (q *inquiry) askSibling() (isNew bool) {
	if q.sibling != nil || q.cfg.fixes[verdict.IPv4Only] {
		return false
	}
	qtype := lookup.SiblingOf(q.Qtype())
	if !q.memory.HasFailed(&q.Client, qtype, time.Now()) {
		q.sibling = q.Ask(q.Query.Question[0].Name, qtype)
	}
	if q.memory.HasFailed(&q.Client, qtype, time.Now()) { // by now, too
		q.sibling = lookup.Unavailable()
	}
	return true
}

// askAhead asks for the names that the client would ask for next.
func (q *inquiry) askAhead() []*lookup.Lookup {
	lookups := []*lookup.Lookup{}
	for _, name := range q.cfg.suffixes.Ahead(q.Name, q.expansion.At) {
		lookups = append(lookups, q.askBoth(name)...)
	}
	return lookups
}
