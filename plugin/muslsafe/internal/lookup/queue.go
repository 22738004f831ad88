package lookup

import "time"

// queue has the lookups that are under way and for which something is done when they stay silent, in the order in which they
// were sent. One timer serves for all of them. It is guarded by the lock of the Asker.
type queue struct {
	link         // before the first, and after the last
	isTimed bool // somebody will look
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

// enqueue sees to it that something is done when l is silent.
func (a *Asker) enqueue(l *Lookup) {
	q := &a.queue
	if q.before == nil {
		q.before, q.after = &q.link, &q.link
	}
	l.link.lookup = l
	l.link.insert(&q.link)
	if !q.isTimed {
		q.isTimed = true
		time.AfterFunc(Hedge, a.look)
	}
}

// look does what is due: queries of our own are sent once more, and clients decide about theirs.
func (a *Asker) look() {
	for _, l := range a.silent() {
		if l.IsSubquery {
			a.hedge(l)
		} else if l.claimed.CompareAndSwap(unclaimed, byClient) {
			go l.waiting.first.answerLate()
		}
	}
}

// silent takes out the lookups that have been silent for so long.
func (a *Asker) silent() (due []*Lookup) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for l := a.queue.after.lookup; l != nil; l = a.queue.after.lookup {
		if left := Hedge - l.Age(); left > 0 {
			time.AfterFunc(left, a.look)
			return due
		}
		l.link.remove()
		due = append(due, l)
	}
	a.queue.isTimed = false
	return due
}
