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

// mark is the key of the mark that a lookup leaves in the context of its query.
type mark struct{}

// WithMark returns ctx with the mark of a query whose answer passes unchanged, and so do the lookups that plugins send for it.
func WithMark(ctx context.Context) context.Context { return context.WithValue(ctx, mark{}, true) }

// IsMarked reports whether ctx belongs to a query that is already being judged, or must not be.
func IsMarked(ctx context.Context) bool { return ctx.Value(mark{}) != nil }

// detached returns the context of a query of ours. It outlives the client, whose context DNS over HTTPS ends: others may have
// joined the query, and cache refreshes its contents in the background.
func detached(ctx context.Context) context.Context {
	ctx = withOwnMetadata(ctx)
	if ctx.Done() == nil {
		return ctx
	}
	return context.WithoutCancel(ctx)
}

// withOwnMetadata returns ctx with a copy of its metadata: plugins write to it during a lookup while others read and write the
// original.
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

// copyMetadata gives ctx the metadata that plugins have written during a lookup.
func copyMetadata(ctx, from context.Context) {
	if values := metadata.ValueFuncs(ctx); values != nil {
		maps.Copy(values, metadata.ValueFuncs(from))
	}
}

// isDatagram reports whether a query came over plain UDP, where nothing waits for the plugin to return once the client is
// answered. With other transports, the next query of a connection is not read, or the answer is not sent, until then.
func isDatagram(ctx context.Context, w dns.ResponseWriter) bool {
	if _, tcp := AddrOf(w); tcp {
		return false
	}
	server, ok := ctx.Value(dnsserver.Key{}).(*dnsserver.Server)
	return !ok || strings.HasPrefix(server.Addr, transport.DNS+"://")
}
