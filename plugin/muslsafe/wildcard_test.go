package muslsafe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// The names of these tests: one below a search domain of the nodes, and what it is without that.
const (
	wildName = "www.example.net.corp.example.org."
	twinName = "www.example.net."
)

// wildScript is the script of a search domain with a wildcard for A, which took wildName over.
func wildScript(changes map[string]step) map[string]step {
	wild := step{outcome: data, addrs: []string{"203.0.113.1", "203.0.113.2"}}
	turned := step{outcome: data, addrs: []string{"203.0.113.2", "203.0.113.1"}}
	script := map[string]step{
		wildName + " A": wild, wildName + " AAAA": {outcome: nodata},
		twinName + " A": {outcome: data}, twinName + " AAAA": {outcome: nodata},
		"* A": turned, "* AAAA": {outcome: nodata},
	}
	maps.Copy(script, changes)
	return script
}

// TestWildcard has the proof that an address comes from a wildcard, and all that falls short of it.
func TestWildcard(t *testing.T) {
	own4 := step{outcome: data, addrs: []string{"192.0.2.7"}}
	denied, passed := [2]outcome{nxdomain, nxdomain}, [2]outcome{data, nodata}
	yes, none, fails := step{outcome: data}, step{outcome: nodata}, step{outcome: failure}
	tests := []struct {
		about  string
		script map[string]step // in place of what wildScript has
		want   [2]outcome
		more   func(*config)
	}{
		{"wildcard", nil, denied, nil},
		{"wildcard for both", map[string]step{wildName + " AAAA": yes, "* AAAA": yes, twinName + " A": none, twinName + " AAAA": yes}, denied, nil},
		{"wildcard for AAAA", map[string]step{wildName + " A": none, wildName + " AAAA": yes, "* A": none, "* AAAA": yes}, denied, nil},
		{"no public twin", map[string]step{twinName + " A": none}, passed, nil},
		{"public twin does not exist", map[string]step{twinName + " A": {outcome: nxdomain}, twinName + " AAAA": {outcome: nxdomain}}, passed, nil},
		{"public twin fails for A", map[string]step{twinName + " A": fails, twinName + " AAAA": yes}, passed, nil},
		{"public twin fails for AAAA", map[string]step{twinName + " AAAA": fails}, passed, nil},
		{"other address than the wildcard", map[string]step{wildName + " A": own4}, passed, nil},
		{"one address of those of the wildcard", map[string]step{wildName + " A": {outcome: data, addrs: []string{"203.0.113.1"}}}, passed, nil},
		{"AAAA of its own", map[string]step{wildName + " AAAA": yes}, [2]outcome{data, data}, nil},
		{"no wildcard", map[string]step{"* A": {outcome: nxdomain}, "* AAAA": {outcome: nxdomain}}, passed, nil},
		{"AAAA denied, and not that of the wildcard", map[string]step{wildName + " AAAA": {outcome: nxdomain}}, passed, nil},
		{"probe fails", map[string]step{"* A": fails}, passed, nil},
		{"AAAA fails, for the probe too", map[string]step{wildName + " AAAA": fails, "* AAAA": fails}, passed, nil},
		{"probe is silent", map[string]step{"* A": {}}, passed, nil},
		{"probe is slow", map[string]step{"* A": {outcome: data, delay: 1100 * time.Millisecond, addrs: []string{"203.0.113.1", "203.0.113.2"}}}, denied, nil},
		{"public twin is silent", map[string]step{twinName + " A": {}}, passed, nil},
		{"public twin is slow", map[string]step{twinName + " A": {outcome: data, delay: 1100 * time.Millisecond}}, denied, nil},
		{"without search", nil, denied, without(fixSearch)},
		{"ipv4only", nil, denied, with(fixIPv4only)},
		{"ipv4only, other address than the wildcard", map[string]step{wildName + " A": own4}, passed, with(fixIPv4only)},
		{"report", nil, passed, reporting(true)},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				u := &upstream{script: wildScript(tc.script)}
				p := testPlugin(u, with(fixWildcard))
				if tc.more != nil {
					tc.more(p.cfg)
				}
				for range 2 { // the second time from the remembered probe
					got := lookup(t, p, wildName)
					if pair := [2]outcome{got[0].outcome, got[1].outcome}; pair != tc.want {
						t.Errorf("%v; want %v", pair, tc.want)
					}
					if slowest := max(got[0].after, got[1].after); slowest > 1250*time.Millisecond {
						t.Errorf("the answers took %v; want the verdict within 1.25 s", slowest)
					}
				}
				// The two halves of the first lookup may each ask; the second lookup may not.
				if limit := 4; len(probesOf(u)) > limit && !strings.HasPrefix(tc.about, "probe") && !strings.Contains(tc.about, "fails") {
					t.Errorf("asked %q; want at most %d probes", probesOf(u), limit)
				}
				isAAAA := func(key string) bool { return strings.HasSuffix(key, " AAAA") }
				if p.cfg.enabled[fixIPv4only] && slices.ContainsFunc(u.log(), isAAAA) {
					t.Errorf("asked %q; want no AAAA", u.log())
				}
			})
		})
	}
}

