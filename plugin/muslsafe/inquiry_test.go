package muslsafe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// The names of these tests, one for each kind.
const (
	plainName   = "www.example.com."
	clusterName = "web.default.svc.cluster.local."
	nodeName    = "db.corp.example.org." // ahead of it are db.example.org. and db.
	nextName    = "db.example.org."
)

// upstream answers by a script, in the virtual time of a synctest bubble, and keeps count.
type upstream struct {
	script map[string]step // by name and type, "db. A"; what is not in it does not exist

	mu    sync.Mutex
	asked []string
}

// log returns what was asked so far.
func (u *upstream) log() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.asked)
}

// step is one behaviour of an upstream.
type step struct {
	outcome outcome // unknown is silence, which ends in a failure after the timeouts of forward
	delay   time.Duration
	addrs   []string // for data; the default is one address for each type
}

const silence = 4 * time.Second // forward: two attempts of two seconds

func (u *upstream) Name() string { return "upstream" }

func (u *upstream) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	q := r.Question[0]
	key := q.Name + " " + dns.TypeToString[q.Qtype]
	u.mu.Lock()
	u.asked = append(u.asked, key)
	u.mu.Unlock()

	s, ok := u.script[strings.ToLower(q.Name)+" "+dns.TypeToString[q.Qtype]]
	if !ok && strings.HasPrefix(q.Name, "muslsafe-") {
		s, ok = u.script["* "+dns.TypeToString[q.Qtype]]
	}
	if !ok {
		s.outcome = nxdomain
	}
	time.Sleep(s.delay)
	switch s.outcome {
	case unknown:
		time.Sleep(silence)
		return dns.RcodeServerFailure, errors.New("i/o timeout")
	case failure:
		return dns.RcodeServerFailure, errors.New("upstream is down")
	}
	m := answer(r, s.outcome)
	if s.outcome == data && len(s.addrs) > 0 {
		m.Answer = nil
		for _, addr := range s.addrs {
			rr, err := dns.NewRR(q.Name + " 60 IN " + dns.TypeToString[q.Qtype] + " " + addr)
			if err != nil {
				return 0, err
			}
			m.Answer = append(m.Answer, rr)
		}
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// inVirtualTime runs f in a bubble whose clock moves when all in it wait, and lets late flights land.
func inVirtualTime(t *testing.T, f func(t *testing.T)) {
	synctest.Test(t, func(t *testing.T) {
		f(t)
		time.Sleep(2 * maxFlight)
	})
}

// half is what a client gets for one half of a pair.
type half struct {
	outcome outcome
	after   time.Duration
	m       *dns.Msg
}

// lookup asks for both halves at once, as musl does, and returns A and AAAA.
func lookup(t *testing.T, h plugin.Handler, name string) [2]half {
	t.Helper()
	var halves [2]half
	var wg sync.WaitGroup
	began := time.Now()
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		wg.Go(func() {
			m, _, _ := exchange(t, h, query(name, qtype))
			halves[i] = half{outcomeOf(m, qtype), time.Since(began), m}
		})
	}
	wg.Wait()
	return halves
}

// TestEveryPair looks up a name of each kind for every pair of behaviours, with nothing ahead and with an address ahead,
// in the two orders in which the halves can come. Where an address exists, the client must have it, or be sent on to
// it, within 1.25 seconds; the halves must make one of the pairs that every libc understands.
func TestEveryPair(t *testing.T) {
	behaviours := []outcome{data, nodata, nxdomain, failure, unknown}
	for _, name := range []string{plainName, clusterName, nodeName} {
		for _, hasNext := range []bool{false, true} {
			for _, a := range behaviours {
				for _, aaaa := range behaviours {
					for _, lag := range [][2]time.Duration{{0, 0}, {0, 100 * time.Millisecond}, {100 * time.Millisecond, 0}} {
						about := fmt.Sprintf("%s next=%v %s+%v %s+%v", name, hasNext, a, lag[0], aaaa, lag[1])
						u := &upstream{script: map[string]step{
							name + " A":    {outcome: a, delay: lag[0]},
							name + " AAAA": {outcome: aaaa, delay: lag[1]},
						}}
						if hasNext {
							u.script[nextName+" AAAA"] = step{outcome: data}
						}
						inVirtualTime(t, func(t *testing.T) { checkPair(t, about, u, name, hasNext, a, aaaa) })
					}
				}
			}
		}
	}
}

