package lookup

import "time"

// queue has the lookups in flight for which something is done if they stay silent, in the order in which they were sent. One
// timer serves all of them. The lock of the Asker guards it.
type queue struct {
	link // before the first, and after the last
}

// link is the place of a lookup in the queue. It is empty if the lookup is not in the queue.
type link struct {
	before, after *link
	lookup        *Lookup
}

// insert puts li before at.
func (li *link) insert(at *link) {
	li.before, li.after = at.before, at
	at.before.after, at.before = li, li
}

// remove removes li from its queue, if it is in one.
func (li *link) remove() {
	if li.before != nil {
		li.before.after, li.after.before = li.after, li.before
		*li = link{}
	}
}

// add appends a lookup.
func (q *queue) add(l *Lookup) {
	if q.before == nil {
		q.before, q.after = &q.link, &q.link
	}
	l.link.lookup = l
	l.link.insert(&q.link)
}

// take removes the silent lookups. It also returns how long it takes until the next one counts as silent, or 0.
func (q *queue) take() (silent []*Lookup, next time.Duration) {
	for l := q.after.lookup; l != nil; l = q.after.lookup {
		if left := Hedge - l.Age(); left > 0 {
			return silent, left
		}
		l.link.remove()
		silent = append(silent, l)
	}
	return silent, 0
}

// look repeats the queries of silent lookups, and lets the clients decide whose own lookups are silent.
func (a *Asker) look() {
	a.mu.Lock()
	silent, next := a.queue.take()
	if a.isWatching = next > 0; a.isWatching {
		time.AfterFunc(next, a.look)
	}
	a.mu.Unlock()
	for _, l := range silent {
		a.hedge(l)
		if !l.IsSubquery && l.claimed.CompareAndSwap(unclaimed, byClient) {
			go l.waiting.first.answerLate()
		}
	}
}
