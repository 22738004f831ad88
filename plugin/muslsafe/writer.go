package muslsafe

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
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

	key      flightKey
	ours     bool // a query of our own, not the client's
	began    time.Time
	query    dns.Msg
	question [1]dns.Question

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

// newFlight prepares a query for qtype with the header and the options of r.
func newFlight(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, key flightKey) *flight {
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

// isWatched reports whether ctx belongs to a query that muslsafe watches already.
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
