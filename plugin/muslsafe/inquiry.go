package muslsafe

import (
	"context"
	"time"

	"github.com/miekg/dns"
)

// The clock of a query, from its arrival. musl repeats a query after 2.5 seconds and gives up after 5
// (res_msend.c).
const (
	lateAfter   = 500 * time.Millisecond  // what a verdict may still need is asked all together
	silentAfter = time.Second             // a half without an answer has failed
	silentLate  = 750 * time.Millisecond  // for a sibling that was asked late: it may be as slow as the own half
	overAfter   = 1250 * time.Millisecond // what is still open is not waited for
)

// inquiry finds out what a verdict on one query of a client needs. It belongs to the goroutine that serves the client.
type inquiry struct {
	p    *Muslsafe
	ctx  context.Context
	w    dns.ResponseWriter
	r    *dns.Msg
	name string // that is asked for, in lower case

	counts *series
	silent [2]bool // whether the silence of the half, and of its sibling, has been counted

	place place
	began time.Time
	wait  *waiter

	own     *flight             // nil if it follows from the sibling
	whole   *flight             // own over TCP, if that was cut and the client cannot ask for the rest
	sibling *flight             // nil until it is needed
	wholes  map[*flight]*flight // over TCP, of those that came with nothing
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

// open readies an inquiry. The clock runs from the first time on.
func (q *inquiry) open() {
	if q.began.IsZero() {
		q.began = time.Now()
	}
	q.wait = q.p.newWaiter()
}

// begin starts an inquiry with the client's own query, or joins an equal one, as when the client repeats it.
func (q *inquiry) begin() {
	q.open()
	q.place = q.p.cfg.suffixes.place(q.name)
	if q.follows() {
		q.sibling = q.p.ask(q, q.r.Question[0].Name, dns.TypeA)
		if !q.p.cfg.report {
			return
		}
	}
	f := newFlight(q.ctx, q.w, q.r, keyOf(q.w, q.r, q.name, q.r.Question[0].Qtype))
	f.counts = q.counts
	own, isNew := q.p.inAir.join(f, q.wait.wake, true)
	q.own = own
	if isNew {
		q.wait.own = own
		q.p.launch(own, q.wait.fly)
	}
}

// close gives the waiter back, unless a goroutine may still read from it.
func (q *inquiry) close() {
	q.wait.timer.Stop()
	if q.own != nil && !q.own.landed.Load() {
		return
	}
	q.wait.own = nil
	select {
	case q.p.waiters <- q.wait:
	default:
	}
}

// settle asks and waits until a verdict falls. To pass an answer, it must be there.
func (q *inquiry) settle() ruling {
	for {
		elapsed := time.Since(q.began)
		isOver := q.isOver(elapsed) // before the evidence, which may gain by it
		e := q.evidence(elapsed)
		q.countSilence(e)
		rule := judge(e)
		switch {
		case rule.verdict == undecided && q.askFor(rule.needs):
			continue // with what may be there already, or need not be asked
		case rule.verdict > pass || rule.verdict == pass && isOver:
			return rule
		}
		q.sleep(elapsed)
	}
}

// mayDeny reports whether a ruling holds against what the client was told about the other half.
func (q *inquiry) mayDeny(rule ruling) bool {
	if rule.fix != fixFailure || rule.verdict != toNodata {
		return true
	}
	return q.claim()
}

// claim reports whether the own half, which fails, may be denied because the other one has addresses.
func (q *inquiry) claim() bool {
	client, _ := clientOf(q.w)
	return q.p.denials.claim(client, q.name, q.r.Question[0].Qtype, time.Now())
}

// countSilence counts, once, each half that the evidence takes for failed because nothing has come. One that nobody asked
// for is not silent.
func (q *inquiry) countSilence(e evidence) {
	for i, o := range [...]outcome{e.own, e.sibling} {
		f := q.sibling
		if i == 0 {
			f = q.half()
		} else if f == q.half() {
			continue // AAAA follows from A, so there is one half
		}
		if o == failure && f != nil && !f.landed.Load() && !q.silent[i] {
			q.silent[i] = true
			q.counts.silent(f.key.qtype)
		}
	}
}

// isOver reports whether a verdict that the answer passes is the last word: the answer is there, or, in a report on an
// answer that would not have been asked for, what that depends on keeps the client waiting.
func (q *inquiry) isOver(elapsed time.Duration) bool {
	return q.half().landed.Load() || q.follows() && q.own != nil && elapsed >= overAfter
}

// follows reports whether the client's half is AAAA, and is decided by A alone.
func (q *inquiry) follows() bool {
	return q.p.cfg.enabled[fixIPv4only] && q.r.Question[0].Qtype == dns.TypeAAAA
}

// half is the flight that says what the client's own half is.
func (q *inquiry) half() *flight {
	if q.follows() {
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

// await waits for the outcome of a flight of our own.
func (q *inquiry) await(f *flight) outcome {
	for {
		elapsed := time.Since(q.began)
		if o := q.readBy(f, elapsed); o != unknown {
			return o
		}
		q.sleep(elapsed)
	}
}

// askFor sends out what is needed and has not been asked for, and reports whether there was such a thing.
func (q *inquiry) askFor(n needs) (isNew bool) {
	if n.sibling && q.sibling == nil && !q.p.cfg.enabled[fixIPv4only] {
		q.sibling = q.p.ask(q, q.r.Question[0].Name, siblingType(q.r.Question[0].Qtype))
		isNew = true
	}
	if n.ahead && q.ahead == nil {
		q.ahead, isNew = []*flight{}, true
		for _, name := range q.p.cfg.suffixes.ahead(q.name, q.place.at) {
			q.ahead = append(q.ahead, q.askPair(name)...)
		}
	}
	if n.public && q.public == nil {
		q.public, isNew = q.checkWildcard(), true
	}
	return isNew
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
