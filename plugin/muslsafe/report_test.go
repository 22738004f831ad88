package muslsafe

import (
	"context"
	"testing"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestReportChangesNothing has every pair with all fixes on: with report, what comes and when it comes is what comes
// without the plugin.
func TestReportChangesNothing(t *testing.T) {
	behaviours := []outcome{data, nodata, nxdomain, failure, unknown}
	for _, a := range behaviours {
		for _, aaaa := range behaviours {
			inVirtualTime(t, func(t *testing.T) {
				u := &upstream{script: map[string]step{
					nodeName + " A": {outcome: a}, nodeName + " AAAA": {outcome: aaaa}, nextName + " A": {outcome: data},
				}}
				p := testPlugin(u)
				p.cfg.report = true
				with, without := lookup(t, p, nodeName), lookup(t, u, nodeName)
				for i := range with {
					if with[i].outcome != without[i].outcome || with[i].after > max(without[i].after, overAfter) {
						t.Errorf("%s %s: %s after %v; want %s after %v", a, aaaa, with[i].outcome, with[i].after, without[i].outcome, without[i].after)
					}
				}
			})
		}
	}
}

// TestIPv4onlyReport counts what ipv4only would do, and lets AAAA through.
func TestIPv4onlyReport(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{plainName + " A": {outcome: data}, plainName + " AAAA": {outcome: data}}}
		cfg := newConfig()
		cfg.suffixes, cfg.report = testSuffixes, true
		cfg.enabled[fixIPv4only] = true
		counter := fixesTotal.WithLabelValues("", "", "ipv4only")
		before := testutil.ToFloat64(counter)
		if got := lookup(t, newMuslsafe(u, cfg), plainName); got[1].outcome != data {
			t.Errorf("AAAA = %s; want data, as it came", got[1].outcome)
		}
		if n := testutil.ToFloat64(counter) - before; n != 1 {
			t.Errorf("fixes_total rose by %v; want 1", n)
		}
	})
}

// TestReport checks that report counts as the fixes would, and that the client gets the very message of the next
// plugin.
func TestReport(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    fix
	}{{leaked, fixLeak}, {"www.example.com.", fixPair}} {
		t.Run(tc.f.String(), func(t *testing.T) {
			var wrote *dns.Msg
			p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.Question[0].Qtype == dns.TypeAAAA && tc.f == fixPair {
					return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
				}
				wrote = answer(r, nxdomain)
				return dns.RcodeSuccess, w.WriteMsg(wrote)
			}))
			p.cfg.report = true
			ctx := metadata.ContextWithMetadata(t.Context())
			before := testutil.ToFloat64(fixesTotal.WithLabelValues("", "", tc.f.String()))

			m, _, err := exchangeContext(ctx, t, p, query(tc.name, dns.TypeA))
			if err != nil || m == nil || m != wrote {
				t.Errorf("reply = %v, %v; want the message of the next plugin", m, err)
			}
			if got := testutil.ToFloat64(fixesTotal.WithLabelValues("", "", tc.f.String())) - before; got != 1 {
				t.Errorf("fixes_total rose by %v; want 1", got)
			}
			if got := metadata.ValueFunc(ctx, "muslsafe/fix"); got == nil || got() != tc.f.String() {
				t.Errorf("metadata muslsafe/fix is not %q", tc.f)
			}
		})
	}
}