func checkPair(t *testing.T, about string, u *upstream, name string, hasNext bool, a, aaaa outcome) {
	got := lookup(t, testPlugin(u), name)
	pair := [2]outcome{got[0].outcome, got[1].outcome}
	slowest := max(got[0].after, got[1].after)

	hasData := a == data || aaaa == data
	fails := a <= failure || aaaa <= failure
	goesOn := hasNext && name == nodeName
	switch {
	case hasData:
		if pair != [2]outcome{orNodata(a), orNodata(aaaa)} || slowest > 1100*time.Millisecond {
			t.Errorf("%s: %v after %v; want the addresses within 1.1 s", about, pair, slowest)
		}
	case fails && goesOn:
		if pair != [2]outcome{nxdomain, nxdomain} || slowest > 1100*time.Millisecond {
			t.Errorf("%s: %v after %v; want NXDOMAIN for both within 1.1 s", about, pair, slowest)
		}
	case fails:
		// A denies the name, or the pair is the temporary failure that it is.
		if !slices.Contains(pair[:], failure) && pair != [2]outcome{nxdomain, nxdomain} {
			t.Errorf("%s: %v; want a failure", about, pair)
		}
		if pair == [2]outcome{nxdomain, nxdomain} && a != nxdomain {
			t.Errorf("%s: %v; a temporary failure became a permanent one", about, pair)
		}
	case name == plainName && (a == nodata || aaaa == nodata):
		if pair != [2]outcome{nodata, nodata} {
			t.Errorf("%s: %v; want NODATA for both", about, pair)
		}
	default:
		if pair != [2]outcome{nxdomain, nxdomain} {
			t.Errorf("%s: %v; want NXDOMAIN for both", about, pair)
		}
	}
	for _, h := range got {
		if h.m != nil && h.outcome != data && h.outcome != failure && !slices.ContainsFunc(h.m.Ns, isType(dns.TypeSOA)) {
			t.Errorf("%s: %v has no SOA", about, h.m)
		}
	}
	checkLoad(t, about, u, name)
}

func orNodata(o outcome) outcome {
	if o == data {
		return data
	}
	return nodata
}

// checkLoad checks that the two halves of a lookup ask nothing more than once, but for what they ask when the answer
// is gone already.
func checkLoad(t *testing.T, about string, u *upstream, name string) {
	t.Helper()
	count := map[string]int{}
	for _, key := range u.log() {
		count[key]++
	}
	for key, n := range count {
		if limit := 2; n > limit {
			t.Errorf("%s: %s was asked %d times; want at most %d", about, key, n, limit)
		}
		if name != nodeName && !strings.HasPrefix(key, name) {
			t.Errorf("%s: %s was asked; want no other name", about, key)
		}
	}
}

// TestEqualQueriesShareOne counts what reaches the upstream when the halves of a lookup need each other while both
// are in the air.
func TestEqualQueriesShareOne(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			plainName + " A":    {outcome: data, delay: 300 * time.Millisecond},
			plainName + " AAAA": {outcome: nxdomain, delay: 100 * time.Millisecond},
		}}
		got := lookup(t, testPlugin(u), plainName)
		if got[0].outcome != data || got[1].outcome != nodata || got[1].after != 300*time.Millisecond {
			t.Errorf("%s, %s after %v; want data, nodata after 300 ms", got[0].outcome, got[1].outcome, got[1].after)
		}
		if len(u.log()) != 2 {
			t.Errorf("asked %q; want each half once", u.log())
		}
	})
}

// TestRepeatedQuery has a client that repeats its query after 2.5 seconds, as musl does, while the first is still
// in the air: the upstream is not asked again, and each gets an answer with its own ID.
func TestRepeatedQuery(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{plainName + " A": {outcome: data, delay: 3 * time.Second}, plainName + " AAAA": {outcome: unknown}}}
		p := testPlugin(u)
		var wg sync.WaitGroup
		for _, at := range []time.Duration{0, 2500 * time.Millisecond} {
			wg.Go(func() {
				time.Sleep(at)
				r := query("WWW.example.com.", dns.TypeA)
				if m, _, err := exchange(t, p, r); err != nil || outcomeOf(m, dns.TypeA) != data || m.Id != r.Id {
					t.Errorf("reply = %v, %v; want the address, with ID %d", m, err, r.Id)
				}
			})
		}
		wg.Wait()
		if n := slices.Index(u.log(), "WWW.example.com. A"); n != 0 || len(u.log()) > 2 {
			t.Errorf("asked %q; want A once, and AAAA at most once", u.log())
		}
	})
}

