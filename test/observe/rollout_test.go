package observe

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// world is the upstream with more for the other fixes to do: an answer that is too big, a wildcard in a search domain,
// and a namespace, of which complete must be able to tell that no search domain has one.
func world() string {
	var addresses strings.Builder
	for i := range 60 {
		fmt.Fprintf(&addresses, "answer \"{{ .Name }} 60 IN A 198.51.100.%d\"\n", i+1)
	}
	return upstream + fmt.Sprintf(more, addresses.String())
}

const more = `
(denied) {
	bind 127.0.0.2
	template IN ANY . {
		rcode NXDOMAIN
		authority ". 60 IN SOA ns.example.org. dns.example.org. 1 7200 1800 86400 60"
	}
}
many.example.net {
	bind 127.0.0.2
	template IN A . {
		%s
	}
	template IN AAAA . {
		authority "many.example.net. 60 IN SOA ns.example.net. dns.example.net. 1 7200 1800 86400 60"
	}
}
one.example.net {
	bind 127.0.0.2
	template IN A . {
		answer "{{ .Name }} 60 IN A 192.0.2.82"
	}
	template IN AAAA . {
		authority "one.example.net. 60 IN SOA ns.example.net. dns.example.net. 1 7200 1800 86400 60"
	}
}
wild.example.com {
	template IN A . {
		match ^www ^muslsafe-
		answer "{{ .Name }} 60 IN A 203.0.113.66"
		fallthrough
	}
	template IN AAAA . {
		match ^www ^muslsafe-
		authority "wild.example.com. 60 IN SOA ns.example.com. dns.example.com. 1 7200 1800 86400 60"
		fallthrough
	}
	import denied
}
default.svc.cluster.local {
	template IN ANY . {
		match ^default
		authority "cluster.local. 60 IN SOA ns.dns.cluster.local. dns.cluster.local. 1 7200 1800 86400 60"
		fallthrough
	}
	import denied
}
default.corp.example.com {
	import denied
}
`

// names are those of a day, each with the number of the round.
var names = []string{
	"www%d.example.org.", "db%d.corp.example.com.", "x.lb.example.net.", "a%d.b.svc.cluster.local.example.com.", "n%d.example.org.",
	"n%d.many.example.net.", "www%d.example.org.wild.example.com.", "n%d.one.example.net.default.svc.cluster.local.",
}

const rounds = 20

// day is the same load each time: one query after the other, so that each finds what the one before has left.
func day(t *testing.T) {
	t.Helper()
	for round := range rounds {
		for _, name := range names {
			if strings.Contains(name, "%") {
				name = fmt.Sprintf(name, round)
			}
			lab.Query(t, name, dns.TypeA)
			lab.Query(t, name, dns.TypeAAAA)
		}
		if _, err := lab.Exchange("udp", "127.0.0.1:53", lab.DotQuery(), 10*time.Second); err != nil {
			t.Fatal(err)
		}
	}
}

// fixesOfDay runs a server with a line in the block of muslsafe for a day, and returns its counters.
func fixesOfDay(t *testing.T, line string) (fixes map[string]int) {
	t.Helper()
	server := lab.CoreDNS(t, fmt.Sprintf(watched, line), nil)
	day(t)
	decisions := lab.Counters(t, "127.0.0.1", "coredns_muslsafe_queries_total", "decision")
	fixes = lab.Counters(t, "127.0.0.1", "coredns_muslsafe_fixes_total", "fix")
	server.Stop()
	fixed := -fixes["dot"] // which comes before there is a query
	for _, n := range fixes {
		fixed += n
	}
	if asked := 2 * rounds * len(names); decisions["fixed"] != fixed || decisions["passed"] != asked-fixed {
		t.Errorf("%s: decisions on %d queries: %v; want %d fixed, as %v", line, asked, decisions, fixed, fixes)
	}
	return fixes
}

// TestRollout goes the way of the README: a day of report, then one fix after the other. Each counts what report said.
func TestRollout(t *testing.T) {
	lab.Require(t)
	lab.CoreDNS(t, world(), nil)
	reported := fixesOfDay(t, "report")
	off := []string{"leak", "pair", "search", "failure", "fit"}
	for len(off) > 0 {
		if reported[off[0]] == 0 {
			t.Errorf("report: %v; want some of %s", reported, off[0])
		}
		off = off[1:]
		line := ""
		if len(off) > 0 {
			line = "disable " + strings.Join(off, " ")
		}
		want := maps.Clone(reported)
		for _, fix := range off {
			want[fix] = 0
		}
		if got := fixesOfDay(t, line); !maps.Equal(got, want) {
			t.Errorf("%q: %v; want %v, as report said", line, got, want)
		}
	}
}

// TestRolloutOfMore goes on with the fixes that are off by default: each is reported, with all before it, and then switched on.
func TestRolloutOfMore(t *testing.T) {
	lab.Require(t)
	lab.CoreDNS(t, world(), nil)
	lines, before := "", fixesOfDay(t, "")
	for _, fix := range []string{"dot", "wildcard", "complete", "ipv4only"} {
		lines += fix + "\n"
		reported := fixesOfDay(t, lines+"report")
		if reported[fix] == 0 {
			t.Errorf("report: %v; want some of %s", reported, fix)
		}
		want := maps.Clone(before)
		want[fix] = reported[fix]
		if fix == "ipv4only" {
			// AAAA is the half that is denied and the half that fails. It is not asked any more.
			want["pair"], want["failure"] = 0, 0
		}
		if !maps.Equal(reported, want) {
			t.Errorf("report of %s: %v; want %v, as before, and what it does itself", fix, reported, want)
		}
		if before = fixesOfDay(t, lines); !maps.Equal(before, reported) {
			t.Errorf("%q: %v; want %v, as report said", lines, before, reported)
		}
	}
}