// probesOf are the lookups of random names.
func probesOf(u *upstream) []string {
	return slices.DeleteFunc(u.log(), func(key string) bool { return !strings.HasPrefix(key, "muslsafe-") })
}

// TestWildcardOneLabel has a name of one label before the search domain, which is looked up for the sake of that: nothing is
// proven, so nothing is asked and nothing is held.
func TestWildcardOneLabel(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const delay = 10 * time.Millisecond
		u := &upstream{script: wildScript(map[string]step{nodeName + " A": {outcome: data, delay: delay}, "db. A": {outcome: data}})}
		p := testPlugin(u, with(fixWildcard))
		if got := askHalf(t, p, nodeName, dns.TypeA); got.outcome != data || got.after != delay {
			t.Errorf("%s after %v; want data after %v", got.outcome, got.after, delay)
		}
		synctest.Wait()
		if want := []string{nodeName + " A"}; !slices.Equal(u.log(), want) {
			t.Errorf("asked %q; want %q", u.log(), want)
		}
	})
}

// TestWildcardSlowAnswer has an answer that comes after the verdict should have fallen: it goes out when it comes.
func TestWildcardSlowAnswer(t *testing.T) {
	const delay = 1300 * time.Millisecond
	for _, name := range []string{wildName, nodeName} {
		for _, others := range []outcome{unknown, nodata, data} {
			for _, more := range []func(*config){reporting(false), reporting(true), with(fixIPv4only)} {
				inVirtualTime(t, func(t *testing.T) {
					u := &upstream{script: map[string]step{
						name + " AAAA": {outcome: nodata}, "* A": {outcome: others}, "* AAAA": {outcome: others},
						twinName + " A": {outcome: others}, twinName + " AAAA": {outcome: others},
						name + " A": {outcome: data, delay: delay, addrs: []string{"192.0.2.7"}},
					}}
					// Without search, as it sends a client on to an address ahead.
					if got := askHalf(t, testPlugin(u, with(fixWildcard), without(fixSearch), more), name, dns.TypeA); got.outcome != data || got.after != delay {
						t.Errorf("%s, others %s: %s after %v; want data after %v", name, others, got.outcome, got.after, delay)
					}
					synctest.Wait() // for what may be on its way
					if probes := probesOf(u); len(probes) > 0 {
						t.Errorf("%s, others %s: asked %q; want no proof that comes too late", name, others, probes)
					}
				})
			}
		}
	}
}

