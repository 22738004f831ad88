package lookup

import "time"

// queue has the lookups that are under way and for which something is done when they stay silent, in the order in which they
// were sent. One timer serves for all of them. It is guarded by the lock of the Asker.
type queue struct {
	link // before the first, and after the last
}

// link is the place of a lookup in the queue; empty if it is not there.
type link struct {
	before, after *link
	lookup        *Lookup
}

// insert puts li at the place of at.
func (li *link) insert(at *link) {
	li.before, li.after = at.before, at
	at.before.after, at.before = li, li
}

// remove takes li out, if it is in a queue.
func (li *link) remove() {
	if li.before != nil {
		li.before.after, li.after.before = li.after, li.before
		*li = link{}
	}
}

// add puts a lookup at the end.
func (q *queue) add(l *Lookup) {
	if q.before == nil {
		q.before, q.after = &q.link, &q.link
	}
	l.link.lookup = l
	l.link.insert(&q.link)
}

// take takes out the lookups that are silent, and returns how long it takes until the next one is, 0 if there is none.
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

// look does what is due: queries are sent once more, and clients decide about theirs.
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
