package muslsafe

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// fixCounts returns what fixes_total says, by fix.
func fixCounts() (counts [verdict.NumFixes]float64) {
	for f := verdict.None + 1; f < verdict.NumFixes; f++ {
		counts[f] = testutil.ToFloat64(fixesTotal.WithLabelValues("", "", f.String()))
	}
	return counts
}

// fixesSince lists the fixes that were counted since, "pair 1 fit 2".
func fixesSince(before [verdict.NumFixes]float64) string {
	var list []string
	for f, n := range fixCounts() {
		if n -= before[f]; n != 0 {
			list = append(list, fmt.Sprint(fix(f), n))
		}
	}
	return strings.Join(list, " ")
}

// decisions returns what queries_total says, by decision.
func decisions() (counts [numDecisions]float64) {
	for d := range numDecisions {
		counts[d] = testutil.ToFloat64(queriesTotal.WithLabelValues("", "", d.String()))
	}
	return counts
}

// subqueryCounts returns what subqueries_total says, by result.
func subqueryCounts() map[string]float64 {
	counts := map[string]float64{}
	for o := unknown; o <= nxdomain; o++ {
		counts[o.String()] = testutil.ToFloat64(subqueriesTotal.WithLabelValues("", "", o.String()))
	}
	return counts
}

// TestDecisions checks that each query of a client is counted once, with what was decided.
func TestDecisions(t *testing.T) {
	dnssec := newQuery(plainName, dns.TypeA)
	dnssec.SetEdns0(1232, true)
	for _, tc := range []struct {
		about string
		r     *dns.Msg
		want  decision
	}{
		{"an address", newQuery(plainName, dns.TypeA), passed},
		{"another type", newQuery(plainName, dns.TypeTXT), passed},
		{"a denied half", newQuery(plainName, dns.TypeAAAA), fixed},
		{"a leak", newQuery(leaked, dns.TypeSRV), fixed},
		{"a validator", dnssec, untouched},
		{"an exception", newQuery("www.legacy.example.net.", dns.TypeAAAA), untouched},
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

// TestSilences checks that a half that nobody answers is counted once, and that one that fails at once is not counted.
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
			p := testPlugin(&upstream{script: pairScript(plainName, step{outcome: tc.a}, step{outcome: tc.aaaa})})
			_, _, _ = exchange(t, p, newQuery(plainName, tc.qtype))
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
		return give(w, r, data)
	}))
	_, _, _ = exchange(t, p, newQuery(plainName, dns.TypeA))
	if after := testutil.ToFloat64(gauge) - before; during != 1 || after != 0 {
		t.Errorf("lookups_in_flight rose by %v and then by %v; want 1 and 0", during, after)
	}
}

// TestSubqueriesAreCounted checks that what muslsafe asks on its own is counted, and what the client asks is not.
func TestSubqueriesAreCounted(t *testing.T) {
	for _, tc := range []struct {
		about string
		next  plugin.Handler
		want  map[string]float64
	}{
		{"an answer that passes", answers(data, data), nil},
		{"a denial", answers(nxdomain, nxdomain), map[string]float64{"nxdomain": 1}},
		{"a failure of A, which is asked for again", answers(failure, nodata), map[string]float64{"nodata": 1, "failure": 1}},
		{"an answer over TCP", writes(cutOverUDP), map[string]float64{"data": 1}},
	} {
		before := subqueryCounts()
		_, _, _ = exchange(t, testPlugin(tc.next), newQuery(plainName, dns.TypeA))
		for result, n := range subqueryCounts() {
			if got := n - before[result]; got != tc.want[result] {
				t.Errorf("%s: %v queries with %s; want %v", tc.about, got, result, tc.want[result])
			}
		}
	}
}

// TestMetrics checks that fixes and queries of our own are counted for the server and the view of the query.
func TestMetrics(t *testing.T) {
	server := &dnsserver.Server{Addr: "dns://:53"}
	ctx := context.WithValue(t.Context(), dnsserver.Key{}, server)
	ctx = context.WithValue(ctx, dnsserver.ViewKey{}, "pods")
	fixes := fixesTotal.WithLabelValues("dns://:53", "pods", "pair")
	asked := subqueriesTotal.WithLabelValues("dns://:53", "pods", "data")
	beforeF, beforeA := testutil.ToFloat64(fixes), testutil.ToFloat64(asked)
	for range 3 {
		_, _, _ = exchangeContext(ctx, t, testPlugin(answers(data, nxdomain)), newQuery(plainName, dns.TypeAAAA))
	}
	if f, a := testutil.ToFloat64(fixes)-beforeF, testutil.ToFloat64(asked)-beforeA; f != 3 || a != 3 {
		t.Errorf("fixes_total rose by %v, subqueries_total by %v; want 3 and 3", f, a)
	}
}

// TestSeriesAreHeld checks that a query gets the metrics of its server and its view, and that this costs no memory.
func TestSeriesAreHeld(t *testing.T) {
	ctx := context.WithValue(t.Context(), dnsserver.Key{}, &dnsserver.Server{Addr: "dns://:1053"})
	pods := context.WithValue(ctx, dnsserver.ViewKey{}, "pods")
	if s := seriesOf(pods); s != seriesOf(pods) || s == seriesOf(ctx) || s.server != "dns://:1053" || s.view != "pods" {
		t.Errorf("series = %+v; want those of dns://:1053 and pods, each time", s.seriesKey)
	}
	if n := testing.AllocsPerRun(100, func() { seriesOf(pods) }); n != 0 {
		t.Errorf("%v allocations; want none", n)
	}
}

// TestMetricsAreLinted checks all metrics.
func TestMetricsAreLinted(t *testing.T) {
	collectors := []prometheus.Collector{queriesTotal, fixesTotal, silencesTotal, lookupsInFlight, subqueriesTotal, subqueryDuration, pairsTotal}
	for _, c := range collectors {
		if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
			t.Errorf("lint says %v, %v", problems, err)
		}
	}
}
