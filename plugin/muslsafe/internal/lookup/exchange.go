package lookup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/coredns/coredns/plugin/metrics/vars"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

var log = clog.NewWithPlugin("muslsafe")

// An Exchange is a query as the next plugins get it, and then what came back. To them it is the client: it keeps the first
// message that is written to it, and sends nothing.
//
// It is also the context of the query, which saves an allocation. Lookups that a later plugin sends through the whole server
// (kubernetes for an ExternalName, file for a CNAME) carry its mark and pass, because their answers become part of an answer
// that is judged anyway.
type Exchange struct {
	dns.ResponseWriter
	context.Context
	query    dns.Msg // a copy, because plugins modify what they get
	question [1]dns.Question

	IsSubquery bool // a query of our own, not the client's
	Began      time.Time

	Reply    *dns.Msg // nil if nothing was written; belongs to the plugin that made it and must not be modified
	Half     verdict.Half
	rcode    int
	err      error
	panicked any
}

// prepare makes the query, which begins now. Nobody else may have its context.
func (x *Exchange) prepare(ctx context.Context, w dns.ResponseWriter, o *origin, now time.Time) {
	x.ResponseWriter, x.Context, x.Began = w, ctx, now
	x.query.MsgHdr = o.header
	if o.edns != nil {
		x.query.Extra = o.edns.Copy().Extra
	}
	x.question[0] = o.question
	x.query.Question = x.question[:]
}

// WriteMsg implements [dns.ResponseWriter].
func (x *Exchange) WriteMsg(m *dns.Msg) error {
	if x.Reply == nil {
		x.Reply = m
	}
	return nil
}

// Write implements [dns.ResponseWriter], for plugins that pack their messages themselves.
func (x *Exchange) Write(wire []byte) (int, error) {
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return 0, err
	}
	return len(wire), x.WriteMsg(m)
}

// Value implements [context.Context].
func (x *Exchange) Value(key any) any {
	if key == (mark{}) {
		return true
	}
	return x.Context.Value(key)
}

// hasFailed reports whether the query may be worth repeating.
func (x *Exchange) hasFailed() bool { return x.Half.Outcome == verdict.Failed && x.panicked == nil }

// Failure returns how a query failed: the return code of the message that was written, or what the next plugin returned.
func (x *Exchange) Failure() (isWritten bool, rcode int, err error) {
	if x.Reply == nil {
		return false, x.rcode, x.err
	}
	return true, cmp.Or(x.Reply.Rcode&0xF, dns.RcodeServerFailure), nil // an extended return code needs an OPT record
}

// Take returns what came back as the answer to the client whose context is ctx, which gets the metadata that plugins wrote.
func (x *Exchange) Take(ctx context.Context) (m *dns.Msg, rcode int, err error) {
	copyMetadata(ctx, x.Context)
	return x.Reply, x.rcode, x.err
}

// examine reads what others need to know from the message.
func (x *Exchange) examine(qtype uint16, keepAddrs bool) {
	x.Half = verdict.Read(x.Reply, x.rcode, qtype)
	if keepAddrs && x.Half.Outcome == verdict.Data {
		x.Half.Addrs = verdict.Addresses(x.Reply, qtype)
	}
}

// recover, deferred, turns a panic into a failure. Queries run in goroutines where nobody else would recover. If the query is a
// client's own, the panic is kept for the goroutine that serves the client.
func (x *Exchange) recover() {
	cause := recover()
	if cause == nil {
		return
	}
	x.Reply, x.Half = nil, verdict.Half{Outcome: verdict.Failed}
	x.rcode, x.err = dns.RcodeServerFailure, errors.New("a plugin panicked")
	x.panicked = fmt.Sprintf("%v\n%s", cause, debug.Stack())
	if x.IsSubquery {
		vars.Panic.Inc()
		log.Errorf("Recovered from a panic while asking for %s: %v", x.question[0].Name, x.panicked)
	}
}
