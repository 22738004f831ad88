package muslsafe

import (
	"context"
	"maps"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/miekg/dns"
)

// The clock of a query, from its arrival. musl repeats a query after 2.5 seconds and gives up after 5
// (res_msend.c).
const (
	lateAfter   = 500 * time.Millisecond  // what a verdict may still need is asked all together
	silentAfter = time.Second             // a half without an answer has failed
	overAfter   = 1250 * time.Millisecond // what is still open is not waited for
)

// inquiry finds out what a verdict on one query of a client needs. It belongs to the goroutine that serves the client.
type inquiry struct {
	p    *Muslsafe
	ctx  context.Context
	w    dns.ResponseWriter
	r    *dns.Msg
	name string // that is asked for, in lower case

	place place
	began time.Time
	wait  *waiter

	own     *flight // nil if AAAA is never asked (ipv4only)
	sibling *flight // nil until it is needed
	ahead   []*flight
	public  *wildcardCheck
}

// waiter is what an inquiry waits with. It is used again and again, so that the ordinary query makes no garbage; a
// flight that lands late may wake the next user, who looks and finds nothing new.
type waiter struct {
	wake  chan struct{}
	timer *time.Timer
	own   *flight
	fly   func() // lets own fly; made once, where a go statement would make it each time
}

// maxWaiters bounds how many waiters are kept for the next user.
const maxWaiters = 1024

func (p *Muslsafe) newWaiter() *waiter {
	select {
	case wt := <-p.waiters:
		return wt
	default:
	}
	wt := &waiter{wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour)}
	wt.fly = func() { p.fly(wt.own) }
	return wt
}

// begin starts an inquiry with the client's own query, or joins an equal one, as when the client repeats it.
func (q *inquiry) begin() {
	q.began = time.Now()
	q.place = q.p.cfg.suffixes.place(q.name)
	q.wait = q.p.newWaiter()
	if q.p.derives(q.r) {
		q.sibling = q.p.ask(q, q.r.Question[0].Name, dns.TypeA)
		return
	}
	f := newFlight(withOwnMetadata(q.ctx), q.w, q.r, keyOf(q.w, q.r, q.name, q.r.Question[0].Qtype))
	own, isNew := q.p.inAir.join(f, q.wait.wake, true)
	q.own = own
	if isNew {
		q.wait.own = own
		go q.wait.fly()
	}
}

// derives reports whether the answer to r follows from the A half alone.
func (p *Muslsafe) derives(r *dns.Msg) bool {
	return p.cfg.enabled[fixIPv4only] && !p.cfg.report && r.Question[0].Qtype == dns.TypeAAAA
}

// close gives the waiter back, unless a goroutine may still read from it.
func (q *inquiry) close() {
	q.wait.timer.Stop()
	if q.own == nil || !q.own.landed.Load() {
		return
	}
	q.wait.own = nil
	select {
	case q.p.waiters <- q.wait:
	default:
	}
}

// settle asks and waits until a verdict falls.
func (q *inquiry) settle() ruling {
	for {
		elapsed := time.Since(q.began)
		rule := judge(q.evidence(elapsed))
		switch {
		case rule.verdict == undecided:
			q.askFor(rule.needs)
		case rule.verdict != pass || q.isOver():
			return rule
		}
		q.sleep(elapsed)
	}
}

// isOver reports whether the client's own half has an answer, so that there is something to pass.
func (q *inquiry) isOver() bool { return q.half().landed.Load() }

// half is the flight that says what the client's own half is.
func (q *inquiry) half() *flight {
	if q.own == nil {
		return q.sibling
	}
	return q.own
}

// sleep waits until a flight lands, or the clock says that a judgement may change.
func (q *inquiry) sleep(elapsed time.Duration) {
	for _, next := range [...]time.Duration{lateAfter, silentAfter, overAfter} {
		if elapsed < next {
			q.wait.timer.Reset(next - elapsed)
			select {
			case <-q.wait.wake:
			case <-q.wait.timer.C:
			}
			return
		}
	}
	<-q.wait.wake
}

// askFor sends out what is needed and has not been asked for.
func (q *inquiry) askFor(n needs) {
	if n.sibling && q.sibling == nil && !q.p.cfg.enabled[fixIPv4only] {
		q.sibling = q.p.ask(q, q.r.Question[0].Name, siblingType(q.r.Question[0].Qtype))
	}
	if n.ahead && q.ahead == nil {
		q.ahead = []*flight{}
		for _, name := range q.p.cfg.suffixes.ahead(q.name, q.place.at) {
			q.ahead = append(q.ahead, q.askPair(name)...)
		}
	}
	if n.public && q.public == nil {
		q.public = q.checkWildcard()
	}
}

