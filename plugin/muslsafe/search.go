package muslsafe

import (
	"math/rand/v2"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// choice is the step of a search that a client gets its addresses from. It is never modified.
type choice struct {
	name    string  // the first step, in lower case
	winner  string  // "" if the client is left to search by itself
	has     [2]bool // by half: whether the winner is known to have such records
	expires time.Time
}

// ttl returns for how many seconds a choice still holds.
func (c *choice) ttl(now time.Time) uint32 { return uint32(c.expires.Sub(now) / time.Second) }

// found is a choice with the lookups that it was made by.
type found struct {
	*choice
	pair []*lookup.Lookup // of the winner; nil if the choice was remembered
}

// complete returns an answer to the first query of a search with what the whole search finds. It returns nil where the
// client is left to search by itself, which is never wrong: what it asks for exists nowhere, and it is told so.
func (q *query) complete() *dns.Msg {
	if !q.cfg.fixes[verdict.Complete] || !q.asksAddress() || q.Asker.IsOverloaded() {
		return nil
	}
	s, ok := q.cfg.suffixes.FirstStep(q.Name)
	if !ok {
		return nil
	}
	return q.completeSearch(s)
}

func (q *query) completeSearch(s names.Search) *dns.Msg {
	q.began = time.Now()
	q.memory.NoteQuery(&q.Client, q.began)
	c := choose(q, s)
	if c.winner == "" {
		q.isSearched = true
		return nil
	}
	o, m := verdict.Nodata, (*dns.Msg)(nil) // of AAAA, if it follows from A
	if !q.cfg.fixes[verdict.IPv4Only] || q.Qtype() == dns.TypeA {
		o, m = q.fetch(c)
	}
	if o != verdict.Data && !c.has[halfOf(lookup.SiblingOf(q.Qtype()))] {
		q.searches.choices.Remove(c.name) // it has no address any more
		return nil
	}
	if o == verdict.Failed && q.awaitClaim() == verdict.No {
		return new(dns.Msg).SetRcode(q.Query, dns.RcodeServerFailure)
	}
	alias := reply.Alias{Target: c.winner, TTL: c.ttl(q.began)}
	if o == verdict.Failed {
		alias.TTL = min(alias.TTL, reply.BriefTTL)
	}
	answer := alias.To(q.Query, m)
	if q.mustFit() {
		return reply.Fit(answer, q.Query.Question[0], rand.IntN(maxStart))
	}
	return answer
}

// awaitClaim claims the half for a denial, as soon as the client has asked for the other one, or has had the time to.
func (q *query) awaitClaim() verdict.Answer {
	for {
		elapsed := time.Since(q.began)
		if a := q.claim(elapsed); a != verdict.Open {
			return a
		}
		q.Wait(pairedAfter - elapsed)
	}
}

// fetch returns the client's half of the pair of the winner. There is a message if that is data or nodata; it must not
// be modified.
func (q *query) fetch(c found) (verdict.Outcome, *dns.Msg) {
	var l *lookup.Lookup
	if i := halfOf(q.Qtype()); c.pair != nil && c.pair[i].Landed() {
		l = c.pair[i]
	} else {
		l = q.Ask(c.winner, q.Qtype())
	}
	o := await(q, l)
	if o == verdict.Data && l.Half().IsCut && q.mustFit() {
		if whole := q.AskOverTCP(c.winner, q.Qtype()); await(q, whole) == verdict.Data {
			l = whole
		}
	}
	if o != verdict.Data && o != verdict.Nodata {
		return o, nil
	}
	return o, l.Best().Reply
}

// await waits for the outcome of a lookup of our own.
func await(q *query, l *lookup.Lookup) verdict.Outcome {
	for {
		elapsed := time.Since(q.began)
		if o := halfBy(l, elapsed, limitSince(l, q.began)).Outcome; o != verdict.Unknown {
			return o
		}
		q.Wait(untilNext(elapsed, 0))
	}
}

// choose finds the step of a search that has an address.
func choose(q *query, s names.Search) found {
	if c := q.searches.remembered(q.Name, q.began); c != nil {
		return found{choice: c}
	}
	w := &walk{query: q}
	return w.choose(s)
}
