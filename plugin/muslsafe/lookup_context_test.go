package muslsafe

import (
	"context"
	"testing"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestMetadataAfterFailure has a lookup note metadata after the client has its answer, which must not meet what is read then.
func TestMetadataAfterFailure(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			metadata.SetValueFunc(ctx, "test/first", func() string { return "1" })
			if r.Question[0].Qtype == dns.TypeAAAA {
				time.Sleep(silence)
			}
			metadata.SetValueFunc(ctx, "test/second", func() string { return "2" })
			return give(w, r, data)
		}))
		for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			ctx, want := metadata.ContextWithMetadata(t.Context()), 2-i
			_, _, _ = exchangeContext(ctx, t, p, newQuery(plainName, qtype))
			if got := len(metadata.Labels(ctx)); got != want { // those of the plugin, or that of the fix
				t.Errorf("%s: metadata %v; want %d labels", dns.TypeToString[qtype], metadata.Labels(ctx), want)
			}
		}
	})
}

// TestMetadataOfSubquery checks that what plugins note about the other half does not replace what they noted about the
// query of the client.
func TestMetadataOfSubquery(t *testing.T) {
	p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		qtype := dns.TypeToString[r.Question[0].Qtype]
		if f := metadata.ValueFunc(ctx, "client/id"); f == nil || f() != "7" {
			t.Errorf("%s: metadata of the client is lost", qtype)
		}
		metadata.SetValueFunc(ctx, "test/type", func() string { return qtype })
		return give(w, r, nxdomain)
	}))
	ctx := metadata.ContextWithMetadata(t.Context())
	metadata.SetValueFunc(ctx, "client/id", func() string { return "7" })
	if _, _, err := exchangeContext(ctx, t, p, newQuery(plainName, dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if got := metadata.ValueFunc(ctx, "test/type")(); got != "A" {
		t.Errorf("test/type = %q after the query; want A", got)
	}
	if metadata.ValueFunc(ctx, "muslsafe/fix") != nil {
		t.Error("muslsafe/fix is set without a fix")
	}
}

// TestBackgroundWork has a plugin that answers at once and goes on in the background, as cache does to refresh what it has.
// That work must outlive the lookup that started it, and the client.
func TestBackgroundWork(t *testing.T) {
	for _, tc := range []struct {
		about   string
		qtype   uint16 // of the query that the work is done for
		overTCP bool
	}{
		{"own half", dns.TypeAAAA, false},
		{"sibling", dns.TypeA, false},
		{"own half over TCP", dns.TypeAAAA, true},
	} {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			errs := make(chan error, 1)
			p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				overTCP := isOverTCP(w)
				m := answer(r, nxdomain)
				switch {
				case r.Question[0].Qtype == dns.TypeA:
					m = answer(r, data)
				case tc.overTCP:
					m = answer(r, data)
					m.Truncated = !overTCP
				}
				if r.Question[0].Qtype == tc.qtype && overTCP == tc.overTCP {
					go func() {
						time.Sleep(time.Minute)
						errs <- ctx.Err()
					}()
				}
				return dns.RcodeSuccess, w.WriteMsg(m)
			}))
			ctx, cancel := context.WithCancel(t.Context())
			_, _, _ = exchangeContext(ctx, t, p, newQuery(plainName, dns.TypeAAAA))
			cancel()
			if err := <-errs; err != nil {
				t.Errorf("the work in the background was ended: %v", err)
			}
		})
	}
}

// TestClientGoes has a query join the lookup of another one, whose context ends when that has its answer (DNS over HTTPS).
func TestClientGoes(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			select {
			case <-ctx.Done():
				return dns.RcodeServerFailure, ctx.Err()
			case <-time.After(700 * ms):
				return give(w, r, data)
			}
		}))
		go func() { // asks for AAAA after half a second, and is gone before that comes
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, _, _ = exchangeContext(ctx, t, p, newQuery(plainName, dns.TypeA))
		}()
		time.Sleep(600 * ms)
		if m, _, err := exchange(t, p, newQuery(plainName, dns.TypeAAAA)); verdict.OutcomeOf(m, dns.TypeAAAA) != data {
			t.Errorf("reply = %v, %v; want the address", m, err)
		}
	})
}

// TestAheadIsRouted has a server with three blocks. What a client would look up next is asked in the block that owns the
// name, and shares no lookup with what this block is asked.
func TestAheadIsRouted(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		fails := answers(failure, failure)
		p := testPlugin(fails)
		server, err := dnsserver.NewServer("dns://:53", []*dnsserver.Config{
			block("corp.example.org.", p), block("example.org.", answers(data, nodata)), block(".", fails),
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.WithValue(t.Context(), dnsserver.Key{}, server)
		if m, _, _ := exchangeContext(ctx, t, p, newQuery(nodeName, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != nxdomain {
			t.Errorf("reply = %v; want NXDOMAIN, as %s has an address", m, nextName)
		}
	})
}

func block(zone string, h plugin.Handler) *dnsserver.Config {
	cfg := &dnsserver.Config{Zone: zone, Transport: "dns", Port: "53", ListenHosts: []string{""}}
	cfg.AddPlugin(func(plugin.Handler) plugin.Handler { return h })
	return cfg
}
