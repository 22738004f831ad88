package muslsafe

import (
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// walk is the search of a client, done on its behalf.
type walk struct {
	inquiry
	candidates []candidate
	exists     *flight // about the namespace
	rival      *flight // about the domain of another name; nil if there is none
}

// walked is a choice with the lookups that it was made by.
type walked struct {
	*choice
	pair []*flight // of the winner; nil if the choice was remembered
}

// choose finds the step of a search that has an address. Equal searches of one client share one walk, so that both
// halves of a pair make the same choice.
func (q *inquiry) choose(s search) walked {
	if c, ok := q.p.choices.get(q.name, q.began); ok {
		return walked{choice: c}
	}
	w := &walk{inquiry: *q, candidates: q.p.cfg.candidates(s)} // a copy, so that q of the warm path stays off the heap
	if len(q.r.Extra) > 0 {                                    // as in flights.join
		return w.run(s)
	}
	key := fmt.Sprint(keyOf(q.w, q.r, q.name, dns.TypeNone))
	found, _, _ := q.p.walks.Do(key, func() (any, error) { return w.run(s), nil })
	return found.(walked)
}

// run asks for one step after the other, as the client would, and remembers the choice. When time gets short, it asks
// for all that are left.
func (w *walk) run(s search) walked {
	w.exists = w.p.ask(&w.inquiry, s.namespace, dns.TypeA)
	if s.rival != "" {
		w.rival = w.p.ask(&w.inquiry, s.rival, dns.TypeA)
	}
	for {
		elapsed := time.Since(w.began)
		if found, ok := w.decide(elapsed); ok {
			w.p.choices.put(found.choice)
			return found
		}
		w.sleep(elapsed)
	}
}

// decide makes the choice, if what is known after a time is enough for one:
//
//	step                      it has an address       it fails
//	below the cluster domain  the choice              the client is left alone: it may be a service
//	X.S, S of the nodes       the client is left alone  the search goes on
//	X                         the choice              the client is left alone
//
// A name in a search domain of the nodes is never the choice, since names relative to it may look like a namespace's.
func (w *walk) decide(elapsed time.Duration) (found walked, ok bool) {
	ttl := min(w.p.cfg.ttl, negativeTTL(w.exists))
	proof := w.proof(elapsed)
	if proof == nxdomain {
		return w.leave(ttl), true
	}
	for i := range w.candidates {
		cand := &w.candidates[i]
		switch o := w.look(cand, elapsed); {
		case o == unknown || proof == unknown:
			w.hurry(elapsed)
			return walked{}, false
		case o == data && cand.scope != node && cand.name != w.name:
			return w.take(cand, ttl), true
		case o == data, o == failure && cand.scope != node:
			return w.leave(min(ttl, briefTTL)), true
		}
		for _, f := range cand.pair {
			ttl = min(ttl, negativeTTL(f))
		}
	}
	return w.leave(ttl), true
}

// proof returns data if the search is what it seems to be, and nxdomain if that is not proven.
func (w *walk) proof(elapsed time.Duration) outcome {
	namespace, rival := w.readBy(w.exists, elapsed), nxdomain
	if w.rival != nil {
		rival = w.readBy(w.rival, elapsed)
	}
	switch {
	case namespace == nxdomain || namespace == failure:
		return nxdomain
	case rival != nxdomain && rival != unknown:
		return nxdomain
	case namespace == unknown || rival == unknown:
		return unknown
	}
	return data
}

// look returns what a step is to the client after a time. It asks for it, if nobody has.
func (w *walk) look(cand *candidate, elapsed time.Duration) outcome {
	if cand.pair == nil {
		cand.pair = w.askPair(cand.name)
	}
	a := w.readBy(cand.pair[0], elapsed)
	aaaa := derived(a)
	if len(cand.pair) > 1 {
		aaaa = w.readBy(cand.pair[1], elapsed)
	}
	o := paired(a, aaaa)
	if o != data || cand.scope != node || !w.p.cfg.enabled[fixWildcard] {
		return o
	}
	if cand.public == nil {
		cand.public = w.checkWildcard(cand.name, cand.at)
	}
	switch cand.public.read(&w.inquiry, cand.pair, elapsed >= overAfter) {
	case unknown:
		return unknown
	case data:
		return nxdomain // as wildcard says
	}
	return data
}

// hurry asks for all steps that are left, if it is late.
func (w *walk) hurry(elapsed time.Duration) {
	if elapsed < lateAfter {
		return
	}
	for i := range w.candidates {
		if cand := &w.candidates[i]; cand.pair == nil {
			cand.pair = w.askPair(cand.name)
		}
	}
}

// take chooses a step. The TTL in seconds is that of the answers about the steps before.
func (w *walk) take(cand *candidate, ttl uint32) walked {
	c := w.leave(ttl).choice
	c.winner = cand.name
	for i, f := range cand.pair {
		c.has[i] = w.read(f, false) == data
	}
	return walked{choice: c, pair: cand.pair}
}

// leave chooses none, so that the client goes on by itself.
func (w *walk) leave(ttl uint32) walked {
	return walked{choice: &choice{name: w.name, expires: w.began.Add(time.Duration(max(ttl, minChoice)) * time.Second)}}
}

// negativeTTL returns for how many seconds an answer holds that there is nothing (RFC 2308, section 5). One that does not
// say so holds briefly.
func negativeTTL(f *flight) uint32 {
	if !f.landed.Load() || f.msg == nil {
		return briefTTL
	}
	for _, rr := range f.msg.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return briefTTL
}