// TestSlowAnswerPasses has an upstream that is slow for both halves: nothing is known, so what comes late passes.
func TestSlowAnswerPasses(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			plainName + " A":    {outcome: data, delay: 1600 * time.Millisecond},
			plainName + " AAAA": {outcome: nodata, delay: 1700 * time.Millisecond},
		}}
		got := lookup(t, testPlugin(u), plainName)
		if got[0].outcome != data || got[1].outcome != nodata || got[0].after != 1600*time.Millisecond {
			t.Errorf("%s, %s after %v; want data, nodata as they came", got[0].outcome, got[1].outcome, got[0].after)
		}
	})
}

// TestAnswerIsNeverHeld checks that an answer with data does not wait for anything.
func TestAnswerIsNeverHeld(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{nodeName + " A": {outcome: data, delay: 700 * time.Millisecond}, nodeName + " AAAA": {outcome: unknown}}}
		if got := lookup(t, testPlugin(u), nodeName); got[0].after != 700*time.Millisecond {
			t.Errorf("the answer came after %v; want 700 ms", got[0].after)
		}
	})
}

// TestBriefAnswers checks how long clients may keep what covers for a failure.
func TestBriefAnswers(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{plainName + " A": {outcome: data}, plainName + " AAAA": {outcome: unknown}}}
		got := lookup(t, testPlugin(u), plainName)[1]
		if got.outcome != nodata || got.after != time.Second {
			t.Fatalf("AAAA = %s after %v; want NODATA after 1 s", got.outcome, got.after)
		}
		checkSOA(t, got.m, plainName, briefTTL)
	})
}

// TestPanicOfNextPlugin checks that a panic further down comes out where the server expects it if it meets the client's
// own query, and is a failure if it meets the sibling, which without muslsafe nobody would have asked for.
func TestPanicOfNextPlugin(t *testing.T) {
	for _, bad := range []uint16{dns.TypeA, dns.TypeAAAA} {
		next := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			if r.Question[0].Qtype == bad {
				panic("broken plugin")
			}
			return dns.RcodeSuccess, w.WriteMsg(answer(r, nxdomain))
		})
		func() {
			defer func() {
				cause := fmt.Sprint(recover())
				if got := strings.Contains(cause, "broken plugin") && strings.Contains(cause, "inquiry_test.go"); got != (bad == dns.TypeA) {
					t.Errorf("recovered %v; want the panic with its stack if it is that of the own query", cause)
				}
			}()
			if m, _, err := exchange(t, testPlugin(next), query(plainName, dns.TypeA)); err != nil || m.Rcode != dns.RcodeNameError {
				t.Errorf("reply = %v, %v; want the NXDOMAIN as it came", m, err)
			}
		}()
	}
}

// TestMetadataAfterFailure looks at the race that a client's answer and a late flight can have about metadata.
func TestMetadataAfterFailure(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			metadata.SetValueFunc(ctx, "test/first", func() string { return "1" })
			if r.Question[0].Qtype == dns.TypeAAAA {
				time.Sleep(silence)
			}
			metadata.SetValueFunc(ctx, "test/second", func() string { return "2" })
			return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
		}))
		for qtype, want := range map[uint16]int{dns.TypeA: 2, dns.TypeAAAA: 1} {
			ctx := metadata.ContextWithMetadata(t.Context())
			_, _, _ = exchangeContext(ctx, t, p, query(plainName, qtype))
			if got := len(metadata.Labels(ctx)); got != want { // what the answer came from, or the fix
				t.Errorf("%s: metadata %v; want %d labels", dns.TypeToString[qtype], metadata.Labels(ctx), want)
			}
		}
	})
}

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

