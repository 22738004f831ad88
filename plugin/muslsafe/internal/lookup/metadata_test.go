package lookup

import (
	"context"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestMetadataOfTwoQueries has a plugin note something before it asks its upstream and after that, as forward does for each
// upstream that it tries. The second query must not meet that: the map of the metadata has no lock.
func TestMetadataOfTwoQueries(t *testing.T) {
	inVirtualTime(t, "silent", func(t *testing.T) {
		a := newAsker(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			for range 3 {
				metadata.SetValueFunc(ctx, "test/upstream", func() string { return "192.0.2.53" })
				time.Sleep(Hedge - 100*time.Millisecond)
			}
			return dns.RcodeSuccess, w.WriteMsg(sample.Answer(r, verdict.Data))
		}))
		ctx := metadata.ContextWithMetadata(t.Context())
		metadata.SetValueFunc(ctx, "test/client", func() string { return "198.51.100.1" })
		if m, _, _ := askOwn(ctx, a, sample.Query(wwwName, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != verdict.Data {
			t.Errorf("the client gets %v; want the address", m)
		}
		for label, want := range map[string]string{"test/upstream": "192.0.2.53", "test/client": "198.51.100.1"} {
			if f := metadata.ValueFunc(ctx, label); f == nil || f() != want {
				t.Errorf("the client has no %s of %s", label, want)
			}
		}
	})
}
