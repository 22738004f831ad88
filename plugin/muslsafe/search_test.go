package muslsafe

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// completion is a search from its first step, and what a client gets that asks for both halves of that.
type completion struct {
	about  string
	name   string          // of the first step; the default is firstName
	script map[string]step // in place of what searchScript has
	more   func(*config)
	winner string     // "" if the client is left to search by itself
	pair   [2]outcome // of A and AAAA; NXDOMAIN for both if there is no winner
	after  time.Duration
	ttl    uint32 // of the alias, in the answer about A
}

// The steps of the search from firstName, but for the first.
const (
	secondStep = originalName + "svc.cluster.local."
	thirdStep  = originalName + "cluster.local."
	fourthStep = originalName + "corp.example.org."
	lastStep   = originalName

	shortName = "example.net." // of two labels

	inProd  = "prod.svc.cluster.local." // a namespace that exists in some tests
	podName = "web-0.nginx." + inProd   // of a stateful set
)

// completed are searches that muslsafe does on behalf of the client.
var completed = []completion{
	{about: "external name", script: map[string]step{lastStep + " AAAA": exists},
		winner: lastStep, pair: [2]outcome{data, data}, ttl: 5},
	{about: "external name with one half", script: map[string]step{lastStep + " AAAA": isEmpty},
		winner: lastStep, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "the halves never come from two names",
		script: map[string]step{thirdStep + " AAAA": exists, thirdStep + " A": isEmpty},
		winner: thirdStep, pair: [2]outcome{nodata, data}, ttl: 5},
	{about: "two labels, which could be an endpoint if there were such a Service", name: shortName + inDefault,
		script: map[string]step{shortName + " A": exists}, winner: shortName, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "a Service of another namespace", name: "web.prod." + inDefault,
		script: map[string]step{"web." + inProd + " A": exists}, winner: "web." + inProd, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "pod of a stateful set", name: "web-0.nginx.prod." + inDefault, script: map[string]step{podName + " A": exists},
		winner: podName, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "service with svc", name: "web.prod.svc." + inDefault, script: map[string]step{"web.prod.svc.cluster.local. A": exists},
		winner: "web.prod.svc.cluster.local.", pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "complete name of a service", name: "web.prod.svc.cluster.local." + inDefault, script: map[string]step{"web.prod.svc.cluster.local. A": exists},
		winner: "web.prod.svc.cluster.local.", pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "AAAA denied", winner: lastStep, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "AAAA fails", script: map[string]step{lastStep + " AAAA": fails},
		winner: lastStep, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "AAAA is silent", script: map[string]step{lastStep + " AAAA": isSilent},
		winner: lastStep, pair: [2]outcome{data, nodata}, after: time.Second, ttl: 5},
	{about: "ipv4only", script: map[string]step{lastStep + " AAAA": exists}, more: with(verdict.IPv4Only),
		winner: lastStep, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "a name in a search domain", script: map[string]step{fourthStep + " A": exists},
		winner: fourthStep, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "a short ttl", more: withTTL(2),
		winner: lastStep, pair: [2]outcome{data, nodata}, ttl: 2},
	{about: "the namespace is slow", script: map[string]step{inDefault + " MX": {outcome: nodata, delay: 300 * ms}},
		winner: lastStep, pair: [2]outcome{data, nodata}, after: 300 * ms, ttl: 5},
	{about: "a rival is slow", script: map[string]step{"default.example.org. A": {outcome: nxdomain, delay: 300 * ms}},
		winner: lastStep, pair: [2]outcome{data, nodata}, after: 300 * ms, ttl: 5},
	{about: "no wildcard has the address", more: with(verdict.Wildcard),
		winner: lastStep, pair: [2]outcome{data, nodata}, ttl: 5},
	{about: "a namespace called like a top-level domain", name: originalName + inProd,
		script: map[string]step{inProd + " MX": isEmpty},
		winner: lastStep, pair: [2]outcome{data, nodata}, ttl: 5},
}

