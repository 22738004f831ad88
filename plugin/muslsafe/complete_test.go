package muslsafe

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// inDefault is the first step of a search in the namespace "default", which exists in all these tests.
const (
	inDefault  = "default.svc.cluster.local."
	firstName  = "www.example.net." + inDefault
	statefulID = "web-0.nginx.prod." + inDefault
)

// completing returns a plugin with complete, and what more is asked of it.
func completing(next plugin.Handler, more ...func(*config)) *Muslsafe {
	cfg := newConfig()
	cfg.suffixes = testSuffixes
	cfg.enabled[fixComplete] = true
	for _, f := range more {
		f(cfg)
	}
	return newMuslsafe(next, cfg)
}

func TestFirstStep(t *testing.T) {
	tests := []struct{ about, name, x string }{ // no x if it is no first step
		{"three labels", "www.example.net.default.svc.cluster.local.", "www.example.net."},
		{"many labels", "a.b.c.d.e.f.default.svc.cluster.local.", "a.b.c.d.e.f."},
		{"a complete name of the cluster", "web.default.svc.cluster.local.prod.svc.cluster.local.", "web.default.svc.cluster.local."},
		{"two labels may be an endpoint of a service", "example.net.default.svc.cluster.local.", ""},
		{"one label may be a service", "web.default.svc.cluster.local.", ""},
		{"a namespace", "default.svc.cluster.local.", ""},
		{"svc.C itself", "svc.cluster.local.", ""},
		{"named port", "_http._tcp.web.default.svc.cluster.local.", ""},
		{"zonal name", "a.pin._zone.web.default.svc.cluster.local.", ""},
		{"pods", "www.example.net.default.pod.cluster.local.", ""},
		{"step X.C", "www.example.net.cluster.local.", ""},
		{"step X.S", "www.example.net.corp.example.org.", ""},
		{"other domain", "www.example.net.default.svc.k8s.example.com.", ""},
		{"namespace svc, or second step of X.svc", "www.example.net.svc.svc.cluster.local.", ""},
		{"namespace pod", "www.example.net.pod.svc.cluster.local.", ""},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			got, ok := testSuffixes.firstStep(tc.name)
			if ok != (tc.x != "") || got.x != tc.x || ok && got.x+got.namespaceName() != tc.name {
				t.Errorf("firstStep(%s) = %+v, %v; want %q", tc.name, got, ok, tc.x)
			}
		})
	}
}

func TestRivals(t *testing.T) {
	cfg := newConfig()
	cfg.suffixes = testSuffixes
	cfg.suffixes.served = []domain{"example.staging."}
	cfg.suffixes.node = append(slices.Clone(cfg.suffixes.node), "nodes.site-a.")
	cfg.suffixes.cluster = append(slices.Clone(cfg.suffixes.cluster), "k8s.site-b.")
	tests := []struct{ namespace, rival string }{
		{"default", ""}, {"kube-system", ""},
		{"uk", "co.uk."}, {"dev", "co.dev."}, {"prod", "co.prod."}, // top-level domains
		{"internal", "co.internal."}, {"test", "co.test."}, // private, and special
		{"local", "co.local."}, {"org", "co.org."}, {"staging", "co.staging."}, {"site-a", "co.site-a."}, {"site-b", "co.site-b."}, // of the configuration
	}
	for _, tc := range tests {
		s, _ := cfg.suffixes.firstStep("www.example.co." + tc.namespace + ".svc.cluster.local.")
		want := []string{tc.namespace + ".cluster.local.", tc.namespace + ".corp.example.org.", tc.namespace + ".example.org."}
		if tc.rival != "" {
			want = append(want, tc.rival)
		}
		if got := cfg.rivals(s); !slices.Equal(got, want) {
			t.Errorf("rivals in namespace %s = %q; want %q", tc.namespace, got, want)
		}
	}
}