// TestWildcardCut has answers that are cut to nothing: two of them are equal, and prove nothing.
func TestWildcardCut(t *testing.T) {
	tests := []struct {
		about string
		cut   []string // prefixes of the names that are cut over UDP
		whole bool     // what is cut can be had over TCP
	}{
		{"an existing name with 40 addresses", []string{wildName}, true},
		{"an existing name, cut for good", []string{wildName}, false},
		{"both are cut", []string{wildName, "muslsafe-"}, false},
		{"the probe is cut", []string{"muslsafe-"}, false},
	}
	for _, tc := range tests {
		for _, probe := range []outcome{nxdomain, data} {
			t.Run(fmt.Sprintf("%s, probe %s", tc.about, probe), func(t *testing.T) {
				p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					q := r.Question[0]
					m := answer(r, nxdomain)
					_, overTCP := clientOf(w)
					isCut := slices.ContainsFunc(tc.cut, func(prefix string) bool { return strings.HasPrefix(q.Name, prefix) })
					switch {
					case q.Qtype == dns.TypeAAAA:
						m = answer(r, nodata)
					case isCut && overTCP && tc.whole:
						m = bigAnswer(q.Name, q.Qtype, 0, 0, 40)
					case isCut && overTCP:
						return dns.RcodeServerFailure, errors.New("connection refused")
					case isCut:
						m = answer(r, data)
						m.Answer, m.Truncated = nil, true
					case q.Name == wildName || q.Name == twinName:
						m = answer(r, data)
					case strings.HasPrefix(q.Name, "muslsafe-"):
						m = answer(r, probe)
					}
					return dns.RcodeSuccess, w.WriteMsg(m)
				}), with(fixWildcard))
				if m, _, _ := exchange(t, p, query(wildName, dns.TypeA)); outcomeOf(m, dns.TypeA) != data {
					t.Errorf("reply = %v; want the answer", m)
				}
			})
		}
	}
}

// TestWildcardProbe looks at what is remembered about a search domain.
func TestWildcardProbe(t *testing.T) {
	denied := func(t *testing.T, p *Muslsafe, want bool) {
		t.Helper()
		if got := lookup(t, p, wildName); (got[0].outcome == nxdomain) != want {
			t.Errorf("A = %s; want NXDOMAIN %v", got[0].outcome, want)
		}
	}
	t.Run("the wildcard moves", func(t *testing.T) {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: wildScript(nil)}
			p := testPlugin(u, with(fixWildcard))
			denied(t, p, true)
			moved := step{outcome: data, addrs: []string{"203.0.113.9"}}
			u.change(wildName+" A", moved)
			u.change("* A", moved)
			time.Sleep(probeTTL - time.Second)
			denied(t, p, false) // what is remembered is another address
			time.Sleep(2 * time.Second)
			denied(t, p, true)
		})
	})
	t.Run("the probe fails at first", func(t *testing.T) {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: wildScript(map[string]step{"* AAAA": {outcome: failure}})}
			p := testPlugin(u, with(fixWildcard))
			denied(t, p, false)
			u.change("* AAAA", step{outcome: nodata})
			denied(t, p, true)
		})
	})
	t.Run("the probe is in the air", func(t *testing.T) {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: wildScript(nil)}
			for _, key := range []string{"* A", "* AAAA"} {
				s := u.script[key]
				s.delay = 100 * time.Millisecond
				u.change(key, s)
			}
			got := lookup(t, testPlugin(u, with(fixWildcard)), wildName)
			if slowest := max(got[0].after, got[1].after); slowest != 100*time.Millisecond {
				t.Errorf("the answers took %v; want 100 ms, when the probe lands", slowest)
			}
			if names := probesOf(u); len(names) != 2 {
				t.Errorf("asked %q; want one pair of probes", names)
			}
		})
	})
}

// TestAddresses has a message with records of all kinds, from which the addresses of one type are taken.
func TestAddresses(t *testing.T) {
	m := &dns.Msg{Answer: []dns.RR{
		test.CNAME("www.example.org. 60 IN CNAME lb.example.org."),
		test.AAAA("lb.example.org. 60 IN AAAA 2001:db8::2"), test.A("lb.example.org. 60 IN A 192.0.2.2"),
		test.AAAA("lb.example.org. 60 IN AAAA 2001:db8::1"), test.A("lb.example.org. 60 IN A 192.0.2.1"),
	}}
	for qtype, want := range map[uint16]string{dns.TypeA: "[192.0.2.1 192.0.2.2]", dns.TypeAAAA: "[2001:db8::1 2001:db8::2]"} {
		if got := fmt.Sprint(addresses(m, qtype)); got != want {
			t.Errorf("addresses of %s = %s; want %s", dns.TypeToString[qtype], got, want)
		}
	}
}
