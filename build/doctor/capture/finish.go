package capture

// close hands on what is over.
func (t *tracker) close() {
	for l := t.short.over(t.now); l != nil; l = t.short.over(t.now) {
		t.finish(l)
	}
	for l := t.long.over(t.now); l != nil; l = t.long.over(t.now) {
		t.finish(l)
	}
}

// flush hands on everything. At the end of a capture, what is not settled is cut off.
func (t *tracker) flush(end bool) {
	for _, q := range []*queue{&t.short, &t.long} {
		for q.first != nil {
			q.first.cut = end && q == &t.long
			t.finish(q.first)
		}
	}
}

func (t *tracker) finish(l *lookup) {
	l.leave()
	t.forget(l)
	t.open--
	t.done(l)
	t.recycle(l)
}

// forget removes all that leads to a lookup.
func (t *tracker) forget(l *lookup) {
	for _, s := range l.steps {
		t.octets -= len(s.data)
		if s.streams {
			t.notStreaming(s)
		}
		for _, k := range s.keys {
			delete(t.keys, k)
		}
	}
	k := labelKey{l.client.addr, l.label}
	if t.labels[k] == l {
		if l.more == nil {
			delete(t.labels, k)
		} else {
			t.labels[k] = l.more
		}
		return
	}
	for other := t.labels[k]; other != nil; other = other.more {
		if other.more == l {
			other.more = l.more
			return
		}
	}
}

// arm says when a lookup is over unless something else comes.
func (t *tracker) arm(l *lookup) {
	if l.last().isSettled() {
		t.short.push(l, t.now)
		return
	}
	t.long.push(l, t.now)
}

// giveUp hands on the lookup that has waited for longest.
func (t *tracker) giveUp() {
	l := t.long.first
	if l == nil {
		l = t.short.first
	}
	l.cut = true
	t.dropped++
	t.finish(l)
}
