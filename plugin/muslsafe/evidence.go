package muslsafe

import "time"

// evidence is what is known after a time.
func (q *inquiry) evidence(elapsed time.Duration) evidence {
	e := evidence{
		qtype:   q.r.Question[0].Qtype,
		scope:   q.place.scope,
		own:     q.readOwn(elapsed >= silentAfter),
		sibling: q.readSibling(elapsed),
		ahead:   q.readAhead(elapsed >= overAfter),
		public:  q.readPublic(elapsed >= overAfter),
		late:    elapsed >= lateAfter,
		enabled: &q.p.cfg.enabled,
	}
	switch {
	case q.follows():
		e.own = derived(e.sibling)
	case q.p.cfg.enabled[fixIPv4only]:
		e.sibling = derived(e.own)
	}
	return e
}

// derived is what the AAAA half is if the A half decides: a name without IPv6 exists, or it does not.
func derived(a outcome) outcome {
	if a == data {
		return nodata
	}
	return a
}

// read returns the outcome of a flight. A flight that is silent for too long has failed.
func (q *inquiry) read(f *flight, overdue bool) outcome {
	switch {
	case f != nil && f.landed.Load():
		if f.panicked != nil && f == q.own { // for the server, which recovers from it
			panic(f.panicked)
		}
		return f.outcome
	case overdue:
		return failure
	}
	return unknown
}

// readSibling returns the outcome of the other half. With ipv4only the A half decides, whatever it has.
func (q *inquiry) readSibling(elapsed time.Duration) outcome {
	if q.p.cfg.enabled[fixIPv4only] {
		return q.readBy(q.sibling, elapsed)
	}
	return q.readBy(q.proven(q.sibling), elapsed)
}

// proven returns what a verdict on another half may depend on in place of f. An answer that came cut, with nothing of its
// type, proves nothing; so it is asked for over TCP.
func (q *inquiry) proven(f *flight) *flight {
	switch {
	case f == nil || !f.landed.Load() || f.outcome != data || !f.isBare:
		return f
	case f.key.tcp:
		return fruitless
	}
	if q.wholes == nil {
		q.wholes = make(map[*flight]*flight)
	}
	if q.wholes[f] == nil {
		q.wholes[f] = q.p.askWhole(q, f.question[0].Name, f.key.qtype)
	}
	return q.proven(q.wholes[f])
}

// readBy returns the outcome of a flight of our own after a time.
func (q *inquiry) readBy(f *flight, elapsed time.Duration) outcome {
	until := silentAfter
	if f != nil {
		until = min(max(f.began.Sub(q.began)+silentLate, silentAfter), overAfter)
	}
	return q.read(f, elapsed >= until)
}

// readOwn returns the outcome of the own half. If it came cut, for a client that may not be able to ask for the rest,
// it is asked for over TCP first. If that fails, it stays as cut as it came; it may take its time where nothing came over
// UDP, which an old musl takes for the end.
func (q *inquiry) readOwn(overdue bool) outcome {
	if q.own == nil || !q.own.landed.Load() {
		return q.read(nil, overdue)
	}
	if q.own.isCut && !q.p.cfg.report && q.mustFit() {
		if q.whole == nil {
			q.whole = q.p.askWhole(q, q.r.Question[0].Name, q.r.Question[0].Qtype)
		}
		if o := q.read(q.whole, overdue && !q.own.isBare); o != failure {
			return o
		}
	}
	return q.read(q.own, overdue)
}

// mustFit reports whether answers have to be small: fit is on, and the client came over UDP and sent no OPT record.
func (q *inquiry) mustFit() bool {
	_, tcp := clientOf(q.w)
	return q.p.cfg.enabled[fixFit] && !tcp && q.r.IsEdns0() == nil
}

// readAhead returns data if one of the names ahead has an address, nodata if none has.
func (q *inquiry) readAhead(overdue bool) outcome {
	if q.ahead == nil && !overdue {
		return unknown
	}
	open := false
	for _, f := range q.ahead {
		switch q.read(q.proven(f), overdue) {
		case data:
			return data
		case unknown:
			open = true
		}
	}
	if open {
		return unknown
	}
	return nodata
}