func TestCandidates(t *testing.T) {
	long := longName("x", 225) // of 224 characters in text, where a name has 254 at the most
	fits, tooLong := domain(strings.Repeat("d", 21)+".example."), domain(strings.Repeat("e", 22)+".example.")
	tests := []struct {
		about string
		x     string
		more  func(*config)
		want  []string // what stands behind X
	}{
		{"external name", "www.example.net.", reporting(false), []string{inDefault, "svc.cluster.local.", "cluster.local.", "corp.example.org.", "example.org.", ""}},
		{"complete name of a service, which leaks", "web.prod.svc.cluster.local.", reporting(false), []string{""}},
		{"complete name in a search domain, which leaks there", "a.b.example.org.", reporting(false), []string{inDefault, "svc.cluster.local.", "cluster.local.", ""}},
		{"excepted name", "www.example.net.", func(cfg *config) { cfg.except = []domain{"example.net."} },
			[]string{inDefault, "svc.cluster.local.", "cluster.local.", "corp.example.org.", "example.org."}},
		{"excepted name on the way", "www.example.net.", func(cfg *config) { cfg.except = []domain{"corp.example.org."} },
			[]string{inDefault, "svc.cluster.local.", "cluster.local."}},
		{"search domains that are as long as can be, and one octet longer", long, func(cfg *config) { cfg.suffixes.order = []domain{tooLong, fits} },
			[]string{inDefault, "svc.cluster.local.", "cluster.local.", string(fits), ""}},
	}
	for _, tc := range tests {
		cfg := testPlugin(nil, tc.more).cfg
		s, ok := cfg.suffixes.firstStep(tc.x + inDefault)
		if !ok {
			t.Fatalf("%s: %s is no first step", tc.about, tc.x+inDefault)
		}
		var got, want []string
		for _, c := range cfg.candidates(s) {
			got = append(got, c.name)
		}
		for _, suffix := range tc.want {
			want = append(want, tc.x+suffix)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: candidates = %q; want %q", tc.about, got, want)
		}
	}
}

