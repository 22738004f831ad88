package muslsafe

import (
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// unsearched is a pair whose name has ndots dots or more and does not exist as the client asked for it. glibc then goes on to
// search (res_nsearch), and musl does not (name_from_dns_search).
type unsearched struct{ *pair }

// isOpen reports whether a search may find something, given a half that would pass.
func (p unsearched) isOpen(half verdict.Outcome) bool {
	if !p.cfg.fixes[verdict.Absolute] || half != verdict.Nxdomain {
		return false
	}
	c := p.searches.remembered(choiceKeyOf(&p.query), p.began)
	return (c == nil || c.winner != "") && len(p.cfg.suffixes.Unsearched(p.Name)) > 0
}

// answer returns what a search finds, or nil. If AAAA follows from A, so does the answer.
func (p unsearched) answer(ruling verdict.Ruling) *dns.Msg {
	isFinal := ruling.Verdict == verdict.Pass || p.isDerived
	if !isFinal || !p.isOpen(p.half().Half().Outcome) || p.Asker.IsOverloaded() {
		return nil
	}
	return search{&p.query, verdict.Absolute, p.begin}.answer()
}

// begin starts the search with the name as the client asked for it.
func (p unsearched) begin(w *walk) {
	sibling := p.sibling
	if sibling == nil && !p.cfg.fixes[verdict.IPv4Only] {
		sibling = w.Ask(w.Name, lookup.SiblingOf(w.Qtype()))
	}
	asItStands := searchStep{name: w.Name, pair: ordered(p.pair, p.half(), sibling), isAbsolute: true}
	w.steps = append([]searchStep{asItStands}, w.cfg.stepsOf(w.cfg.suffixes.Unsearched(w.Name))...)
}

// write answers the client with what a search found. With report, the client's own answer passes.
func (p unsearched) write(m *dns.Msg) (int, error) {
	p.counts.record(p.Context, verdict.Absolute)
	if !p.cfg.report {
		return dns.RcodeSuccess, p.Writer.WriteMsg(m)
	}
	m, rcode, err := p.take()
	return send(p.Writer, m, rcode, err)
}
