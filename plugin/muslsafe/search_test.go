package muslsafe

import (
	"cmp"
	"slices"
	"strings"
	"testing"
	"time"

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
	{about: "the namespace is slow", script: map[string]step{inDefault + " A": {outcome: nodata, delay: 300 * ms}},
		winner: lastStep, pair: [2]outcome{data, nodata}, after: 300 * ms, ttl: 5},
	{about: "a rival is slow", script: map[string]step{"default.example.org. A": {outcome: nxdomain, delay: 300 * ms}},
		winner: lastStep, pair: [2]outcome{data, nodata}, after: 300 * ms, ttl: 5},
	{about: "a namespace called like a top-level domain", name: originalName + inProd,
		script: map[string]step{inProd + " A": isEmpty},
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
	{about: "no such namespace", script: map[string]step{inDefault + " A": isAbsent}},
	{about: "the namespace is silent", script: map[string]step{inDefault + " A": isSilent},
		after: lateAfter},
	{about: "nobody knows about the namespace", script: map[string]step{inDefault + " A": fails}},
	{about: "a namespace called like a top-level domain, with a domain like this one", name: originalName + inProd,
		script: map[string]step{inProd + " A": isEmpty, "net.prod. A": isEmpty}},
	{about: "a namespace called like a top-level domain, with a domain that fails", name: originalName + inProd,
		script: map[string]step{inProd + " A": isEmpty, "net.prod. A": fails}},
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
				if after := slowest(got); after > tc.after {
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
			inDefault + " A": {outcome: nodata, delay: delay}, firstName + " A": {outcome: nxdomain, delay: delay},
			lastStep + " A": {outcome: data, delay: delay}, lastStep + " AAAA": {outcome: nodata, delay: 2 * delay},
		}}
		p := completing(u)
		lookUp(t, p, firstName)
		cold := u.log()
		count := map[string]int{}
		for _, key := range cold {
			count[key]++
		}
		if len(cold) != 16 || len(count) != 16 { // six steps of two types, the namespace, and three rivals
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

// TestCompleteForgets has an address vanish, and appear at another step.
func TestCompleteForgets(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: searchScript(nil)}
		p := completing(u)
		checkCompleted(t, lookUp(t, p, firstName), firstName, lastStep, [2]outcome{data, nodata})
		u.change(lastStep+" A", isAbsent)
		if m, _, _ := exchange(t, p, newQuery(firstName, dns.TypeA)); m.Rcode != dns.RcodeNameError {
			t.Errorf("reply = %v; want NXDOMAIN", m)
		}
		if c := p.searches.remembered(firstName, time.Now()); c != nil {
			t.Errorf("%+v is remembered; want it forgotten", c)
		}
		u.change(thirdStep+" A", exists)
		time.Sleep(minChoice * time.Second)
		time.Sleep(reply.BriefTTL * time.Second)
		checkCompleted(t, lookUp(t, p, firstName), firstName, thirdStep, [2]outcome{data, nodata})
	})
}

// TestCompleteNamespaces has pods in two namespaces search for the same name.
func TestCompleteNamespaces(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{
			inDefault + " A":             isEmpty,
			inProd + " A":                isEmpty,
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
