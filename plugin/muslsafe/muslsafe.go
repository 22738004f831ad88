// Package muslsafe implements a CoreDNS plugin that makes the answers of a DNS server safe for programs that are
// linked with musl, whose resolver is strict where that of glibc is forgiving.
package muslsafe

import (
	"context"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
)

// Muslsafe answers names that only search expansion can make, and keeps the A and the AAAA half of a lookup in
// agreement. It is safe for concurrent use.
type Muslsafe struct {
	Next plugin.Handler

	cfg *config
}

// Name implements [plugin.Handler].
func (m *Muslsafe) Name() string { return pluginName }

// ServeDNS implements [plugin.Handler].
func (m *Muslsafe) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if !concerns(ctx, r) {
		return plugin.NextOrFailure(m.Name(), m.Next, ctx, w, r)
	}
	name := lower(r.Question[0].Name)
	if !m.cfg.covers(name) {
		return plugin.NextOrFailure(m.Name(), m.Next, ctx, w, r)
	}
	if at, ok := m.cfg.suffixes.leak(name); ok && m.cfg.enabled[fixLeak] {
		return m.serveLeak(ctx, w, r, at)
	}
	if !m.cfg.enabled[fixPair] || !asksAddress(r) {
		return plugin.NextOrFailure(m.Name(), m.Next, ctx, w, r)
	}
	return m.servePair(ctx, w, r, name)
}

// concerns reports whether r is a query that muslsafe may answer or judge. A client that sets DO or CD validates
// and must see what was signed (RFC 4035, section 3.2); a watched query is part of one that is judged already.
func concerns(ctx context.Context, r *dns.Msg) bool {
	if len(r.Question) != 1 || r.Question[0].Qclass != dns.ClassINET || r.Opcode != dns.OpcodeQuery {
		return false
	}
	if opt := r.IsEdns0(); r.CheckingDisabled || opt != nil && opt.Do() {
		return false
	}
	return !isWatched(ctx)
}

func asksAddress(r *dns.Msg) bool {
	return r.Question[0].Qtype == dns.TypeA || r.Question[0].Qtype == dns.TypeAAAA
}

// serveLeak denies a name, of which the part from offset at on cannot exist.
func (m *Muslsafe) serveLeak(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, at int) (int, error) {
	note(ctx, fixLeak)
	if m.cfg.report {
		return plugin.NextOrFailure(m.Name(), m.Next, ctx, w, r)
	}
	return dns.RcodeSuccess, w.WriteMsg(denial(r, r.Question[0].Name[at:], m.cfg.ttl, fixLeak))
}

// servePair asks the rest of the chain, judges what it writes together with the other half of the pair, and
// writes the result.
func (m *Muslsafe) servePair(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string) (int, error) {
	own := &watch{ResponseWriter: w, Context: ctx}
	rcode, err := m.next(own, own, r)
	if own.msg == nil {
		return rcode, err
	}
	if !plugin.ClientWrite(rcode) {
		rcode = dns.RcodeSuccess // something was written, so nobody may write again
	}
	reply := m.settle(ctx, w, r, own.msg, name)
	if werr := w.WriteMsg(reply); err == nil {
		err = werr
	}
	return rcode, err
}

// settle returns the message that answers r: reply itself, or what the judgement makes of it.
func (m *Muslsafe) settle(ctx context.Context, w dns.ResponseWriter, r, reply *dns.Msg, name string) *dns.Msg {
	own := outcomeOf(reply, r.Question[0].Qtype)
	if !needsSibling(own) {
		return reply
	}
	sibling := m.askSibling(ctx, w, r)
	countSubquery(ctx, sibling)

	at, expanded := m.cfg.suffixes.expanded(name)
	if judge(own, sibling, expanded) == pass {
		return reply
	}
	note(ctx, fixPair)
	if m.cfg.report {
		return reply
	}
	return asNodata(reply, r, r.Question[0].Name[at:], m.cfg.ttl, fixPair)
}
