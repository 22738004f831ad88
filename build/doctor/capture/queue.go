package capture

import "time"

// queue holds lookups that wait to be over, in the order of their time. A lookup is in one queue at the most.
type queue struct {
	grace       time.Duration // after the last packet
	first, last *lookup
}

// push puts a lookup at the end, from wherever it was.
func (q *queue) push(l *lookup, now time.Duration) {
	l.leave()
	l.queue, l.due, l.prev = q, now+q.grace, q.last
	if q.last == nil {
		q.first = l
	} else {
		q.last.next = l
	}
	q.last = l
}

// leave takes a lookup out of its queue.
func (l *lookup) leave() {
	q := l.queue
	if q == nil {
		return
	}
	if l.prev == nil {
		q.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		q.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.queue, l.prev, l.next = nil, nil, nil
}

// over returns the first lookup, if its time has come.
func (q *queue) over(now time.Duration) *lookup {
	if q.first != nil && q.first.due <= now {
		return q.first
	}
	return nil
}