func TestComplete(t *testing.T) {
	const second = "www.example.net.svc.cluster.local."
	const third = "www.example.net.cluster.local."
	const fourth = "www.example.net.corp.example.org."
	const last = "www.example.net."
	tests := []struct {
		about  string
		name   string
		script map[string]step
		more   func(*config)
		winner string     // "" if the client is left to search by itself
		pair   [2]outcome // of A and AAAA; NXDOMAIN for both if there is no winner
		after  time.Duration
		ttl    uint32 // of the alias, in the answer about A
	}{
		{about: "external name", script: map[string]step{last + " A": {outcome: data}, last + " AAAA": {outcome: data}},
			winner: last, pair: [2]outcome{data, data}, ttl: 5},
		{about: "external name with one half", script: map[string]step{last + " A": {outcome: data}, last + " AAAA": {outcome: nodata}},
			winner: last, pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "the halves never come from two names",
			script: map[string]step{third + " AAAA": {outcome: data}, third + " A": {outcome: nodata}, last + " A": {outcome: data}},
			winner: third, pair: [2]outcome{nodata, data}, ttl: 5},
		{about: "pod of a stateful set", name: statefulID, script: map[string]step{"web-0.nginx.prod.svc.cluster.local. A": {outcome: data}},
			winner: "web-0.nginx.prod.svc.cluster.local.", pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "service with svc", name: "web.prod.svc." + inDefault, script: map[string]step{"web.prod.svc.cluster.local. A": {outcome: data}},
			winner: "web.prod.svc.cluster.local.", pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "complete name of a service", name: "web.prod.svc.cluster.local." + inDefault, script: map[string]step{"web.prod.svc.cluster.local. A": {outcome: data}},
			winner: "web.prod.svc.cluster.local.", pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "AAAA denied", script: map[string]step{last + " A": {outcome: data}},
			winner: last, pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "AAAA fails", script: map[string]step{last + " A": {outcome: data}, last + " AAAA": {outcome: failure}},
			winner: last, pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "AAAA is silent", script: map[string]step{last + " A": {outcome: data}, last + " AAAA": {outcome: unknown}},
			winner: last, pair: [2]outcome{data, nodata}, after: time.Second, ttl: 5},
		{about: "ipv4only", script: map[string]step{last + " A": {outcome: data}, last + " AAAA": {outcome: data}},
			more:   func(cfg *config) { cfg.enabled[fixIPv4only] = true },
			winner: last, pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "a name in a search domain", script: map[string]step{fourth + " A": {outcome: data}, last + " A": {outcome: data}},
			winner: fourth, pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "a short ttl", script: map[string]step{last + " A": {outcome: data}}, more: func(cfg *config) { cfg.ttl = 2 },
			winner: last, pair: [2]outcome{data, nodata}, ttl: 2},

		{about: "the first step is silent for AAAA", script: map[string]step{firstName + " AAAA": {outcome: unknown}, last + " A": {outcome: data}},
			after: time.Second}, // the clock runs from the arrival of the query
		{about: "nothing has an address", script: map[string]step{last + " A": {outcome: nodata}}},
		{about: "the first step has an address", script: map[string]step{firstName + " A": {outcome: data}, firstName + " AAAA": {outcome: nodata}, last + " A": {outcome: data}},
			pair: [2]outcome{data, nodata}},
		{about: "a search domain fails", script: map[string]step{fourth + " A": {outcome: failure}, fourth + " AAAA": {outcome: failure}, last + " A": {outcome: data}}},
		{about: "a search domain is silent", script: map[string]step{fourth + " A": {outcome: unknown}, fourth + " AAAA": {outcome: unknown}, last + " A": {outcome: data}},
			after: lateAfter},
		{about: "the namespace may be a domain of the company", script: map[string]step{"default.example.org. A": {outcome: nodata}, last + " A": {outcome: data}}},
		{about: "nobody knows whether the namespace is a domain", script: map[string]step{"default.example.org. A": {outcome: unknown}, last + " A": {outcome: data}},
			after: lateAfter},
		{about: "a name of the cluster fails", script: map[string]step{second + " A": {outcome: failure}, second + " AAAA": {outcome: failure}, last + " A": {outcome: data}}},
		{about: "a name of the cluster denies AAAA and fails for A", script: map[string]step{second + " A": {outcome: failure}, last + " A": {outcome: data}}},
		{about: "a name of the cluster is silent", script: map[string]step{second + " A": {outcome: unknown}, second + " AAAA": {outcome: unknown}, last + " A": {outcome: data}},
			after: lateAfter},
		{about: "the last step fails", script: map[string]step{last + " A": {outcome: failure}, last + " AAAA": {outcome: failure}}},
		{about: "no such namespace", script: map[string]step{inDefault + " A": {outcome: nxdomain}, last + " A": {outcome: data}}},
		{about: "the namespace is slow", script: map[string]step{inDefault + " A": {outcome: nodata, delay: 300 * time.Millisecond}, last + " A": {outcome: data}},
			winner: last, pair: [2]outcome{data, nodata}, after: 300 * time.Millisecond, ttl: 5},
		{about: "the namespace is silent", script: map[string]step{inDefault + " A": {outcome: unknown}, last + " A": {outcome: data}},
			after: lateAfter},
		{about: "a rival is slow", script: map[string]step{"default.example.org. A": {outcome: nxdomain, delay: 300 * time.Millisecond}, last + " A": {outcome: data}},
			winner: last, pair: [2]outcome{data, nodata}, after: 300 * time.Millisecond, ttl: 5},
		{about: "nobody knows about the namespace", script: map[string]step{inDefault + " A": {outcome: failure}, last + " A": {outcome: data}}},
		{about: "a namespace called like a top-level domain", name: "www.example.net.prod.svc.cluster.local.",
			script: map[string]step{"prod.svc.cluster.local. A": {outcome: nodata}, last + " A": {outcome: data}},
			winner: last, pair: [2]outcome{data, nodata}, ttl: 5},
		{about: "a namespace called like a top-level domain, with a domain like this one", name: "www.example.net.prod.svc.cluster.local.",
			script: map[string]step{"prod.svc.cluster.local. A": {outcome: nodata}, "net.prod. A": {outcome: nodata}, last + " A": {outcome: data}}},
		{about: "a namespace called like a top-level domain, with a domain that fails", name: "www.example.net.prod.svc.cluster.local.",
			script: map[string]step{"prod.svc.cluster.local. A": {outcome: nodata}, "net.prod. A": {outcome: failure}, last + " A": {outcome: data}}},
		{about: "the last step must pass untouched", script: map[string]step{last + " A": {outcome: data}},
			more: func(cfg *config) { cfg.except = []domain{"example.net."} }},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				if _, ok := tc.script[inDefault+" A"]; !ok {
					tc.script[inDefault+" A"] = step{outcome: nodata}
				}
				if tc.more == nil {
					tc.more = func(*config) {}
				}
				if tc.name == "" {
					tc.name = firstName
				}
				if tc.pair == [2]outcome{} {
					tc.pair = [2]outcome{nxdomain, nxdomain}
				}
				h := completing(&upstream{script: tc.script}, tc.more)
				for _, isWarm := range []bool{false, true} {
					got := lookup(t, h, tc.name)
					checkCompleted(t, got, tc.name, tc.winner, tc.pair)
					if slowest := max(got[0].after, got[1].after); slowest > tc.after {
						t.Errorf("the answers took %v; want %v", slowest, tc.after)
					}
					if tc.winner != "" && !isWarm && got[0].m.Answer[0].Header().Ttl != tc.ttl {
						t.Errorf("the alias has TTL %d; want %d", got[0].m.Answer[0].Header().Ttl, tc.ttl)
					}
				}
			})
		})
	}
}

