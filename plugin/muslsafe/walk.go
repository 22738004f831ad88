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
	namespace  *flight
	rivals     []*flight
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
	w := &walk{inquiry: *q} // a copy, so that q stays off the heap where a choice is remembered
	if len(q.r.Extra) > 0 { // as in flights.join
		return w.run(s)
	}
	key := fmt.Sprint(keyOf(q.w, q.r, q.name, dns.TypeNone))
	found, _, _ := q.p.walks.Do(key, func() (any, error) { return w.run(s), nil })
	return found.(walked)
}

// run asks for the proofs, and for one candidate after the other, as the client would, and remembers the choice.
func (w *walk) run(s search) walked {
	w.candidates = w.p.cfg.candidates(s)
	w.namespace = w.p.ask(&w.inquiry, s.namespaceName(), dns.TypeA)
	for _, name := range w.p.cfg.rivals(s) {
		w.rivals = append(w.rivals, w.p.ask(&w.inquiry, name, dns.TypeA))
	}
	for {
		elapsed := time.Since(w.began)
		if found, ok := w.decide(elapsed >= lateAfter); ok {
			w.p.choices.put(found.choice)
			return found
		}
		w.sleep(elapsed)
	}
}

// decide makes the choice: the first candidate that has an address. If time is over, a proof is missing or a candidate
// fails, it is none, and the client is left to search by itself. It returns false if the choice is still open.
func (w *walk) decide(isOver bool) (found walked, ok bool) {
	proof := w.proof(isOver)
	if proof == failure {
		return w.leave(briefTTL), true
	}
	ttl := denialTTL(w.namespace)
	for _, f := range w.rivals {
		ttl = min(ttl, denialTTL(f))
	}
	for i := range w.candidates {
		c := &w.candidates[i]
		if c.pair == nil {
			c.pair = w.askPair(c.name)
		}
		switch o := w.readPair(c.pair, isOver); {
		case o == unknown || proof == unknown:
			return walked{}, false
		case o == failure, o == data && c.name == w.name:
			return w.leave(briefTTL), true
		case o == data:
			return w.take(c, ttl), true
		}
		for _, f := range c.pair {
			ttl = min(ttl, denialTTL(f))
		}
	}
	return w.leave(ttl), true
}

// proof returns data if the search is what it looks like, and failure if that cannot be proven.
func (w *walk) proof(isOver bool) outcome {
	proof := data
	switch w.read(w.proven(w.namespace), isOver) {
	case unknown:
		proof = unknown
	case nxdomain, failure:
		return failure
	}
	for _, f := range w.rivals {
		switch w.read(f, isOver) {
		case unknown:
			proof = unknown
		case nxdomain:
		default:
			return failure
		}
	}
	return proof
}

// readPair returns what a pair of lookups is to the client.
func (w *walk) readPair(pair []*flight, isOver bool) outcome {
	a := w.read(w.proven(pair[0]), isOver)
	if len(pair) == 1 {
		return paired(a, derived(a))
	}
	return paired(a, w.read(w.proven(pair[1]), isOver))
}

// take chooses a candidate, for as many seconds as what excludes the others holds.
func (w *walk) take(c *candidate, ttl uint32) walked {
	found := w.leave(ttl)
	found.winner, found.pair = c.name, c.pair
	for i, f := range c.pair {
		found.has[i] = w.read(w.proven(f), false) == data
	}
	return found
}

// leave chooses none.
func (w *walk) leave(ttl uint32) walked {
	ttl = min(ttl, w.p.cfg.ttl)
	return walked{choice: &choice{name: w.name, expires: w.began.Add(time.Duration(max(ttl, minChoice)) * time.Second)}}
}

// denialTTL returns for how many seconds a flight that brought no address keeps the search away from its name. One that
// has not landed, or has failed, does so briefly.
func denialTTL(f *flight) uint32 {
	if !f.landed.Load() || f.msg == nil {
		return briefTTL
	}
	return negativeTTL(f.msg)
}
