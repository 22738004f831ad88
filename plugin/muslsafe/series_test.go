package muslsafe

import (
	"context"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestDecisions checks that each query of a client is counted once, with what was decided.
func TestDecisions(t *testing.T) {
	dnssec := query(plainName, dns.TypeA)
	dnssec.SetEdns0(1232, true)
	for _, tc := range []struct {
		about string
		r     *dns.Msg
		want  decision
	}{
		{"an address", query(plainName, dns.TypeA), passed},
		{"another type", query(plainName, dns.TypeTXT), passed},
		{"a denied half", query(plainName, dns.TypeAAAA), fixed},
		{"a leak", query(leaked, dns.TypeSRV), fixed},
		{"a validator", dnssec, untouched},
		{"an exception", query("www.legacy.example.net.", dns.TypeAAAA), untouched},
	} {
		p := testPlugin(answers(data, nxdomain))
		p.cfg.except = []domain{"legacy.example.net."}
		before := decisions()
		_, _, _ = exchange(t, p, tc.r)
		for d, n := range decisions() {
			want := 0.0
			if decision(d) == tc.want {
				want = 1
			}
			if got := n - before[d]; got != want {
				t.Errorf("%s: %s rose by %v; want %v", tc.about, decision(d), got, want)
			}
		}
	}
}

func decisions() (counts [numDecisions]float64) {
	for d := range numDecisions {
		counts[d] = testutil.ToFloat64(queriesTotal.WithLabelValues("", "", d.String()))
	}
	return counts
}

// TestSilences counts halves that nobody answers, once each, and no half that fails at once.
func TestSilences(t *testing.T) {
	for _, tc := range []struct {
		about       string
		a, aaaa     outcome
		qtype       uint16
		wantA, want float64
	}{
		{"AAAA is silent", data, unknown, dns.TypeAAAA, 0, 1},
		{"A is silent", unknown, nxdomain, dns.TypeAAAA, 1, 0},
		{"AAAA fails at once", data, failure, dns.TypeAAAA, 0, 0},
		{"both answer", data, data, dns.TypeAAAA, 0, 0},
	} {
		inVirtualTime(t, func(t *testing.T) {
			a, aaaa := silencesTotal.WithLabelValues("", "", "A"), silencesTotal.WithLabelValues("", "", "AAAA")
			beforeA, before := testutil.ToFloat64(a), testutil.ToFloat64(aaaa)
			p := testPlugin(&upstream{script: map[string]step{
				plainName + " A": {outcome: tc.a}, plainName + " AAAA": {outcome: tc.aaaa},
			}})
			_, _, _ = exchange(t, p, query(plainName, tc.qtype))
			if gotA, got := testutil.ToFloat64(a)-beforeA, testutil.ToFloat64(aaaa)-before; gotA != tc.wantA || got != tc.want {
				t.Errorf("%s: %v of A, %v of AAAA; want %v and %v", tc.about, gotA, got, tc.wantA, tc.want)
			}
		})
	}
}

// TestInFlight looks at the gauge while the next plugin has the query, and after it.
func TestInFlight(t *testing.T) {
	gauge := lookupsInFlight.WithLabelValues("", "")
	before, during := testutil.ToFloat64(gauge), 0.0
	p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		during = testutil.ToFloat64(gauge) - before
		return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
	}))
	_, _, _ = exchange(t, p, query(plainName, dns.TypeA))
	if after := testutil.ToFloat64(gauge) - before; during != 1 || after != 0 {
		t.Errorf("lookups_in_flight rose by %v and then by %v; want 1 and 0", during, after)
	}
}

// TestSeriesAreHeld checks that the metrics of a query are found without memory and are those of its server and view.
func TestSeriesAreHeld(t *testing.T) {
	ctx := context.WithValue(t.Context(), dnsserver.Key{}, &dnsserver.Server{Addr: "dns://:1053"})
	pods := context.WithValue(ctx, dnsserver.ViewKey{}, "pods")
	if s := seriesOf(pods); s != seriesOf(pods) || s == seriesOf(ctx) || s.server != "dns://:1053" || s.view != "pods" {
		t.Errorf("series = %+v; want those of dns://:1053 and pods, each time", s.seriesKey)
	}
	if n := testing.AllocsPerRun(100, func() { seriesOf(pods) }); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
	collectors := []prometheus.Collector{queriesTotal, fixesTotal, silencesTotal, lookupsInFlight, subqueriesTotal, subqueryDuration, pairsTotal}
	for _, c := range collectors {
		if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
			t.Errorf("lint says %v, %v", problems, err)
		}
	}
}
