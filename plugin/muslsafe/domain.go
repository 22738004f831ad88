package muslsafe

import (
	"slices"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/stranger"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// searchDomain finds out whether the answers to a name are about its domain or about the name itself.
type searchDomain struct {
	*pair
	suffix  stranger.Stranger // directly below the search suffix: if it gets the same, that is enough
	inPlace stranger.Stranger // directly below the parent of the name, if that is not the search suffix
}

// parent is the domain directly above the name.
func (d *searchDomain) parent() string {
	i, _ := dns.NextLabel(d.Name, 0)
	return d.Name[i:]
}

// ask asks for the strangers, one after the other, and reports whether there was anything to ask.
func (d *searchDomain) ask(e verdict.Evidence) (isNew bool) {
	zone, parent := d.zone(), d.parent()
	if d.suffix.Pair == nil {
		d.suffix = d.meet(zone, e)
		return true
	}
	if parent != zone && d.inPlace.Pair == nil && d.compare(d.suffix, e) == verdict.No {
		d.inPlace = d.meet(parent, e)
		return true
	}
	return false
}

// meet returns the stranger below zone. It asks for one if none is remembered, or if the domain seems to have died since.
func (d *searchDomain) meet(zone string, e verdict.Evidence) stranger.Stranger {
	now := time.Now()
	s, ok := d.strangers.Get(d.keyOf(&d.query, zone), now)
	isFailing := d.isFailing(e) || !d.half().Landed()
	if ok && (!isFailing || now.Sub(s.Asked) < stranger.Soon || s.IsOpen() || slices.Contains(s.Outcomes(), verdict.Failed)) {
		d.Follow(s.Pair...)
		return s
	}
	return s.Followed(d.visit(&d.query, zone))
}

// visit asks for a stranger below zone on behalf of a client.
func (c *core) visit(q *query, zone string) []*lookup.Lookup {
	key := c.keyOf(q, zone)
	name := c.strangers.Next(key, zone, time.Now())
	pair := q.askBoth(name)
	c.strangers.Keep(key, name, pair)
	return pair
}

// keyOf returns the key of the stranger below zone. If rules may treat clients differently, each client has its own.
func (c *core) keyOf(q *query, zone string) string {
	if !c.isPerClient {
		return zone
	}
	client, _ := lookup.AddrOf(q.Writer)
	return client.String() + " " + zone
}

// outcomes are what the halves of the name are, in the order of askBoth.
func (d *searchDomain) outcomes(e verdict.Evidence) []verdict.Outcome {
	return ordered(d.pair, e.Own, e.Sibling)
}

// isFailing reports whether a half of the name fails.
func (d *searchDomain) isFailing(e verdict.Evidence) bool {
	return slices.Contains(d.outcomes(e), verdict.Failed)
}

// compare returns whether a stranger gets the same as the name. While the stranger is unanswered, the one before it can prove
// that a domain is dead, but not that a domain in which a name fails is alive.
func (d *searchDomain) compare(s stranger.Stranger, e verdict.Evidence) verdict.Answer {
	outcomes := d.outcomes(e)
	if same := verdict.IsSame(outcomes, s.Outcomes()); same == verdict.Yes || !d.isFailing(e) {
		return same
	}
	return verdict.IsSame(outcomes, stranger.OutcomesNow(s.Pair))
}

// read returns whether a random name in place of the name gets the same. An answer that is there is not held back for it
// longer than for anything else. A half that fails may be, to find out whether the domain is dead.
func (d *searchDomain) read(e verdict.Evidence, elapsed time.Duration) verdict.Answer {
	same := d.compare(d.suffix, e)
	if same == verdict.No && d.parent() != d.zone() {
		same = d.compare(d.inPlace, e)
	}
	switch fails := d.isFailing(e); {
	case same == verdict.Yes && fails:
		if w := d.watch(); w != nil {
			w.MarkDead()
		}
	case same == verdict.Open && elapsed >= overAfter && (!fails || d.cfg.report):
		return verdict.No
	}
	return same
}

// untilDead returns how long it takes until a silent stranger counts as failed, and 0 if there is none.
func (d *searchDomain) untilDead() time.Duration {
	for _, l := range slices.Concat(d.suffix.Pair, d.inPlace.Pair) {
		if left := stranger.DeadAfter - l.Age(); !l.Landed() && left > 0 {
			return left
		}
	}
	return 0
}

// watch returns the watch on the search domain of the name, or nil.
func (p *pair) watch() *stranger.Watch {
	if p.isPerClient || p.expansion.Kind != names.NodeStep || !p.cfg.fixes[verdict.Search] || p.cfg.report {
		return nil
	}
	return p.watches[p.zone()]
}

// watchDomain checks the search domain of the name in the background, if that is due.
func (p *pair) watchDomain() {
	if w := p.watch(); w != nil && w.IsDue() {
		q := &query{core: p.core, began: p.began}
		q.set(p.Context, p.counts, p.Writer, p.Query)
		go p.core.look(q, p.zone())
	}
}

// reviveDomain notes that the search domain of the name has answered.
func (p *pair) reviveDomain() {
	if w := p.watch(); w != nil && w.Revive() {
		p.strangers.Forget(p.keyOf(&p.query, p.zone()))
	}
}