// TestIPv4only checks that AAAA follows from A, costs no query of its own, and is never asked for.
func TestIPv4only(t *testing.T) {
	tests := []struct {
		name string
		a    outcome
		want [2]outcome
	}{
		{plainName, data, [2]outcome{data, nodata}},
		{plainName, nodata, [2]outcome{nodata, nodata}},
		{plainName, nxdomain, [2]outcome{nxdomain, nxdomain}},
		{plainName, failure, [2]outcome{failure, failure}},
		{plainName, unknown, [2]outcome{failure, failure}},
		{nodeName, data, [2]outcome{data, nodata}},
		{nodeName, nodata, [2]outcome{nxdomain, nxdomain}},
		{nodeName, failure, [2]outcome{nxdomain, nxdomain}}, // there is an address ahead
		{clusterName, nodata, [2]outcome{nxdomain, nxdomain}},
		{clusterName, failure, [2]outcome{failure, failure}},
	}
	for _, tc := range tests {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: map[string]step{
				tc.name + " A": {outcome: tc.a, delay: 10 * time.Millisecond}, tc.name + " AAAA": {outcome: data}, nextName + " A": {outcome: data},
			}}
			cfg := newConfig()
			cfg.suffixes = testSuffixes
			cfg.enabled[fixIPv4only] = true
			p := newMuslsafe(u, cfg)
			got := lookup(t, p, tc.name)
			if pair := [2]outcome{got[0].outcome, got[1].outcome}; pair != tc.want {
				t.Errorf("%s A %s: %v; want %v", tc.name, tc.a, pair, tc.want)
			}
			if slices.ContainsFunc(u.log(), func(key string) bool { return strings.HasSuffix(key, " AAAA") }) {
				t.Errorf("%s A %s: asked %q; want no AAAA", tc.name, tc.a, u.log())
			}
			if tc.a == data && len(u.log()) != 1 {
				t.Errorf("%s: asked %q; want A once", tc.name, u.log())
			}
		})
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

// TestWildcard has the proof that an address comes from a wildcard, and all that falls short of it.
func TestWildcard(t *testing.T) {
	const name, twin = "www.example.net.corp.example.org.", "www.example.net."
	wild, real4 := step{outcome: data, addrs: []string{"203.0.113.1", "203.0.113.2"}}, step{outcome: data, addrs: []string{"192.0.2.1"}}
	turned := step{outcome: data, addrs: []string{"203.0.113.2", "203.0.113.1"}}
	none := step{outcome: nodata}
	tests := []struct {
		about  string
		script map[string]step
		name   string
		want   [2]outcome
	}{
		{"wildcard", map[string]step{name + " A": wild, name + " AAAA": none, twin + " A": real4, twin + " AAAA": none, "* A": turned, "* AAAA": none},
			name, [2]outcome{nxdomain, nxdomain}},
		{"wildcard for both", map[string]step{name + " A": wild, name + " AAAA": {outcome: data}, twin + " AAAA": {outcome: data}, "* A": turned, "* AAAA": {outcome: data}},
			name, [2]outcome{nxdomain, nxdomain}},
		{"no public twin", map[string]step{name + " A": wild, name + " AAAA": none, "* A": wild, "* AAAA": none},
			name, [2]outcome{data, nodata}},
		{"other address than the wildcard", map[string]step{name + " A": real4, name + " AAAA": none, twin + " A": real4, "* A": wild, "* AAAA": none},
			name, [2]outcome{data, nodata}},
		{"AAAA of its own", map[string]step{name + " A": wild, name + " AAAA": {outcome: data}, twin + " A": real4, "* A": wild, "* AAAA": none},
			name, [2]outcome{data, data}},
		{"no wildcard", map[string]step{name + " A": real4, name + " AAAA": none, twin + " A": real4},
			name, [2]outcome{data, nodata}},
		{"probe fails", map[string]step{name + " A": wild, name + " AAAA": none, twin + " A": real4, "* A": {outcome: failure}, "* AAAA": none},
			name, [2]outcome{data, nodata}},
		{"probe is silent", map[string]step{name + " A": wild, name + " AAAA": none, twin + " A": real4, "* A": {}, "* AAAA": none},
			name, [2]outcome{data, nodata}},
		{"name of one label", map[string]step{nodeName + " A": wild, nodeName + " AAAA": none, "db. A": real4, "* A": wild, "* AAAA": none},
			nodeName, [2]outcome{data, nodata}},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				u := &upstream{script: tc.script}
				cfg := newConfig()
				cfg.suffixes = testSuffixes
				cfg.enabled[fixWildcard] = true
				p := newMuslsafe(u, cfg)
				for range 2 { // the second time from the remembered probe
					got := lookup(t, p, tc.name)
					if pair := [2]outcome{got[0].outcome, got[1].outcome}; pair != tc.want {
						t.Errorf("%v; want %v", pair, tc.want)
					}
				}
				probes := slices.DeleteFunc(slices.Clone(u.log()), func(key string) bool { return !strings.HasPrefix(key, "muslsafe-") })
				// The two halves of the first lookup may each ask; the second lookup may not.
				if limit := 4; len(probes) > limit && !strings.HasPrefix(tc.about, "probe") {
					t.Errorf("asked %q; want at most %d probes", probes, limit)
				}
			})
		})
	}
}

