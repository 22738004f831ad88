package promise

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	_ "github.com/coredns/coredns/plugin/cache"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestCaches goes on looking up a name while a cache answers from what it has, from what is stale, and refreshes what it
// has in the background.
func TestCaches(t *testing.T) {
	pairs := [][2]upstream.Answer{
		{upstream.Data, upstream.NXDomain}, {upstream.NXDomain, upstream.Data}, {upstream.Data, upstream.ServFail},
		{upstream.NoData, upstream.NoData}, {upstream.NXDomain, upstream.NoData}, {upstream.Refused, upstream.Refused},
	}
	tests := []struct {
		about, cache string
		dies         bool // the upstream, after the first lookup
	}{
		{"plain", "cache 30", false},
		{"failures not kept", "cache 30 {\n servfail 0\n}", false},
		{"prefetch", "cache 30 {\n prefetch 1 1m 50%\n}", false},
		{"stale at once", "cache 30 {\n serve_stale 1h immediate\n}", true},
		{"stale after a try", "cache 30 {\n serve_stale 1h verify 200ms\n}", true},
	}
	for _, tc := range tests {
		for _, pair := range pairs {
			if tc.dies && (pair[0] == upstream.Refused || pair[1] == upstream.ServFail) {
				continue // nothing that could be stale
			}
			t.Run(tc.about, func(t *testing.T) {
				w := world{zones: []upstream.Zone{
					{Name: "d1.test.", Net: 1, A: upstream.Behaviour{Answer: pair[0]}, AAAA: upstream.Behaviour{Answer: pair[1]}},
					{Name: "d2.test.", Net: 2},
				}}
				synctest.Test(t, func(t *testing.T) { w.keepLookingUp(t, tc.cache, tc.dies) })
			})
		}
	}
}

func (w world) keepLookingUp(t *testing.T, corefile string, dies bool) {
	var isDead atomic.Bool
	alive := forward(w.script())
	dead := forward(&upstream.Script{Zones: []upstream.Zone{{Name: "test.", A: silent, AAAA: silent}}})
	h := setUp(t, "cache", corefile, test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if isDead.Load() {
			return dead.ServeDNS(ctx, w, r)
		}
		return alive.ServeDNS(ctx, w, r)
	}))
	h = muslsafe(t, h)
	for range 12 {
		for _, model := range stub.Models() {
			if problem := w.problem(look(model, config(t, model, resolvConf), name, stub.Both, h)); problem != "" {
				t.Errorf("%s: %s in %v", model.Name, problem, w)
			}
		}
		isDead.Store(dies)
		time.Sleep(7 * time.Second)
	}
}

var silent = upstream.Behaviour{Answer: upstream.Silence}

// setUp returns a plugin as a Corefile sets it up, in front of next.
func setUp(t *testing.T, name, corefile string, next plugin.Handler) plugin.Handler {
	t.Helper()
	setup, err := caddy.DirectiveAction("dns", name)
	if err != nil {
		t.Fatal(err)
	}
	c := caddy.NewTestController("dns", corefile)
	c.ServerBlockKeys = []string{"."}
	if err := setup(c); err != nil {
		t.Fatal(err)
	}
	return dnsserver.GetConfig(c).Plugin[0](next)
}
