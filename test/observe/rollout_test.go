package observe

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// counters returns what the server says of a metric, by the value of a label.
func counters(t *testing.T, metric, label string) map[string]int {
	t.Helper()
	counts := map[string]int{}
	line := regexp.MustCompile(`(?m)^` + metric + `\{.*\b` + label + `="(\w+)".*\} (\S+)$`)
	for _, m := range line.FindAllStringSubmatch(lab.Get(t, "http://127.0.0.1:9153/metrics"), -1) {
		n, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		counts[m[1]] += int(n)
	}
	return counts
}

// day is the same load each time: one query after the other, so that each finds what the one before has left.
func day(t *testing.T) {
	t.Helper()
	for round := range 20 {
		for _, name := range []string{"www%d.example.org.", "db%d.corp.example.com.", "x.lb.example.net.", "a%d.b.svc.cluster.local.example.com.", "n%d.example.org."} {
			if strings.Contains(name, "%") {
				name = fmt.Sprintf(name, round)
			}
			lab.Query(t, name, dns.TypeA)
			lab.Query(t, name, dns.TypeAAAA)
		}
	}
}

// fixesOfDay runs a server with a line in the block of muslsafe for a day, and returns its counters.
func fixesOfDay(t *testing.T, line string) (fixes, decisions map[string]int) {
	t.Helper()
	server := lab.CoreDNS(t, fmt.Sprintf(watched, line), nil)
	day(t)
	fixes, decisions = counters(t, "coredns_muslsafe_fixes_total", "fix"), counters(t, "coredns_muslsafe_queries_total", "decision")
	server.Stop()
	return fixes, decisions
}

// TestRollout goes the way of the README: a day of report, then one fix after the other. Each counts what report said.
func TestRollout(t *testing.T) {
	lab.Require(t)
	lab.CoreDNS(t, upstream, nil)
	reported, decisions := fixesOfDay(t, "report")
	if decisions["fixed"] == 0 || decisions["passed"] == 0 || decisions["fixed"]+decisions["passed"] != 200 {
		t.Errorf("decisions on 200 queries: %v", decisions)
	}
	off := []string{"leak", "pair", "search", "failure", "fit"}
	for _, fix := range []string{"leak", "pair", "search", "failure"} {
		if reported[fix] == 0 {
			t.Errorf("report: %v; want some of %s", reported, fix)
		}
		off = slices.DeleteFunc(off, func(name string) bool { return name == fix })
		got, _ := fixesOfDay(t, "disable "+strings.Join(off, " "))
		for name, n := range got {
			want := reported[name]
			if slices.Contains(off, name) {
				want = 0
			}
			if n != want {
				t.Errorf("disable %v: %d of %s; want %d, as report said", off, n, name, want)
			}
		}
	}
}
