package muslsafe

import (
	"context"

	"github.com/miekg/dns"
)

// watch stands in for the client while the rest of the chain answers a query: it keeps the first message that is
// written to it, and writes nothing. The message belongs to the plugin that made it and must not be modified.
//
// It is the context of that query as well, so that one allocation serves for both: lookups that a plugin further
// down sends through the whole server (kubernetes for an ExternalName, file for a CNAME) carry its mark and are
// passed on, as their answers become part of an answer that is judged anyway.
type watch struct {
	dns.ResponseWriter
	context.Context
	msg *dns.Msg // nil if nothing was written
}

// WriteMsg implements [dns.ResponseWriter].
func (w *watch) WriteMsg(m *dns.Msg) error {
	if w.msg == nil {
		w.msg = m
	}
	return nil
}

// watched is the key of the mark that a watch leaves in the context.
type watched struct{}

// Value implements [context.Context].
func (w *watch) Value(key any) any {
	if key == (watched{}) {
		return w
	}
	return w.Context.Value(key)
}

// isWatched reports whether ctx belongs to a query that muslsafe watches already.
func isWatched(ctx context.Context) bool { return ctx.Value(watched{}) != nil }