// leftAlone are searches that are left to the client.
var leftAlone = []completion{
	{about: "the first step is silent for AAAA", script: map[string]step{firstName + " AAAA": isSilent},
		after: time.Second}, // the clock runs from the arrival of the query
	{about: "nothing has an address", script: map[string]step{lastStep + " A": isEmpty}},
	{about: "the first step has an address", script: map[string]step{firstName + " A": exists, firstName + " AAAA": isEmpty},
		pair: [2]outcome{data, nodata}},
	{about: "a search domain fails", script: map[string]step{fourthStep + " A": fails, fourthStep + " AAAA": fails}},
	{about: "a search domain is silent", script: map[string]step{fourthStep + " A": isSilent, fourthStep + " AAAA": isSilent},
		after: lateAfter},
	{about: "the namespace may be a domain of the company", script: map[string]step{"default.example.org. A": isEmpty}},
	{about: "nobody knows whether the namespace is a domain", script: map[string]step{"default.example.org. A": isSilent},
		after: lateAfter},
	{about: "a name of the cluster fails", script: map[string]step{secondStep + " A": fails, secondStep + " AAAA": fails}},
	{about: "a name of the cluster denies AAAA and fails for A", script: map[string]step{secondStep + " A": fails}},
	{about: "a name of the cluster is silent", script: map[string]step{secondStep + " A": isSilent, secondStep + " AAAA": isSilent},
		after: lateAfter},
	{about: "the last step fails", script: map[string]step{lastStep + " A": fails, lastStep + " AAAA": fails}},
	{about: "no such namespace", script: map[string]step{inDefault + " MX": isAbsent}},
	{about: "the namespace is silent", script: map[string]step{inDefault + " MX": isSilent},
		after: lateAfter},
	{about: "nobody knows about the namespace", script: map[string]step{inDefault + " MX": fails}},
	{about: "a namespace called like a top-level domain, with a domain like this one", name: originalName + inProd,
		script: map[string]step{inProd + " MX": isEmpty, "net.prod. A": isEmpty}},
	{about: "a namespace called like a top-level domain, with a domain that fails", name: originalName + inProd,
		script: map[string]step{inProd + " MX": isEmpty, "net.prod. A": fails}},
	{about: "an endpoint may have this name", name: shortName + inDefault,
		script: map[string]step{shortName + " A": exists, "net." + inDefault + " MX": isEmpty}},
	{about: "nobody knows whether an endpoint may have this name", name: shortName + inDefault,
		script: map[string]step{shortName + " A": exists, "net." + inDefault + " MX": fails}},
	{about: "a namespace called like a domain at the top", script: map[string]step{"default. A": isEmpty}},
	{about: "a namespace called like a domain at the top that fails", script: map[string]step{"default. A": fails}},
	{about: "a wildcard may have the address", more: with(verdict.Wildcard), script: map[string]step{fourthStep + " A": exists}},
	{about: "the last step must pass untouched", more: func(cfg *config) { cfg.except = []domain{"example.net."} }},
}

// TestComplete looks each name up twice: the second time, it is remembered where the search ends.
func TestComplete(t *testing.T) {
	for _, tc := range slices.Concat(completed, leftAlone) {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			tc.name = cmp.Or(tc.name, firstName)
			tc.pair = cmp.Or(tc.pair, [2]outcome{nxdomain, nxdomain})
			if tc.more == nil {
				tc.more = asItIs
			}
			h := completing(&upstream{script: searchScript(tc.script)}, tc.more)
			for _, isWarm := range []bool{false, true} {
				got := lookUp(t, h, tc.name)
				checkCompleted(t, got, tc.name, tc.winner, tc.pair)
				if after := slowest(got); after > tc.after+shortly { // AAAA may come first
					t.Errorf("the answers took %v; want %v", after, tc.after)
				}
				if tc.winner != "" && !isWarm && got[0].m.Answer[0].Header().Ttl != tc.ttl {
					t.Errorf("the alias has TTL %d; want %d", got[0].m.Answer[0].Header().Ttl, tc.ttl)
				}
			}
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

// TestCompleteLoad counts what is asked: at first each step, once for each type, and from then on the step with the address
// alone, until what led to it is out of date.
func TestCompleteLoad(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		const delay = 10 * ms // so that the halves meet
		u := &upstream{script: map[string]step{
			inDefault + " MX": {outcome: nodata, delay: delay}, firstName + " A": {outcome: nxdomain, delay: delay},
			lastStep + " A": {outcome: data, delay: delay}, lastStep + " AAAA": {outcome: nodata, delay: 2 * delay},
		}}
		p := completing(u)
		lookUp(t, p, firstName)
		cold := u.log()
		count := map[string]int{}
		for _, key := range cold {
			count[key]++
		}
		if len(cold) != 17 || len(count) != 17 { // six steps of two types, the namespace, and four rivals
			t.Errorf("asked %q; want each of the steps once for each type", cold)
		}
		lookUp(t, p, firstName)
		warm := slices.Sorted(slices.Values(u.log()[len(cold):]))
		if want := []string{lastStep + " A", lastStep + " AAAA"}; !slices.Equal(warm, want) {
			t.Errorf("asked %q when it was known; want %q", warm, want)
		}
		time.Sleep(reply.BriefTTL * time.Second) // what the upstream said about the steps before
		lookUp(t, p, firstName)
		if again := u.log()[len(cold)+len(warm):]; len(again) != len(cold) {
			t.Errorf("asked %q after that was out of date; want %q", again, cold)
		}
	})
}

