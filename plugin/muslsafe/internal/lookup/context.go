package lookup

import (
	"context"
	"maps"
	"strings"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/transport"
	"github.com/miekg/dns"
)

// mark is the key of what a lookup leaves in the context of its query.
type mark struct{}

// WithMark returns ctx with the mark of a query whose answer is to pass as it comes, with the lookups that go into it.
func WithMark(ctx context.Context) context.Context { return context.WithValue(ctx, mark{}, true) }

// IsMarked reports whether ctx belongs to a query that is judged already, or must not be.
func IsMarked(ctx context.Context) bool { return ctx.Value(mark{}) != nil }

// detached returns ctx as a query of ours gets it. It goes on when the client is gone (DNS over HTTPS ends its context
// then): others may have joined it, and cache refreshes what it has in the background.
func detached(ctx context.Context) context.Context {
	ctx = withOwnMetadata(ctx)
	if ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// withOwnMetadata returns ctx with a copy of its metadata: what plugins note about a lookup must not meet what others
// note or read meanwhile.
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

// copyMetadata gives ctx what plugins have noted in that of a lookup.
func copyMetadata(ctx, from context.Context) {
	if values := metadata.ValueFuncs(ctx); values != nil {
		maps.Copy(values, metadata.ValueFuncs(from))
	}
}

// isDatagram reports whether a query came over UDP itself, where nobody waits for the plugin once the client is answered.
// Elsewhere, the next query of a connection is not read before the plugin returns, or the answer is not sent.
func isDatagram(ctx context.Context, w dns.ResponseWriter) bool {
	if _, tcp := AddrOf(w); tcp {
		return false
	}
	server, ok := ctx.Value(dnsserver.Key{}).(*dnsserver.Server)
	return !ok || strings.HasPrefix(server.Addr, transport.DNS+"://")
}
