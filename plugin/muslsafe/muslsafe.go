// Package muslsafe implements a CoreDNS plugin that makes the answers of a DNS server safe for programs that are
// linked with musl, whose resolver is stricter than that of glibc.
package muslsafe

import (
	"context"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/bounded"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/libc"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/memory"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/stranger"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// Muslsafe corrects answers that would make the resolver of musl fail or wait. It is safe for concurrent use.
type Muslsafe struct {
	Next plugin.Handler
	core
}

// core is what all queries of a server block share.
type core struct {
	cfg       *config
	rules     *verdict.Rules
	asker     *lookup.Asker
	memory    *memory.Memory
	searches  searches
	strangers stranger.Strangers
	watches   stranger.Watches
	idle      *bounded.Pool[pair]

	// What is known at start-up.
	isPerClient bool           // rules in the server block may treat clients differently
	zones       []names.Domain // of all server blocks

	pairs *libc.Table // nil unless clients are counted
}

func newMuslsafe(next plugin.Handler, cfg *config) *Muslsafe {
	p := &Muslsafe{Next: next, core: core{
		cfg:      cfg,
		rules:    verdict.NewRules(cfg.fixes),
		memory:   memory.New(),
		searches: newSearches(),
		watches:  stranger.NewWatches(cfg.suffixes.Search()),
		idle:     bounded.NewPool[pair](maxPairs),
	}}
	p.asker = lookup.New(lookup.Options{
		Name: pluginName, Next: next, Max: lookup.MaxLookups, KeepAddrs: cfg.fixes[verdict.Wildcard],
		AskAgain: (cfg.fixes[verdict.Failure] || cfg.fixes[verdict.Search]) && !cfg.report, OnAnswer: p.memory.Learn,
	})
	if cfg.clients {
		p.pairs = libc.NewTable()
	}
	return p
}

// Name implements [plugin.Handler].
func (p *Muslsafe) Name() string { return pluginName }

// ServeDNS implements [plugin.Handler]. The steps are ordered so that each one can make the following ones unnecessary.
func (p *Muslsafe) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if lookup.IsMarked(ctx) { // part of a query that is being judged
		return p.asker.Pass(ctx, w, r)
	}
	counts := seriesOf(ctx)
	if !concerns(r) {
		counts.queries[untouched].Inc()
		return p.asker.Pass(ctx, w, r)
	}
	q := p.take()
	defer p.release(q)
	q.set(ctx, counts, w, r)
	if !p.cfg.covers(q.Name) {
		counts.queries[untouched].Inc()
		return q.passUnjudged()
	}
	q.countLibc()
	if m := q.complete(); m != nil {
		return q.answerWith(m, verdict.Complete)
	}
	if m := q.leak(); m != nil {
		return q.answerWith(m, verdict.Leak)
	}
	return judgeOrPass(q)
}

// concerns reports whether r is a query that muslsafe may answer or judge. A client that sets DO or CD validates
// and must see what was signed (RFC 4035, section 3.2). A client that signs its query accepts only a signed answer
// (RFC 8945, section 5.3). In CoreDNS 1.13, tsig comes after muslsafe and has not removed the TSIG record yet.
func concerns(r *dns.Msg) bool {
	if len(r.Question) != 1 || r.Question[0].Qclass != dns.ClassINET || r.Opcode != dns.OpcodeQuery {
		return false
	}
	opt := r.IsEdns0()
	return !r.CheckingDisabled && r.IsTsig() == nil && (opt == nil || !opt.Do())
}

// query is a query of a client that muslsafe may answer or judge.
type query struct {
	lookup.Client
	*core
	counts *series
	began  time.Time // when muslsafe began to work on it; zero if it has not

	isSearched bool // complete has searched the names ahead and found nothing
}

// set fills in a query of a client.
func (q *query) set(ctx context.Context, counts *series, w dns.ResponseWriter, r *dns.Msg) {
	q.Asker, q.counts, q.Counts = q.asker, counts, counts
	q.Context, q.Writer, q.Query, q.Name = ctx, w, r, names.Lower(r.Question[0].Name)
	q.Open()
}

// asksAddress reports whether the query is for A or AAAA.
func (q *query) asksAddress() bool { return q.Qtype() == dns.TypeA || q.Qtype() == dns.TypeAAAA }

// passOn hands the query to the next plugin unchanged. Lookups that the plugin then sends through the whole server are
// judged like any other query.
func (q *query) passOn() (int, error) { return q.Asker.Pass(q.Context, q.Writer, q.Query) }

// passUnjudged hands the query to the next plugin unchanged. Lookups that the plugin sends for it are not judged.
func (q *query) passUnjudged() (int, error) {
	return q.Asker.Pass(lookup.WithMark(q.Context), q.Writer, q.Query)
}

// answerWith writes m, the answer of a fix, instead of asking the next plugin.
func (q *query) answerWith(m *dns.Msg, f verdict.Fix) (int, error) {
	q.counts.record(q.Context, f)
	if q.cfg.report {
		return q.passOn()
	}
	return dns.RcodeSuccess, q.Writer.WriteMsg(m)
}

// leak returns the denial of a name that only search expansion can make, and nil for any other name.
func (q *query) leak() *dns.Msg {
	at, ok := q.cfg.suffixes.Leak(q.Name)
	if !ok || !q.cfg.fixes[verdict.Leak] {
		return nil
	}
	zone := q.Query.Question[0].Name[at:]
	return reply.Denial{Rcode: dns.RcodeNameError, Zone: zone, TTL: q.cfg.ttl, Fix: verdict.Leak}.To(q.Query)
}

// mustFit reports whether answers have to be small: fit is on, and the client came over UDP and sent no OPT record.
func (q *query) mustFit() bool {
	if !q.cfg.fixes[verdict.Fit] || q.Query.IsEdns0() != nil {
		return false
	}
	_, tcp := lookup.AddrOf(q.Writer)
	return !tcp
}

// askBoth asks for the A and the AAAA records of a name, or only for the A records if AAAA follows from them.
func (q *query) askBoth(name string) []*lookup.Lookup {
	a := q.Ask(name, dns.TypeA)
	if q.cfg.fixes[verdict.IPv4Only] {
		return []*lookup.Lookup{a}
	}
	return []*lookup.Lookup{a, q.Ask(name, dns.TypeAAAA)}
}

// halfOf returns the index of a type, A or AAAA, in a pair.
func halfOf(qtype uint16) int {
	if qtype == dns.TypeAAAA {
		return 1
	}
	return 0
}

// claim reports whether the client's failing half may be denied because the other half has addresses. The client must have
// asked for the other half too, or it would lose its only answer. And the other half must not have been denied to it, or it
// would conclude that the name has no addresses at all, although both have been found.
func (q *query) claim(elapsed time.Duration) verdict.Answer {
	now := time.Now()
	switch {
	case !q.memory.HasAsked(&q.Client, lookup.SiblingOf(q.Qtype()), now):
		if elapsed < pairedAfter {
			return verdict.Open
		}
	case q.memory.Deny(&q.Client, now):
		return verdict.Yes
	}
	return verdict.No
}
