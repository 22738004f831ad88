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
	silent  [2]bool // whether the silence of the half and of its sibling has been counted

	patience time.Duration // no half counts as silent before; 0 until one has landed
}

// settle asks and waits until there is a verdict. An answer can only pass once it is there.
func (q *inquiry) settle() verdict.Ruling {
	for {
		elapsed := time.Since(q.began)
		isOver := q.isOver(elapsed) // read first: an answer that lands after this is passed in the next round
		q.Own().Raise()
		q.askOverTCP()
		e := q.evidence(elapsed)
		ruling := q.judge(e)
		switch {
		case ruling.Verdict == verdict.Undecided && q.ask(ruling.Needs, e):
			continue // something may have landed already
		case ruling.Verdict > verdict.Pass || ruling.Verdict == verdict.Pass && isOver:
			return ruling
		}
		q.Wait(q.untilNext(elapsed))
	}
}

// judge decides on evidence. It also lets an answer pass because of what is remembered of the other half.
func (q *inquiry) judge(e verdict.Evidence) verdict.Ruling {
	ruling := q.rules.Judge(e)
	if ruling.Needs.Sibling && e.Own.IsAnswer() {
		if e.Sibling = q.remembered(&q.query); q.rules.MayPass(e) {
			return verdict.Ruling{Verdict: verdict.Pass}
		}
	}
	return ruling
}

// isOver reports whether the verdict that the answer passes is final: because the answer is there, or because the client has
// waited long enough in a report on an answer that without a report would not be asked for.
func (q *inquiry) isOver(elapsed time.Duration) bool {
	return q.half().Landed() || q.isDerived && q.Own() != nil && elapsed >= overAfter
}

// untilNext returns how long it takes until time alone may change the verdict, and 0 if it cannot any more.
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

// untilNext returns how long it takes until time alone may change something, or until more is over, and 0 if it cannot any
// more.
func untilNext(elapsed, more time.Duration) (d time.Duration) {
	for _, next := range [...]time.Duration{pairedAfter, lateAfter, silentAfter, overAfter, more} {
		if left := next - elapsed; left > 0 && (d == 0 || left < d) {
			d = left
		}
	}
	return d
}

// ask asks for what is needed and has not been asked for, and reports whether there was anything.
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
	if q.memory.HasFailed(&q.Client, qtype, time.Now()) { // it may have failed since the first check
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
