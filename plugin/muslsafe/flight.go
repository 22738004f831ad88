package muslsafe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/miekg/dns"
)

// flight is one query on its way through the rest of the chain. To the chain it is the client: it keeps the first
// message that is written to it, and writes nothing.
//
// It is the context of the query as well, so that one allocation serves for both: lookups that a plugin further
// down sends through the whole server (kubernetes for an ExternalName, file for a CNAME) carry its mark and are
// passed on, as their answers become part of an answer that is judged anyway.
//
// The query is a copy, because the client may get its answer while the flight is still in the air.
type flight struct {
	dns.ResponseWriter
	context.Context

	counts *series
	key    flightKey

	ours       bool // a query of our own, not the client's
	isExpected bool // to land at once
	began      time.Time
	query      dns.Msg
	question   [1]dns.Question

	// Guarded by flights.mu until the flight has landed.
	wakes  []chan<- struct{} // those who wait for it, besides the first
	wake   chan<- struct{}   // the first who waits for it
	shared bool              // somebody else than the first wants the message

	// Written before landed is set, and only read after.
	landed   atomic.Bool
	msg      *dns.Msg // nil if nothing was written; belongs to the plugin that made it, so must not be modified
	copied   *dns.Msg // of msg, if shared
	rcode    int
	err      error
	panicked any
	outcome  outcome
	isCut    bool         // msg was truncated
	isBare   bool         // and nothing of the asked type is left in it
	failed   int          // return code of the failure that was written, else 0
	addrs    []netip.Addr // of msg, in order, if a wildcard is looked for
}

// newFlight prepares a query with the header and the options of r. It goes on when the client of ctx is gone (DNS over
// HTTPS ends its context then): others may have joined it, and cache refreshes what it has in the background.
func newFlight(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, key flightKey) *flight {
	ctx = withOwnMetadata(ctx)
	if ctx.Done() != nil {
		ctx = context.WithoutCancel(ctx)
	}
	f := &flight{ResponseWriter: w, Context: ctx, key: key, began: time.Now()}
	f.query = *r
	if len(r.Answer)+len(r.Ns)+len(r.Extra) > 0 {
		f.query = *r.Copy() // plugins may modify the records of a query, OPT above all
	}
	f.question[0] = r.Question[0]
	f.query.Question = f.question[:]
	return f
}

// WriteMsg implements [dns.ResponseWriter].
func (f *flight) WriteMsg(m *dns.Msg) error {
	if f.msg == nil {
		f.msg = m
	}
	return nil
}

// Write implements [dns.ResponseWriter]. A plugin that packs its message itself must not reach the client either.
func (f *flight) Write(wire []byte) (int, error) {
	m := new(dns.Msg)
	if err := m.Unpack(wire); err != nil {
		return 0, err
	}
	return len(wire), f.WriteMsg(m)
}

// examine reads from the message what others need to know.
func (f *flight) examine(keepAddrs bool) {
	f.outcome = outcomeOf(f.msg, f.key.qtype)
	if f.isCut = f.msg != nil && f.msg.Truncated; f.isCut {
		f.isBare = !slices.ContainsFunc(f.msg.Answer, isType(f.key.qtype))
	}
	if f.msg != nil && f.outcome == failure {
		f.failed = cmp.Or(f.msg.Rcode&0xF, dns.RcodeServerFailure) // an extended return code needs an OPT record
	}
	if keepAddrs && f.outcome == data {
		f.addrs = addresses(f.msg, f.key.qtype)
	}
}

// copy keeps the message for others than the first who waits for it.
func (f *flight) copy() {
	defer f.crash()
	if f.msg != nil {
		f.copied = f.msg.Copy()
	}
}

// crash, deferred, makes a failure of a panic. A flight has a goroutine of its own, where nobody else would recover from
// it; if the query is a client's, the panic is kept for the goroutine that serves that, where the server expects it.
func (f *flight) crash() {
	cause := recover()
	if cause == nil {
		return
	}
	f.msg, f.outcome = nil, failure
	f.rcode, f.err = dns.RcodeServerFailure, errors.New("a plugin panicked")
	f.panicked = fmt.Sprintf("%v\n%s", cause, debug.Stack())
	if f.ours {
		vars.Panic.Inc()
		log.Errorf("Recovered from a panic while asking for %s: %v", f.question[0].Name, f.panicked)
	}
}

// overTCP makes the chain take a client for one that came over TCP, so that forward asks over TCP (which it decides by
// the type of the address alone). The address stays that of the client, which access rules go by.
type overTCP struct{ dns.ResponseWriter }

// RemoteAddr implements [dns.ResponseWriter].
func (w overTCP) RemoteAddr() net.Addr {
	if addr, ok := w.ResponseWriter.RemoteAddr().(*net.UDPAddr); ok {
		return &net.TCPAddr{IP: addr.IP, Port: addr.Port, Zone: addr.Zone}
	}
	return w.ResponseWriter.RemoteAddr()
}

// watched is the key of the mark that a flight leaves in the context.
type watched struct{}

// Value implements [context.Context].
func (f *flight) Value(key any) any {
	if key == (watched{}) {
		return f
	}
	return f.Context.Value(key)
}

// withWatch returns ctx with the mark of a query of which the whole answer is to pass as it comes, with the lookups that
// go into it.
func withWatch(ctx context.Context) context.Context { return context.WithValue(ctx, watched{}, true) }

// isWatched reports whether ctx belongs to a query that is judged already, or must not be.
func isWatched(ctx context.Context) bool { return ctx.Value(watched{}) != nil }

// withOwnMetadata returns ctx with a copy of its metadata: what plugins note about a query in the air must not meet
// what others note or read meanwhile.
func withOwnMetadata(ctx context.Context) context.Context {
	values := metadata.ValueFuncs(ctx)
	if values == nil {
		return ctx
	}
	ctx = metadata.ContextWithMetadata(ctx)
	for label, f := range values {
		metadata.SetValueFunc(ctx, label, f)
	}
	return ctx
}
