package muslsafe

import (
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// The clock of a query, from its arrival. musl repeats a query after 2.5 seconds and gives up after 5
// (res_msend.c).
const (
	pairedAfter = 50 * time.Millisecond   // by now, a client that asks for both halves has done so
	lateAfter   = lookup.Hedge            // everything that a verdict may still need is asked at once
	silentAfter = time.Second             // a half without an answer has failed
	silentLate  = 750 * time.Millisecond  // the same for a half that was asked late, which may be as slow as the own half
	overAfter   = 1250 * time.Millisecond // nobody waits for an open verdict any longer
)

// pair is the query of a client for one half of a name, with the lookups for both halves.
type pair struct {
	query
	expansion names.Expansion
	isDerived bool // the client's half is AAAA, and follows from A

	overTCP *lookup.Lookup // the own half over TCP, if it was truncated and the client cannot ask for the rest
	sibling *lookup.Lookup // nil until it is needed

	answerNow  func(*lookup.Exchange) bool // p.tryAnswer
	answerLate func()                      // decide(p)
	answered   struct {                    // what one of these has answered
		rcode int
		err   error
	}
}

// maxPairs is how many pairs are kept for later queries, so that an ordinary query makes no garbage. A pair is filled in where
// it is kept, and never on the stack: a packet's goroutine has a small one, and growing it costs more than everything that
// muslsafe does.
const maxPairs = 1024

// take returns a pair for a query.
func (c *core) take() *pair {
	p := c.idle.Take()
	if p == nil {
		p = new(pair)
		p.answerNow, p.answerLate = p.tryAnswer, func() { decide(p) }
	}
	p.core = c
	return p
}

func (c *core) release(p *pair) {
	p.Close()
	client, now, late := p.Client, p.answerNow, p.answerLate
	*p = pair{}
	p.Client, p.answerNow, p.answerLate = client, now, late
	c.idle.Put(p)
}

// judgeOrPass judges the answer to a query about an address, and passes any other query on.
func judgeOrPass(p *pair) (int, error) {
	switch {
	case !p.asksAddress() || !p.cfg.fixes.LookAtAnswers():
		p.counts.record(p.Context, verdict.None)
		return p.passOn()
	case p.Asker.IsOverloaded():
		p.counts.queries[overloaded].Inc()
		return p.passUnjudged()
	}
	return p.judge()
}

// judge asks the next plugin, judges its answer together with whatever else the verdict needs, and writes the result. An
// ordinary answer has been written when Claim returns.
func (p *pair) judge() (int, error) {
	p.begin()
	if p.Own() == nil || !p.Claim() {
		lookup.OnStack(&p.Client, p.answerLate)
	}
	return p.answered.rcode, p.answered.err
}

// decide finds out what a verdict needs, waits for the verdict, and answers the client.
func decide(p *pair) {
	q := inquiry{pair: p, domain: searchDomain{pair: p}}
	ruling := q.settle()
	if m := (unsearched{p}).answer(ruling); m != nil {
		p.answered.rcode, p.answered.err = unsearched{p}.write(m)
		return
	}
	p.answered.rcode, p.answered.err = p.answer(ruling)
}

// begin sends the client's own query. If the half is derived, only a report needs it.
func (p *pair) begin() {
	now := time.Now()
	if p.began.IsZero() {
		p.began = now
	}
	p.expansion = p.cfg.suffixes.Expansion(p.Name)
	p.isDerived = p.cfg.derives(p.Qtype())
	p.memory.NoteQuery(&p.Client, p.began)
	p.watchDomain()
	if p.isDerived {
		p.sibling = p.Ask(p.Query.Question[0].Name, dns.TypeA)
		if !p.cfg.report {
			return
		}
	}
	p.Begin(now, p.answerNow, p.answerLate)
}

// tryAnswer answers the client in the goroutine that got the answer, if the answer may pass given what is remembered of
// the other half. It reports whether it did. Nearly all queries end here.
func (p *pair) tryAnswer(x *lookup.Exchange) bool {
	if p.isDerived || x.Half.Outcome == verdict.Failed || x.Half.IsCut && !p.cfg.report && p.mustFit() {
		return false
	}
	e := p.known(x.Half.Outcome)
	if e.Sibling = p.remembered(&p.query); !p.rules.MayPass(e) {
		return false
	}
	if (unsearched{p}).isOpen(x.Half.Outcome) {
		return false
	}
	p.reviveDomain()
	m, rcode, err := x.Take(p.Context)
	p.answered.rcode, p.answered.err = p.pass(m, rcode, err)
	return true
}

// known is the evidence before anything else is asked.
func (p *pair) known(own verdict.Outcome) verdict.Evidence {
	return verdict.Evidence{IsAAAA: p.Qtype() == dns.TypeAAAA, Kind: p.expansion.Kind, Own: own}
}

// half is the lookup that determines the client's own half.
func (p *pair) half() *lookup.Lookup {
	if p.isDerived {
		return p.sibling
	}
	return p.Own()
}

// ordered returns the values of the client's own half and of its sibling, in the order of askBoth.
func ordered[T any](p *pair, own, sibling T) []T {
	switch {
	case p.isDerived:
		return []T{sibling}
	case p.cfg.fixes[verdict.IPv4Only]:
		return []T{own}
	case p.Qtype() == dns.TypeAAAA:
		return []T{sibling, own}
	}
	return []T{own, sibling}
}

// zone is the search suffix of the name.
func (p *pair) zone() string { return p.Name[p.expansion.At:] }

// remembered is what the other half was, whoever asked for it, if that has not expired.
func (c *core) remembered(q *query) verdict.Outcome {
	return c.memory.OutcomeOf(q.Name, lookup.SiblingOf(q.Qtype()), q.began)
}
