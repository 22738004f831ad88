package muslsafe

import (
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

const (
	webName    = "web.prod." // a Service, as pods of other namespaces write it
	webService = "web.prod.svc.cluster.local."
	webOnNode  = "web.prod.corp.example.org."
)

// absolutes are names that are asked for as they stand, and what a client gets that asks for both halves.
var absolutes = []completion{
	{about: "a Service with its namespace", script: map[string]step{webService + " A": exists},
		winner: webService, pair: [2]outcome{data, nodata}},
	{about: "with svc", name: "web.prod.svc.", script: map[string]step{webService + " A": exists, webService + " AAAA": exists},
		winner: webService, pair: [2]outcome{data, data}},
	{about: "a name in a search domain", script: map[string]step{webOnNode + " AAAA": exists},
		winner: webOnNode, pair: [2]outcome{nodata, data}},
	{about: "AAAA fails there", script: map[string]step{webService + " A": exists, webService + " AAAA": fails},
		winner: webService, pair: [2]outcome{data, nodata}},
	{about: "ipv4only", more: with(verdict.IPv4Only), script: map[string]step{webService + " A": exists, webService + " AAAA": exists},
		winner: webService, pair: [2]outcome{data, nodata}},
	{about: "the name is slow", script: map[string]step{webName + " A": {outcome: nxdomain, delay: 600 * ms}, webService + " A": exists},
		winner: webService, pair: [2]outcome{data, nodata}, after: 600 * ms},
	{about: "nothing has an address"},
	{about: "the name exists", script: map[string]step{webName + " A": exists, webService + " A": exists}, pair: [2]outcome{data, nodata}},
	{about: "the name has no address", script: map[string]step{webName + " A": isEmpty, webName + " AAAA": isEmpty, webService + " A": exists},
		pair: [2]outcome{nodata, nodata}},
	{about: "the name has other records", script: map[string]step{webName + " AAAA": isEmpty, webService + " A": exists},
		pair: [2]outcome{nxdomain, nodata}},
	{about: "a step fails", script: map[string]step{webService + " A": fails, webService + " AAAA": fails, webOnNode + " A": exists}},
	{about: "a step is silent", script: map[string]step{webService + " A": isSilent, webService + " AAAA": isSilent, webOnNode + " A": exists},
		after: lateAfter},
	{about: "a step must pass untouched", more: func(cfg *config) { cfg.except = []domain{"corp.example.org."} },
		script: map[string]step{webOnNode + " A": exists}},
	{about: "a wildcard may have the address", more: with(verdict.Wildcard), script: map[string]step{webOnNode + " A": exists}},
	{about: "one label", name: "web.", script: map[string]step{"web.svc.cluster.local. A": exists, "web.corp.example.org. A": exists}},
	{about: "an underscore", name: "_http.web.", script: map[string]step{"_http.web.corp.example.org. A": exists}},
	{about: "below a search domain", name: webOnNode, script: map[string]step{webOnNode + "example.org. A": exists}},
	{about: "a reverse name", name: "1.2.0.192.in-addr.arpa.", script: map[string]step{"1.2.0.192.in-addr.arpa.corp.example.org. A": exists}},
	{about: "off", more: func(cfg *config) { cfg.fixes[verdict.Absolute] = false }, script: map[string]step{webService + " A": exists}},
}

// TestAbsolute looks each name up twice: the second time, it is remembered where the search ends.
func TestAbsolute(t *testing.T) {
	for _, tc := range absolutes {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			if tc.name == "" {
				tc.name = webName
			}
			if tc.pair == [2]outcome{} {
				tc.pair = [2]outcome{nxdomain, nxdomain}
			}
			if tc.script == nil {
				tc.script = map[string]step{}
			}
			p := testPlugin(&upstream{script: tc.script}, func(cfg *config) {
				cfg.fixes[verdict.Absolute] = true
				if tc.more != nil {
					tc.more(cfg)
				}
			})
			for range 2 {
				got := lookUp(t, p, tc.name)
				if tc.winner != "" {
					checkCompleted(t, got, tc.name, tc.winner, tc.pair)
				} else if o := [2]outcome{got[0].outcome, got[1].outcome}; o != tc.pair {
					t.Errorf("the halves are %v; want %v", o, tc.pair)
				}
				if after := slowest(got); after > tc.after+shortly {
					t.Errorf("the answers took %v; want %v", after, tc.after)
				}
			}
		})
	}
}

// TestAbsoluteLoad counts what is asked about a name that exists nowhere: each step once, and from then on the name alone.
func TestAbsoluteLoad(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{}}
		p := testPlugin(u, with(verdict.Absolute))
		lookUp(t, p, webName)
		cold := len(u.log())
		if cold > 14 { // seven names at the most, of which muslsafe asks for one again
			t.Errorf("asked %q", u.log())
		}
		lookUp(t, p, webName)
		warm := slices.Sorted(slices.Values(u.log()[cold:]))
		if want := []string{webName + " A", webName + " AAAA"}; !slices.Equal(warm, want) {
			t.Errorf("asked %q when it was known; want %q", warm, want)
		}
	})
}

// TestAbsoluteOneFamily has a client that asks for one family alone, which the name does not have. It gets the denial as it is:
// an alias without an address would end the search of glibc.
func TestAbsoluteOneFamily(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{webService + " A": exists, webOnNode + " AAAA": exists}}
		p := testPlugin(u, with(verdict.Absolute))
		for range 2 {
			if m, _, _ := exchange(t, p, newQuery(webName, dns.TypeAAAA)); m.Rcode != dns.RcodeNameError || len(m.Answer) > 0 {
				t.Errorf("reply to AAAA alone = %v; want NXDOMAIN", m)
			}
			time.Sleep(10 * time.Second)
		}
		if m, _, _ := exchange(t, p, newQuery(webName, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != data {
			t.Errorf("reply to A alone = %v; want the address", m)
		}
	})
}

// TestAbsoluteReport counts what the fix would do, and changes nothing.
func TestAbsoluteReport(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		p := testPlugin(&upstream{script: map[string]step{webService + " A": exists}}, func(cfg *config) {
			cfg.fixes[verdict.Absolute], cfg.report = true, true
		})
		if m, _, _ := exchange(t, p, newQuery(webName, dns.TypeA)); m.Rcode != dns.RcodeNameError {
			t.Errorf("reply = %v; want NXDOMAIN", m)
		}
	})
}