// askPair asks for the A and the AAAA records of a name, or for the A records alone if AAAA follows from them.
func (q *inquiry) askPair(name string) []*flight {
	a := q.p.ask(q, name, dns.TypeA)
	if q.p.cfg.enabled[fixIPv4only] {
		return []*flight{a}
	}
	return []*flight{a, q.p.ask(q, name, dns.TypeAAAA)}
}

// ownPair is the client's own half and its sibling, in the order of askPair.
func (q *inquiry) ownPair() []*flight {
	switch {
	case q.p.cfg.enabled[fixIPv4only]:
		return []*flight{q.half()}
	case q.r.Question[0].Qtype == dns.TypeA:
		return []*flight{q.own, q.sibling}
	}
	return []*flight{q.sibling, q.own}
}

// evidence is what is known after a time.
func (q *inquiry) evidence(elapsed time.Duration) evidence {
	e := evidence{
		qtype:   q.r.Question[0].Qtype,
		scope:   q.place.scope,
		own:     q.read(q.own, elapsed >= silentAfter),
		sibling: q.read(q.sibling, elapsed >= silentAfter),
		ahead:   q.readAhead(elapsed >= overAfter),
		late:    elapsed >= lateAfter,
		enabled: &q.p.cfg.enabled,
	}
	if q.p.cfg.enabled[fixIPv4only] {
		if q.own == nil {
			e.own = derived(e.sibling)
		} else {
			e.sibling = derived(e.own)
		}
	}
	if q.public != nil {
		e.public = q.public.read(q, elapsed >= overAfter)
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
		if f.panicked != nil {
			panic(f.panicked) // here, in the goroutine of the client, the server expects it
		}
		return f.outcome
	case overdue:
		return failure
	}
	return unknown
}

// readAhead returns data if one of the names ahead has an address, nodata if none has.
func (q *inquiry) readAhead(overdue bool) outcome {
	if q.ahead == nil && !overdue {
		return unknown
	}
	open := false
	for _, f := range q.ahead {
		switch q.read(f, overdue) {
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

// pass waits for the client's own half and returns what it brought.
func (q *inquiry) pass() (m *dns.Msg, rcode int, err error) {
	for !q.half().landed.Load() {
		<-q.wait.wake
	}
	q.read(q.half(), false) // for its panic
	if q.own == nil {
		return q.derive()
	}
	m, rcode, err = q.own.copied, q.own.rcode, q.own.err
	switch {
	case q.wait.own == q.own:
		m = q.own.msg
		if values := metadata.ValueFuncs(q.ctx); values != nil {
			maps.Copy(values, metadata.ValueFuncs(q.own.Context))
		}
	case m != nil: // the message of an equal query that was in the air already
		m = m.Copy()
		m.Id, m.Question = q.r.Id, q.r.Question
	}
	if m != nil && !plugin.ClientWrite(rcode) {
		rcode = dns.RcodeSuccess // something was written, so nobody may write again
	}
	return m, rcode, err
}

// derive makes the AAAA half out of the A half.
func (q *inquiry) derive() (m *dns.Msg, rcode int, err error) {
	rule := ruling{fix: fixIPv4only, verdict: toNodata}
	switch q.sibling.outcome {
	case nxdomain:
		rule.verdict = toNxdomain
	case failure:
		if q.sibling.msg != nil {
			return new(dns.Msg).SetRcode(q.r, q.sibling.failed), dns.RcodeSuccess, nil
		}
		return nil, q.sibling.rcode, q.sibling.err
	}
	record(q.ctx, fixIPv4only)
	return q.negative(rule), dns.RcodeSuccess, nil
}

// negative returns the answer that a ruling asks for. An SOA of the upstream is kept where it says as much as ours.
func (q *inquiry) negative(rule ruling) *dns.Msg {
	rcode := dns.RcodeSuccess
	if rule.verdict == toNxdomain {
		rcode = dns.RcodeNameError
	}
	zone, ttl := q.r.Question[0].Name[q.place.at:], q.p.cfg.ttl
	if rule.brief {
		return negative(q.r, rcode, zone, min(ttl, briefTTL), rule.fix)
	}
	if q.own != nil && q.wait.own == q.own && q.own.landed.Load() && q.own.msg != nil {
		return turned(q.own.msg, q.r, rcode, zone, ttl, rule.fix)
	}
	return negative(q.r, rcode, zone, ttl, rule.fix)
}
