package muslsafe

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/metrics/vars"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// panics is a next plugin that breaks at some questions and gives the same outcome to the others.
func panics(breaks func(dns.Question) bool, o outcome) test.HandlerFunc {
	return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if breaks(r.Question[0]) {
			panic("broken plugin")
		}
		return dns.RcodeSuccess, w.WriteMsg(answer(r, o)) // even of a failure
	}
}

// TestPanicOfOwnHalf has a plugin panic at the client's own query. The panic comes out where the server recovers from it,
// with the stack of that plugin, whatever else is asked.
func TestPanicOfOwnHalf(t *testing.T) {
	for _, more := range [][]func(*config){nil, {reporting(true)}, {with(verdict.IPv4Only)}, {with(verdict.Wildcard)}} {
		p := testPlugin(panics(func(q dns.Question) bool { return q.Qtype == dns.TypeA }, nxdomain), more...)
		cause := panicOf(func() { _, _, _ = exchange(t, p, newQuery(plainName, dns.TypeA)) })
		if !strings.Contains(cause, "broken plugin") || !strings.Contains(cause, "panic_test.go") {
			t.Errorf("recovered %q; want the panic with its stack", cause)
		}
	}
}

// TestLatePanicOfOwnHalf has a plugin panic at the client's own query after the verdict has fallen without it.
func TestLatePanicOfOwnHalf(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
			time.Sleep(2 * time.Second)
			panic("broken plugin")
		}), with(verdict.IPv4Only), reporting(true))
		if cause := panicOf(func() { _, _, _ = exchange(t, p, newQuery(plainName, dns.TypeAAAA)) }); !strings.Contains(cause, "broken plugin") {
			t.Errorf("recovered %q; want the panic", cause)
		}
	})
}

// TestPanicOfOthers has a plugin panic at what muslsafe asks on its own. That has failed, and the client notices nothing.
func TestPanicOfOthers(t *testing.T) {
	other := func(q dns.Question) bool { return q.Qtype == dns.TypeAAAA }
	tests := []struct {
		about  string
		name   string
		breaks func(dns.Question) bool
		own    outcome
		delay  time.Duration
		more   func(*config)
	}{
		{"sibling of a denial", plainName, other, nxdomain, 0, asItIs},
		{"sibling of a slow answer", plainName, other, data, 600 * ms, asItIs},
		{"sibling of a failure", plainName, other, failure, 0, asItIs},
		{"what is ahead of a failure", nodeName, func(q dns.Question) bool { return q.Name != nodeName }, failure, 0, asItIs},
		{"proof of a wildcard", wildName, func(q dns.Question) bool { return q.Name != wildName }, data, 0, with(verdict.Wildcard)},
		{"sibling of an answer that may be a wildcard's", wildName, other, data, 0, with(verdict.Wildcard)},
	}
	for _, tc := range tests {
		for _, report := range []bool{false, true} {
			runInVirtualTime(t, fmt.Sprintf("%s, report %v", tc.about, report), func(t *testing.T) {
				next := panics(tc.breaks, tc.own)
				p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					time.Sleep(tc.delay)
					return next(ctx, w, r)
				}), tc.more, reporting(report))
				var m *dns.Msg
				if cause := panicOf(func() { m, _, _ = exchange(t, p, newQuery(tc.name, dns.TypeA)) }); cause != "" {
					t.Fatalf("the client's own query panics: %s", cause)
				}
				if got := verdict.OutcomeOf(m, dns.TypeA); got != tc.own {
					t.Errorf("reply = %s; want %s, as it came", got, tc.own)
				}
			})
		}
	}
}

// TestPanicsAreCounted checks that a panic is counted once: by muslsafe if it comes of a query of our own, and else by the
// server, which gets it.
func TestPanicsAreCounted(t *testing.T) {
	for qtype, want := range map[uint16]float64{dns.TypeA: 0, dns.TypeAAAA: 1} {
		p := testPlugin(panics(func(q dns.Question) bool { return q.Qtype == qtype }, nxdomain))
		before := testutil.ToFloat64(vars.Panic)
		panicOf(func() { _, _, _ = exchange(t, p, newQuery(plainName, dns.TypeA)) })
		if got := testutil.ToFloat64(vars.Panic) - before; got != want {
			t.Errorf("panic of %s: counted %v; want %v", dns.TypeToString[qtype], got, want)
		}
	}
}

// TestPanicOverTCP has a plugin that cuts its answer over UDP and panics over TCP. What came over UDP goes out.
func TestPanicOverTCP(t *testing.T) {
	p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if isOverTCP(w) {
			panic("broken plugin")
		}
		return dns.RcodeSuccess, w.WriteMsg(cutOverUDP(r, false))
	}))
	if m, _, err := exchange(t, p, newQuery(plainName, dns.TypeA)); err != nil || !m.Truncated || len(m.Answer) != 1 {
		t.Errorf("reply = %v, %v; want the answer as it came", m, err)
	}
}

// TestBrokenMessages has a plugin that leaves a record nil in a section. What panics at that is recovered from, by the
// server or by us, and never ends the process.
func TestBrokenMessages(t *testing.T) {
	tests := []struct {
		about string
		spoil func(*dns.Msg)
		want  string // that the own half panics with, or nothing
	}{
		{"answer", func(m *dns.Msg) { m.Answer = []dns.RR{nil} }, "nil pointer"},
		{"authority", func(m *dns.Msg) { m.Ns = []dns.RR{nil} }, ""},
		{"additional", func(m *dns.Msg) { m.Extra = []dns.RR{nil} }, ""},
	}
	for _, tc := range tests {
		for _, bad := range []uint16{dns.TypeA, dns.TypeAAAA} {
			runInVirtualTime(t, tc.about+" of "+dns.TypeToString[bad], func(t *testing.T) {
				p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					time.Sleep(10 * ms)
					m := answer(r, data)
					if r.Question[0].Qtype == bad {
						tc.spoil(m)
					}
					return dns.RcodeSuccess, w.WriteMsg(m)
				}))
				serve := func(qtype uint16) string {
					return panicOf(func() { _, _ = p.ServeDNS(t.Context(), &test.ResponseWriter{}, newQuery(plainName, qtype)) })
				}
				causes := make(chan string, 2)
				go func() { causes <- serve(bad) }() // the message is copied for a second client
				cause := serve(bad)
				if first := <-causes; tc.want != "" && !strings.Contains(first, tc.want) || !strings.Contains(cause, tc.want) {
					t.Errorf("recovered %q and %q; want %q", first, cause, tc.want)
				}
				if cause := serve(dns.TypeA + dns.TypeAAAA - bad); cause != "" {
					t.Errorf("the other half panics: %s", cause)
				}
			})
		}
	}
}
