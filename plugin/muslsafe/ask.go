package muslsafe

import (
	"context"
	"maps"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/miekg/dns"
	"github.com/opentracing/opentracing-go"
)

// next hands a query to the next plugin. It is [plugin.NextOrFailure] without the writer that this wraps around
// w, one allocation for each query: that writer tells the metrics who answered, and cannot tell them through
// ours. Spans need the real one.
func (m *Muslsafe) next(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if m.Next == nil || opentracing.SpanFromContext(ctx) != nil {
		return plugin.NextOrFailure(m.Name(), m.Next, ctx, w, r)
	}
	return m.Next.ServeDNS(ctx, w, r)
}

// askSibling asks the rest of the chain for the other half of the pair that r is one half of, on behalf of the
// same client, so that access rules hold for it.
func (m *Muslsafe) askSibling(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) outcome {
	sub := r.Copy() // plugins may modify the query they are given
	sub.Question[0].Qtype = siblingType(r.Question[0].Qtype)

	sw := &watch{ResponseWriter: w, Context: withOwnMetadata(ctx)}
	_, _ = m.next(sw, sw, sub) // what matters is what was written; the client's own half reports the error
	return outcomeOf(sw.msg, siblingType(r.Question[0].Qtype))
}

// siblingType returns AAAA for A, and A for AAAA.
func siblingType(qtype uint16) uint16 {
	if qtype == dns.TypeA {
		return dns.TypeAAAA
	}
	return dns.TypeA
}

// withOwnMetadata returns ctx with a copy of its metadata: what plugins note about a sub-query must not replace
// what they noted about the query of the client.
func withOwnMetadata(ctx context.Context) context.Context {
	values := metadata.ValueFuncs(ctx)
	if values == nil {
		return ctx
	}
	ctx = metadata.ContextWithMetadata(ctx)
	maps.Copy(metadata.ValueFuncs(ctx), values)
	return ctx
}