// checkCompleted checks that both halves are answers about winner.
func checkCompleted(t *testing.T, got [2]half, name, winner string, pair [2]outcome) {
	t.Helper()
	for i, h := range got {
		if h.outcome != pair[i] {
			t.Errorf("half %d is %v (%v); want %v", i, h.outcome, h.m, pair[i])
			continue
		}
		if h.outcome != data && !slices.ContainsFunc(h.m.Ns, isType(dns.TypeSOA)) {
			t.Errorf("half %d has no SOA: %v", i, h.m)
		}
		alias := ""
		if len(h.m.Answer) > 0 {
			if cname, ok := h.m.Answer[0].(*dns.CNAME); ok && cname.Hdr.Name == name {
				alias = cname.Target
			}
		}
		if alias != winner {
			t.Errorf("half %d is an alias of %q; want %q", i, alias, winner)
		}
		if winner != "" && (!h.m.Authoritative || !h.m.RecursionAvailable || h.m.AuthenticatedData || h.m.Question[0].Name != name) {
			t.Errorf("half %d has the header %v and the question %v", i, h.m.MsgHdr, h.m.Question)
		}
	}
}

// TestCompleteLoad counts what reaches the next plugins: each step once for each type, and when it is known which one
// has the address, that one alone.
func TestCompleteLoad(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const delay = 10 * time.Millisecond // so that the halves meet
		u := &upstream{script: map[string]step{
			inDefault + " A": {outcome: nodata, delay: delay}, firstName + " A": {outcome: nxdomain, delay: delay},
			"www.example.net. A": {outcome: data, delay: delay}, "www.example.net. AAAA": {outcome: nodata, delay: 2 * delay},
		}}
		p := completing(u)
		lookup(t, p, firstName)
		cold := u.log()
		count := map[string]int{}
		for _, key := range cold {
			count[key]++
		}
		if len(cold) != 16 || len(count) != 16 { // six steps of two types, the namespace, and three rivals
			t.Errorf("asked %q; want each of the steps once for each type", cold)
		}
		lookup(t, p, firstName)
		warm := slices.Sorted(slices.Values(u.log()[len(cold):]))
		if want := []string{"www.example.net. A", "www.example.net. AAAA"}; !slices.Equal(warm, want) {
			t.Errorf("asked %q when it was known; want %q", warm, want)
		}
		time.Sleep(briefTTL * time.Second) // what the upstream said about the steps before
		lookup(t, p, firstName)
		if again := u.log()[len(cold)+len(warm):]; len(again) != len(cold) {
			t.Errorf("asked %q after that was out of date; want %q", again, cold)
		}
	})
}

// TestCompleteForgets has a name move from one step to another, and its address vanish.
func TestCompleteForgets(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{inDefault + " A": {outcome: nodata}, "www.example.net. A": {outcome: data}}}
		p := completing(u)
		checkCompleted(t, lookup(t, p, firstName), firstName, "www.example.net.", [2]outcome{data, nodata})
		u.change("www.example.net. A", step{outcome: nxdomain})
		if m, _, _ := exchange(t, p, query(firstName, dns.TypeA)); m.Rcode != dns.RcodeNameError {
			t.Errorf("reply = %v; want NXDOMAIN", m)
		}
		if c, ok := p.choices.get(firstName, time.Now()); ok {
			t.Errorf("%+v is remembered; want it forgotten", c)
		}
		u.change("www.example.net.cluster.local. A", step{outcome: data})
		time.Sleep(minChoice * time.Second)
		time.Sleep(briefTTL * time.Second)
		checkCompleted(t, lookup(t, p, firstName), firstName, "www.example.net.cluster.local.", [2]outcome{data, nodata})
	})
}