// TestCompleteForgets has the addresses of a winner vanish. The search is done again at once, and finds what there is now:
// another step, and then nothing.
func TestCompleteForgets(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: searchScript(map[string]step{thirdStep + " A": exists, thirdStep + " AAAA": exists})}
		p := completing(u)
		checkCompleted(t, lookUp(t, p, firstName), firstName, thirdStep, [2]outcome{data, data})
		u.change(thirdStep+" A", isAbsent)
		u.change(thirdStep+" AAAA", isAbsent)
		checkCompleted(t, lookUp(t, p, firstName), firstName, lastStep, [2]outcome{data, nodata})
		u.change(lastStep+" A", isAbsent)
		if got := lookUp(t, p, firstName)[0]; got.outcome != nxdomain {
			t.Errorf("A = %v; want NXDOMAIN", got.m)
		}
		checkCompleted(t, lookUp(t, p, firstName), firstName, "", [2]outcome{nxdomain, nxdomain})
	})
}

// TestCompleteOneFamily has clients that ask for one family alone, which the first step with an address does not have. They
// search by themselves; one that asks for both gets an alias.
func TestCompleteOneFamily(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: searchScript(map[string]step{thirdStep + " AAAA": exists})}
		p := completing(u)
		for range 2 { // cold and warm
			if m, _, _ := exchange(t, p, newQuery(firstName, dns.TypeA)); m.Rcode != dns.RcodeNameError || len(m.Answer) > 0 {
				t.Errorf("reply to A alone = %v; want NXDOMAIN", m)
			}
			time.Sleep(10 * time.Second) // until nobody remembers what the client asked for
		}
		checkCompleted(t, lookUp(t, p, firstName), firstName, thirdStep, [2]outcome{nodata, data})
	})
}

// TestCompletePerClient has rules that treat clients differently: what one of them gets says nothing about the next.
func TestCompletePerClient(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: searchScript(map[string]step{thirdStep + " A": exists})}
		p := completing(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			if strings.HasPrefix(w.RemoteAddr().String(), "192.0.2.66:") && r.Question[0].Name == thirdStep {
				return give(w, r, nodata) // as acl filters
			}
			return u.ServeDNS(ctx, w, r)
		}))
		p.isPerClient = true
		for range 2 {
			for addr, want := range map[string]string{"192.0.2.66": lastStep, "192.0.2.1": thirdStep} {
				m := serve(t, p, &test.ResponseWriter{RemoteIP: addr}, newQuery(firstName, dns.TypeA))
				if cname, ok := m.Answer[0].(*dns.CNAME); !ok || cname.Target != want {
					t.Errorf("client %s: %v; want an alias of %s", addr, m.Answer, want)
				}
			}
		}
	})
}

// TestCompleteNamespaces has pods in two namespaces search for the same name.
func TestCompleteNamespaces(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			inDefault + " MX":            isEmpty,
			inProd + " MX":               isEmpty,
			"a.b.c." + inProd + " A":     exists, // which is no name of a Kubernetes object, but exists
			"a.b.c.svc.cluster.local. A": {outcome: data, addrs: []string{"192.0.2.2"}},
		}}
		p := completing(u)
		checkCompleted(t, lookUp(t, p, "a.b.c."+inDefault), "a.b.c."+inDefault, "a.b.c.svc.cluster.local.", [2]outcome{data, nodata})
		checkCompleted(t, lookUp(t, p, "a.b.c."+inProd), "a.b.c."+inProd, "", [2]outcome{data, nodata})
	})
}

// TestCompleteOtherTypes checks that searches for other types are left to the client.
func TestCompleteOtherTypes(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeSRV, dns.TypeMX, dns.TypeTXT, dns.TypeCNAME} {
		u := &upstream{script: searchScript(nil)}
		m, _, _ := exchange(t, completing(u), newQuery(firstName, qtype))
		if m.Rcode != dns.RcodeNameError || len(u.log()) != 1 {
			t.Errorf("%s: %v after %q; want what the next plugin says", dns.TypeToString[qtype], m, u.log())
		}
	}
}

// TestCompleteClients checks that clients with EDNS get an Extended DNS Error, and that others get no OPT record.
func TestCompleteClients(t *testing.T) {
	u := &upstream{script: searchScript(nil)}
	p := completing(u)
	for _, edns := range []bool{true, false} {
		r := queryWith("WWW.example.net."+inDefault, dns.TypeA, edns)
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
