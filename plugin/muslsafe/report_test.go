package muslsafe

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestReportChangesNothing looks up every pair of behaviours. With report, a client gets what it gets without the plugin,
// and no later than the verdict falls.
func TestReportChangesNothing(t *testing.T) {
	for _, a := range behaviours {
		for _, aaaa := range behaviours {
			inVirtualTime(t, func(t *testing.T) {
				u := &upstream{script: pairScript(nodeName, step{outcome: a}, step{outcome: aaaa})}
				u.script[nextName+" A"] = exists
				with, without := lookUp(t, testPlugin(u, reporting(true)), nodeName), lookUp(t, u, nodeName)
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
		u := &upstream{script: pairScript(plainName, exists, exists)}
		counter := fixesTotal.WithLabelValues("", "", "ipv4only")
		before := testutil.ToFloat64(counter)
		if got := lookUp(t, testPlugin(u, with(verdict.IPv4Only), reporting(true)), plainName); got[1].outcome != data {
			t.Errorf("AAAA = %s; want data, as it came", got[1].outcome)
		}
		if n := testutil.ToFloat64(counter) - before; n != 1 {
			t.Errorf("fixes_total rose by %v; want 1", n)
		}
	})
}

// TestReport checks that with report a fix is counted and noted in the metadata, and that the client gets the very message
// that the next plugin wrote.
func TestReport(t *testing.T) {
	for _, tc := range []struct {
		name string
		f    fix
	}{{leaked, verdict.Leak}, {plainName, verdict.Pair}} {
		t.Run(tc.f.String(), func(t *testing.T) {
			var wrote *dns.Msg
			p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.Question[0].Qtype == dns.TypeAAAA && tc.f == verdict.Pair {
					return give(w, r, data)
				}
				wrote = answer(r, nxdomain)
				return dns.RcodeSuccess, w.WriteMsg(wrote)
			}), reporting(true))
			ctx := metadata.ContextWithMetadata(t.Context())
			before := testutil.ToFloat64(fixesTotal.WithLabelValues("", "", tc.f.String()))

			m, _, err := exchangeContext(ctx, t, p, newQuery(tc.name, dns.TypeA))
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

// TestReportCounts looks up names of each kind for every pair of behaviours. With report, the same fixes are counted as
// without, and the client gets, to the last octet, what the next plugin wrote.
func TestReportCounts(t *testing.T) {
	delays := [][2]time.Duration{{0, 0}, {700 * ms, 0}, {0, 700 * ms}, {1100 * ms, 0}, {0, 1100 * ms}}
	for about, more := range map[string]func(*config){"default": asItIs, "ipv4only": with(verdict.IPv4Only)} {
		for _, name := range []string{plainName, clusterName, nodeName} {
			for _, a := range behaviours {
				for _, aaaa := range behaviours {
					for _, delay := range delays {
						u := &upstream{script: pairScript(name, step{outcome: a, delay: delay[0]}, step{outcome: aaaa, delay: delay[1]})}
						u.script[nextName+" A"] = exists
						for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
							inVirtualTime(t, func(t *testing.T) {
								about := fmt.Sprintf("%s %s %s A=%s+%v AAAA=%s+%v", about, name, dns.TypeToString[qtype], a, delay[0], aaaa, delay[1])
								checkReport(t, about, u, newQuery(name, qtype), more)
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

// withAnswer gives m the answer section of a bigger message about AAAA.
func withAnswer(m *dns.Msg, links, octets, addresses int) *dns.Msg {
	m.Answer = bigAnswer(m.Question[0].Name, dns.TypeAAAA, links, octets, addresses).Answer
	return m
}

// The messages of a next plugin that are too big for some clients.
func big(r *dns.Msg, _ bool) *dns.Msg { return withAnswer(answer(r, data), 0, 0, 40) }

func cutOverUDP(r *dns.Msg, overTCP bool) *dns.Msg {
	m := answer(r, data)
	m.Truncated = !overTCP
	return m
}

func emptyOverUDP(r *dns.Msg, overTCP bool) *dns.Msg {
	if overTCP {
		return answer(r, data)
	}
	return cutToNothing(r)
}

// longChain has A records, and a long chain of aliases without AAAA records behind it.
func longChain(aaaa outcome) func(r *dns.Msg, _ bool) *dns.Msg {
	return func(r *dns.Msg, _ bool) *dns.Msg {
		if r.Question[0].Qtype == dns.TypeA {
			return answer(r, data)
		}
		return withAnswer(answer(r, aaaa), 20, 60, 0)
	}
}

// TestCountsOfBigAnswers asks for AAAA, and looks at what is counted for answers that are too big or cut, with report and
// without.
func TestCountsOfBigAnswers(t *testing.T) {
	tests := []struct {
		about string
		make  func(r *dns.Msg, overTCP bool) *dns.Msg
		edns  bool
		want  string
	}{
		{"small", func(r *dns.Msg, _ bool) *dns.Msg { return answer(r, data) }, false, ""},
		{"big", big, false, "fit 1"},
		{"big, for a client with EDNS", big, true, ""},
		{"cut, and not over TCP", cutOverUDP, false, "fit 1"},
		{"cut, for a client with EDNS", cutOverUDP, true, ""},
		{"big, and denied", longChain(nxdomain), false, "pair 1"},
		{"big, without data", longChain(nodata), false, "fit 1"},
		{"cut to nothing, and not over TCP", emptyOverUDP, false, "fit 1"},
		{"failure", func(r *dns.Msg, _ bool) *dns.Msg { return answer(r, failure) }, false, ""},
	}
	for _, tc := range tests {
		for _, report := range []bool{false, true} {
			r := queryWith(plainName, dns.TypeAAAA, tc.edns)
			before := fixCounts()
			m := serve(t, testPlugin(writes(tc.make), reporting(report)), &test.ResponseWriter{}, r)
			if got := fixesSince(before); got != tc.want {
				t.Errorf("%s, report %v: counted %q; want %q", tc.about, report, got, tc.want)
			}
			if plain := tc.make(r, false); report && !bytes.Equal(packed(t, m), packed(t, plain)) {
				t.Errorf("%s: report lets out %v; want %v", tc.about, m, plain)
			}
		}
	}
}

// TestReportIsNotHeld has AAAA follow from A, and a report. The answer about AAAA waits for A, until the verdict falls at the
// latest.
func TestReportIsNotHeld(t *testing.T) {
	for _, tc := range []struct {
		about string
		a     step
		after time.Duration
		count string
	}{
		{"A at once", exists, 0, "ipv4only 1"},
		{"A after a second", step{outcome: data, delay: 1100 * ms}, 1100 * ms, "ipv4only 1"},
		{"A after the verdict", step{outcome: data, delay: 1300 * ms}, overAfter, ""},
		{"A is silent", isSilent, overAfter, ""},
	} {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			u := &upstream{script: pairScript(plainName, tc.a, exists)}
			before := fixCounts()
			got := askHalf(t, testPlugin(u, with(verdict.IPv4Only), reporting(true)), plainName, dns.TypeAAAA)
			if got.outcome != data || got.after != tc.after {
				t.Errorf("%s after %v; want data after %v", got.outcome, got.after, tc.after)
			}
			if counts := fixesSince(before); counts != tc.count {
				t.Errorf("counted %q; want %q", counts, tc.count)
			}
		})
	}
}

// TestCompleteReport checks that with report a completed search is counted for each half, and left to the client.
func TestCompleteReport(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		before := testutil.ToFloat64(fixesTotal.WithLabelValues("", "", "complete"))
		u := &upstream{script: searchScript(nil)}
		p := completing(u, reporting(true))
		checkCompleted(t, lookUp(t, p, firstName), firstName, "", [2]outcome{nxdomain, nxdomain})
		if n := testutil.ToFloat64(fixesTotal.WithLabelValues("", "", "complete")) - before; n != 2 {
			t.Errorf("counted %v; want one for each half", n)
		}
	})
}