// TestCompleteNamespaces has pods in two namespaces ask for the same short form.
func TestCompleteNamespaces(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			inDefault + " A":                  {outcome: nodata},
			"prod.svc.cluster.local. A":       {outcome: nodata},
			"a.b.c.prod.svc.cluster.local. A": {outcome: data}, // as no Kubernetes object, but it exists
			"a.b.c.svc.cluster.local. A":      {outcome: data, addrs: []string{"192.0.2.2"}},
		}}
		p := completing(u)
		checkCompleted(t, lookup(t, p, "a.b.c."+inDefault), "a.b.c."+inDefault, "a.b.c.svc.cluster.local.", [2]outcome{data, nodata})
		checkCompleted(t, lookup(t, p, "a.b.c.prod.svc.cluster.local."), "a.b.c.prod.svc.cluster.local.", "", [2]outcome{data, nodata})
	})
}

// TestCompleteOtherTypes checks that the search of other types is the client's own.
func TestCompleteOtherTypes(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeSRV, dns.TypeMX, dns.TypeTXT, dns.TypeCNAME} {
		u := &upstream{script: map[string]step{inDefault + " A": {outcome: nodata}, "www.example.net. A": {outcome: data}}}
		m, _, _ := exchange(t, completing(u), query(firstName, qtype))
		if m.Rcode != dns.RcodeNameError || len(u.log()) != 1 {
			t.Errorf("%s: %v after %q; want what the next plugin says", dns.TypeToString[qtype], m, u.log())
		}
	}
}

// TestCompleteReport checks that report counts, and changes nothing.
func TestCompleteReport(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		before := testutil.ToFloat64(fixesTotal.WithLabelValues("", "", "complete"))
		u := &upstream{script: map[string]step{inDefault + " A": {outcome: nodata}, "www.example.net. A": {outcome: data}}}
		p := completing(u, func(cfg *config) { cfg.report = true })
		checkCompleted(t, lookup(t, p, firstName), firstName, "", [2]outcome{nxdomain, nxdomain})
		if n := testutil.ToFloat64(fixesTotal.WithLabelValues("", "", "complete")) - before; n != 2 {
			t.Errorf("counted %v; want one for each half", n)
		}
	})
}

// TestCompleteClients checks that clients with EDNS get an Extended DNS Error, and others no OPT record.
func TestCompleteClients(t *testing.T) {
	u := &upstream{script: map[string]step{inDefault + " A": {outcome: nodata}, "www.example.net. A": {outcome: data}}}
	p := completing(u)
	for _, edns := range []bool{true, false} {
		r := query("WWW.example.net."+inDefault, dns.TypeA)
		if edns {
			r.SetEdns0(1232, false)
		}
		m, _, err := exchange(t, p, r)
		if err != nil || m.Id != r.Id || m.Answer[0].Header().Name != r.Question[0].Name {
			t.Fatalf("reply = %v, %v; want the ID and the case of the question", m, err)
		}
		if got := m.IsEdns0() != nil; got != edns {
			t.Errorf("OPT %v; want %v", got, edns)
		}
		if edns && !strings.Contains(m.IsEdns0().String(), "muslsafe complete") {
			t.Errorf("OPT %v; want the name of the fix", m.IsEdns0())
		}
	}
}

// TestChoicesAreBounded fills the memory of choices beyond its size.
func TestChoicesAreBounded(t *testing.T) {
	cs := newChoices()
	now := time.Now()
	for i := range 3 * maxChoices {
		cs.put(&choice{name: fmt.Sprintf("www.example%d.net.", i), expires: now.Add(time.Minute)})
	}
	if n := cs.cache.len(); n > maxChoices {
		t.Errorf("%d choices are remembered; want %d at the most", n, maxChoices)
	}
	if n := cs.cache.len(); n < maxChoices*9/10 {
		t.Errorf("%d choices are remembered; want about %d", n, maxChoices)
	}
}
