package muslsafe

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
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

// fixCounts returns what fixes_total says, by fix.
func fixCounts() (counts [numFixes]float64) {
	for f := noFix + 1; f < numFixes; f++ {
		counts[f] = testutil.ToFloat64(fixesTotal.WithLabelValues("", "", f.String()))
	}
	return counts
}

// fixesSince lists the fixes that were counted since, "pair 1 fit 2".
func fixesSince(before [numFixes]float64) string {
	var list []string
	for f, n := range fixCounts() {
		if n -= before[f]; n != 0 {
			list = append(list, fmt.Sprint(fix(f), n))
		}
	}
	return strings.Join(list, " ")
}

// TestReportCounts looks up names of each kind for every pair of behaviours: report counts what the fixes would have
// done, and what it lets out is, to the last octet, what the next plugin wrote.
func TestReportCounts(t *testing.T) {
	behaviours := []outcome{data, nodata, nxdomain, failure, unknown}
	delays := [][2]time.Duration{{0, 0}, {700 * time.Millisecond, 0}, {0, 700 * time.Millisecond}, {1100 * time.Millisecond, 0}, {0, 1100 * time.Millisecond}}
	for about, more := range map[string]func(*config){"default": reporting(false), "ipv4only": with(fixIPv4only)} {
		for _, name := range []string{plainName, clusterName, nodeName} {
			for _, a := range behaviours {
				for _, aaaa := range behaviours {
					for _, delay := range delays {
						u := &upstream{script: map[string]step{
							name + " A": {outcome: a, delay: delay[0]}, name + " AAAA": {outcome: aaaa, delay: delay[1]}, nextName + " A": {outcome: data},
						}}
						for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
							inVirtualTime(t, func(t *testing.T) {
								about := fmt.Sprintf("%s %s %s A=%s+%v AAAA=%s+%v", about, name, dns.TypeToString[qtype], a, delay[0], aaaa, delay[1])
								checkReport(t, about, u, query(name, qtype), more)
							})
						}
					}
				}
			}
		}
	}
}

func checkReport(t *testing.T, about string, next plugin.Handler, r *dns.Msg, more func(*config)) {
	t.Helper()
	before := fixCounts()
	_ = serve(t, testPlugin(next, more, reporting(false)), &test.ResponseWriter{}, r.Copy())
	want := fixesSince(before)

	before = fixCounts()
	got := serve(t, testPlugin(next, more, reporting(true)), &test.ResponseWriter{}, r.Copy())
	if counts := fixesSince(before); counts != want {
		t.Errorf("%s: report counts %q; want %q", about, counts, want)
	}
	plain := serve(t, next, &test.ResponseWriter{}, r.Copy())
	if wire, wantWire := packed(t, got), packed(t, plain); !bytes.Equal(wire, wantWire) {
		t.Errorf("%s: report lets out %v; want %v", about, got, plain)
	}
}

func packed(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	if m == nil {
		return nil
	}
	wire, err := m.Pack()
	if err != nil {
		t.Errorf("reply does not pack: %v", err)
	}
	return wire
}

// TestCounts has answers that are too big or cut, and what is counted for them, with report and without.
func TestCounts(t *testing.T) {
	big := func(r *dns.Msg, _ bool) *dns.Msg {
		m := answer(r, data)
		m.Answer = bigAnswer(m.Question[0].Name, dns.TypeAAAA, 0, 0, 40).Answer
		return m
	}
	chained := func(m *dns.Msg) *dns.Msg {
		m.Answer = bigAnswer(m.Question[0].Name, dns.TypeAAAA, 20, 60, 0).Answer
		return m
	}
	cut := func(r *dns.Msg, overTCP bool) *dns.Msg {
		m := answer(r, data)
		m.Truncated = !overTCP
		return m
	}
	tests := []struct {
		about string
		make  func(r *dns.Msg, overTCP bool) *dns.Msg
		edns  bool
		want  string
	}{
		{"small", func(r *dns.Msg, _ bool) *dns.Msg { return answer(r, data) }, false, ""},
		{"big", big, false, "fit 1"},
		{"big, for a client with EDNS", big, true, ""},
		{"cut, and whole over TCP", cut, false, "fit 1"},
		{"cut, for a client with EDNS", cut, true, ""},
		{"big, and denied", func(r *dns.Msg, _ bool) *dns.Msg {
			if r.Question[0].Qtype == dns.TypeA {
				return answer(r, data)
			}
			return chained(answer(r, nxdomain))
		}, false, "pair 1"},
		{"big, without data", func(r *dns.Msg, _ bool) *dns.Msg {
			if r.Question[0].Qtype == dns.TypeA {
				return answer(r, data)
			}
			return chained(answer(r, nodata))
		}, false, "fit 1"},
		{"cut to nothing, and whole over TCP", func(r *dns.Msg, overTCP bool) *dns.Msg {
			m := cut(r, overTCP)
			if !overTCP {
				m.Answer = nil
			}
			return m
		}, false, "fit 1"},
		{"failure", func(r *dns.Msg, _ bool) *dns.Msg { return answer(r, failure) }, false, ""},
	}
	for _, tc := range tests {
		for _, report := range []bool{false, true} {
			p := testPlugin(writes(tc.make), reporting(report))
			r := query(plainName, dns.TypeAAAA)
			if tc.edns {
				r.SetEdns0(1232, false)
			}
			before := fixCounts()
			m := serve(t, p, &test.ResponseWriter{}, r)
			if got := fixesSince(before); got != tc.want {
				t.Errorf("%s, report %v: counted %q; want %q", tc.about, report, got, tc.want)
			}
			if plain := tc.make(r, false); report && !bytes.Equal(packed(t, m), packed(t, plain)) {
				t.Errorf("%s: report lets out %v; want %v", tc.about, m, plain)
			}
		}
	}
}

// TestReportIsNotHeld has ipv4only and a report on an answer about AAAA, which waits for the A half, and not beyond the
// verdict.
func TestReportIsNotHeld(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		about string
		a     step
		after time.Duration
		count string
	}{
		{"A at once", step{outcome: data}, 0, "ipv4only 1"},
		{"A after a second", step{outcome: data, delay: 1100 * ms}, 1100 * ms, "ipv4only 1"},
		{"A after the verdict", step{outcome: data, delay: 1300 * ms}, 1250 * ms, ""},
		{"A is silent", step{}, 1250 * ms, ""},
	} {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				u := &upstream{script: map[string]step{plainName + " A": tc.a, plainName + " AAAA": {outcome: data}}}
				before := fixCounts()
				got := askHalf(t, testPlugin(u, with(fixIPv4only), reporting(true)), plainName, dns.TypeAAAA)
				if got.outcome != data || got.after != tc.after {
					t.Errorf("%s after %v; want data after %v", got.outcome, got.after, tc.after)
				}
				if counts := fixesSince(before); counts != tc.count {
					t.Errorf("counted %q; want %q", counts, tc.count)
				}
			})
		})
	}
}
