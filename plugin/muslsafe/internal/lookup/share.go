package lookup

import (
	"errors"
	"time"
)

var errUnavailable = errors.New("too many lookups in flight")

// waiting is who waits for a lookup. The lock of the Asker guards it until the lookup has landed.
type waiting struct {
	first    *waiter
	others   []chan<- struct{}
	isShared bool // anybody but the first wants the message
}

// admit counts a new lookup, unless there is no room and it is one of our own.
func (a *Asker) admit(l *Lookup) (admitted *Lookup, isNew bool) {
	if l.IsSubquery && a.size.Load() >= a.Max {
		return unavailable, false
	}
	a.size.Add(1)
	return l, true
}

// purpose is what somebody joins a lookup for.
type purpose bool

const (
	forOutcome purpose = false
	forMessage purpose = true
)

// join returns the open lookup that is equal to l, or l itself, which must then be sent, or unavailable. The waiter is woken when
// it lands. Queries with EDNS are not shared, because their options may differ.
func (a *Asker) join(l *Lookup, wt *waiter, want purpose) (joined *Lookup, isNew bool) {
	l.waiting.first = wt
	a.mu.Lock()
	defer a.mu.Unlock()
	canShare := l.origin.edns == nil
	if other := a.open[l.key]; canShare && other != nil && l.Began.Sub(other.Began) < Patience {
		other.waiting.others = append(other.waiting.others, wt.wake)
		other.waiting.isShared = other.waiting.isShared || want == forMessage
		return other, false
	}
	if joined, isNew = a.admit(l); isNew && canShare {
		a.open[l.key] = l
	}
	if isNew && (l.IsSubquery || wt.late != nil) {
		a.queue.add(l)
		if !a.isWatching {
			a.isWatching = true
			time.AfterFunc(Hedge, a.look)
		}
	}
	return joined, isNew
}

// finish ends one of the queries of a lookup. The lookup lands with the first query that does not fail, or with the last one. A
// failure after a long time ends it too: nobody should wait longer because the question was repeated.
func (a *Asker) finish(l *Lookup, x *Exchange) {
	if x.hasFailed() && l.open.Add(-1)&^askedTwice != 0 && l.Age() < 2*Hedge {
		return
	}
	if !l.over.CompareAndSwap(false, true) {
		return
	}
	if !x.hasFailed() {
		a.credit.earn()
	}
	l.best = x
	a.note(l, x)
	if l.answer != nil && x.panicked == nil && l.claimed.CompareAndSwap(unclaimed, byAnswer) {
		l.tryAnswer()
	}
	a.publish(l)
	signal(l.waiting.first.wake)
	for _, wake := range l.waiting.others {
		signal(wake)
	}
}

// note has the answer remembered. A malformed message may cause a panic.
func (a *Asker) note(l *Lookup, x *Exchange) {
	defer x.recover()
	a.OnAnswer(l, x)
}

// tryAnswer answers the client that sent the lookup from this goroutine. A panic counts as one of the client's own query.
func (l *Lookup) tryAnswer() {
	defer l.best.recover()
	l.isAnswered = l.answer(l.best)
}

// publish marks l as landed. Nobody can join it from here on.
func (a *Asker) publish(l *Lookup) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if l.waiting.isShared {
		l.copy()
	}
	l.link.remove()
	l.landed.Store(true)
	a.size.Add(-1)
	if a.open[l.key] == l { // and not a later lookup
		delete(a.open, l.key)
	}
}

func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // one is waiting there already
	}
}
