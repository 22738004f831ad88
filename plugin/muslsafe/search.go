package muslsafe

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// choiceKey says what a choice is for. It has a client if clients may get different answers.
type choiceKey struct {
	client netip.Addr
	name   string // of the first step, in lower case
}

// choice is the step of a search whose addresses a client gets. It is never modified.
type choice struct {
	choiceKey
	winner  string // "" if the client has to search by itself
	expires time.Time
}

// ttl returns for how many more seconds a choice holds.
func (c *choice) ttl(now time.Time) uint32 { return uint32(c.expires.Sub(now) / time.Second) }

// found is a choice with the lookups behind it.
type found struct {
	*choice
	pair []*lookup.Lookup // of the winner; nil if the choice was remembered
}

func choiceKeyOf(q *query) choiceKey {
	if !q.isPerClient {
		return choiceKey{name: q.Name}
	}
	client, _ := lookup.AddrOf(q.Writer)
	return choiceKey{client, q.Name}
}

// complete answers the first query of a search with what the whole search finds. It returns nil if the client has to search
// by itself, which is never wrong: the name that it asked for does not exist, and it is told so.
func (q *query) complete() *dns.Msg {
	if !q.cfg.fixes[verdict.Complete] || !q.asksAddress() || q.Asker.IsOverloaded() {
		return nil
	}
	s, ok := q.cfg.suffixes.FirstStep(q.Name)
	if !ok || q.isZone(s.Namespace) {
		return nil
	}
	return q.completeSearch(s)
}

// isZone reports whether this server serves a zone at or below a name. Then a client may search for names there, whatever
// the servers of that zone say about the zone itself.
func (c *core) isZone(name string) bool {
	return slices.ContainsFunc(c.zones, func(zone names.Domain) bool { return names.Domain(name).Contains(string(zone)) })
}

func (q *query) completeSearch(s names.Search) *dns.Msg {
	q.memory.NoteQuery(&q.Client, time.Now())
	return search{q, verdict.Complete, func(w *walk) { w.complete(s) }}.answer()
}

// search is a search on behalf of a client.
type search struct {
	*query
	fix  verdict.Fix
	plan func(*walk) // sets the steps
}

// answer returns what the whole search finds, and nil if the client gets nothing from it.
func (q search) answer() *dns.Msg {
	q.began = time.Now()
	c := q.choose()
	before := q.memory.OutcomeOf(c.winner, q.Qtype(), q.began)
	o, m := q.fetch(c)
	if !q.bearsOut(c, before, o) {
		q.searches.forget(c.choice)
		c = q.choose()
		o, m = q.fetch(c)
	}
	switch {
	case c.winner == "":
		q.isSearched = true
		return nil
	case o != verdict.Data && o != verdict.Failed && !q.cfg.derives(q.Qtype()) && !q.isPaired():
		return nil
	case o == verdict.Failed && q.awaitClaim() == verdict.No:
		return new(dns.Msg).SetRcode(q.Query, dns.RcodeServerFailure)
	}
	return q.aliasTo(c, o, m)
}

// aliasTo returns the answer that leads to the winner.
func (q search) aliasTo(c found, o verdict.Outcome, m *dns.Msg) *dns.Msg {
	alias := reply.Alias{Target: c.winner, TTL: c.ttl(q.began), Fix: q.fix}
	if o == verdict.Failed {
		alias.TTL = min(alias.TTL, reply.BriefTTL)
	}
	answer := alias.To(q.Query, m)
	if q.mustFit() {
		return reply.Fit(answer, q.Query.Question[0], rand.IntN(maxStart))
	}
	return answer
}

// awaitClaim claims the half for a denial, once the client has asked for the other half or has had time to.
func (q search) awaitClaim() verdict.Answer {
	for {
		elapsed := time.Since(q.began)
		if a := q.claim(elapsed); a != verdict.Open {
			return a
		}
		q.waitForPair(elapsed)
	}
}

// shortly is how far apart the halves of a pair usually come.
const shortly = 100 * time.Microsecond

// isPaired reports whether the client asks for the other half as well. For glibc, an alias without an address ends the
// search. So a client that asks for one family alone, which the winner does not have, searches by itself.
func (q search) isPaired() bool {
	for {
		now := time.Now()
		if q.memory.HasAsked(&q.Client, lookup.SiblingOf(q.Qtype()), now) {
			return true
		}
		elapsed := now.Sub(q.began)
		if elapsed >= pairedAfter {
			return false
		}
		q.waitForPair(elapsed)
	}
}

// waitForPair gives the client time to ask for the other half: little at first, because halves usually come together.
func (q search) waitForPair(elapsed time.Duration) {
	q.Wait(min(pairedAfter-elapsed, max(elapsed, shortly)))
}

// bearsOut reports whether the winner of a remembered choice still has an address, or may have one. The client's half was
// before and now is o. If it has changed, what is remembered of the other half may be out of date, too.
func (q search) bearsOut(c found, before, o verdict.Outcome) bool {
	if c.pair != nil || c.winner == "" || o == verdict.Data || o == verdict.Failed || q.cfg.derives(q.Qtype()) {
		return true
	}
	sibling := lookup.SiblingOf(q.Qtype())
	if o == before && !q.isPerClient && q.memory.OutcomeOf(c.winner, sibling, q.began) == verdict.Data {
		return true
	}
	other := await(q.query, q.Ask(c.winner, sibling))
	return other == verdict.Data || other == verdict.Failed
}

// fetch returns the client's half of the winner. There is a message if the half is data or nodata, unless it follows from the
// other half. The message must not be modified.
func (q search) fetch(c found) (verdict.Outcome, *dns.Msg) {
	if c.winner == "" || q.cfg.derives(q.Qtype()) {
		return verdict.Nodata, nil
	}
	var l *lookup.Lookup
	if i := halfOf(q.Qtype()); c.pair != nil && c.pair[i].Landed() {
		l = c.pair[i]
	} else {
		l = q.Ask(c.winner, q.Qtype())
	}
	o := await(q.query, l)
	if o == verdict.Data && l.Half().IsCut && q.mustFit() {
		if whole := q.AskOverTCP(c.winner, q.Qtype()); await(q.query, whole) == verdict.Data {
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
func (q search) choose() found {
	if c := q.searches.remembered(choiceKeyOf(q.query), q.began); c != nil {
		return found{choice: c}
	}
	w := &walk{query: q.query}
	return w.choose(q.plan)
}