// TestFlightsEnd counts the flights after clients have gone: they end by themselves, and none is left in the air.
func TestFlightsEnd(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{nodeName + " A": {outcome: data}, nodeName + " AAAA": {}, nextName + " A": {}}}
		p := testPlugin(u)
		began := time.Now()
		for range 20 {
			lookup(t, p, nodeName)
		}
		served := time.Since(began)
		time.Sleep(maxFlight)
		synctest.Wait()
		p.inAir.mu.Lock()
		defer p.inAir.mu.Unlock()
		if len(p.inAir.m) != 0 {
			t.Errorf("%d flights in the air %v after the last client; want none", len(p.inAir.m), maxFlight)
		}
		if served > 21*time.Second {
			t.Errorf("20 lookups took %v; want about a second each", served)
		}
	})
}

// TestClients checks that clients do not share flights: access rules may give each another answer.
func TestClients(t *testing.T) {
	next := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		time.Sleep(100 * time.Millisecond)
		o := data
		if r.Question[0].Qtype == dns.TypeAAAA || strings.HasPrefix(w.RemoteAddr().String(), "192.0.2.66:") {
			o = nxdomain
		}
		return dns.RcodeSuccess, w.WriteMsg(answer(r, o))
	})
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(next)
		var wg sync.WaitGroup
		for addr, want := range map[string]outcome{"192.0.2.1": nodata, "192.0.2.66": nxdomain} {
			wg.Go(func() {
				rec := dnstest.NewMultiRecorder(&test.ResponseWriter{RemoteIP: addr})
				_, _ = p.ServeDNS(t.Context(), rec, query(plainName, dns.TypeAAAA))
				if got := outcomeOf(rec.Msgs[0], dns.TypeAAAA); got != want {
					t.Errorf("client %s: %s; want %s", addr, got, want)
				}
			})
		}
		wg.Wait()
	})
	for _, overTCP := range []bool{false, true} {
		w := &test.ResponseWriter{RemoteIP: "192.0.2.1", TCP: overTCP}
		if got, tcp := clientOf(w); got.Unmap() != netip.MustParseAddr("192.0.2.1") || tcp != overTCP {
			t.Errorf("clientOf = %v, %v; want 192.0.2.1, %v", got, tcp, overTCP)
		}
	}
}

// TestTransportsFlyAlone has a client that gets a truncated answer over UDP and asks again over TCP, while the other
// half of its lookup still asks over UDP: the answer over TCP must be the whole.
func TestTransportsFlyAlone(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			time.Sleep(100 * time.Millisecond)
			m := answer(r, data)
			if _, tcp := clientOf(w); !tcp {
				m.Answer, m.Truncated = nil, true
			}
			return dns.RcodeSuccess, w.WriteMsg(m)
		}))
		p.cfg.enabled[fixFit] = false // it would ask over TCP for the client
		var wg sync.WaitGroup
		for _, overTCP := range []bool{false, true} {
			wg.Go(func() {
				rec := dnstest.NewMultiRecorder(&test.ResponseWriter{TCP: overTCP})
				_, _ = p.ServeDNS(t.Context(), rec, query(plainName, dns.TypeA))
				if m := rec.Msgs[0]; m.Truncated == overTCP {
					t.Errorf("over TCP %v: truncated %v; want the whole answer over TCP alone", overTCP, m.Truncated)
				}
			})
		}
		wg.Wait()
	})
}
