package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// pod is the resolv.conf of a pod, on a node whose search domain says NXDOMAIN as it should.
const pod = "nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local corp.example.com\noptions ndots:5\n"

const corefile = `. {
    bind 10.96.0.10
    errors
    %s
    forward . 127.0.0.2
}`

const (
	stock = "cache 30"
	safe  = "muslsafe {\n search corp.example.com scripted.example.com nodata.example.com servfail.example.com refused.example.com silent.example.com wild.example.com half.example.com d2.example.net\n wildcard\n dot\n }\n cache 30 {\n servfail 0\n }"
)

// all returns a zone that says the same to every question.
func all(name string, net byte, behaviour string) upstream.Zone {
	b, err := upstream.Parse(behaviour)
	if err != nil {
		panic(err)
	}
	return upstream.Zone{Name: name, Net: net, A: b, AAAA: b}
}

// half is a search domain that fails for AAAA alone.
var half = upstream.Zone{
	Name: "half.example.com.", Net: 11, A: upstream.Behaviour{Answer: upstream.NoData}, AAAA: upstream.Behaviour{Answer: upstream.ServFail},
}

// worldwide is the DNS behind CoreDNS: the cluster, the search domains of nodes and the rest of the world.
var worldwide = &upstream.Script{Zones: []upstream.Zone{
	all("dnscheck.svc.cluster.local.", 1, "data"),
	{Name: "example.org.", Net: 2, Scripted: true},
	{Name: "scripted.example.com.", Net: 3, Scripted: true},
	all("d2.example.net.", 4, "data"),
	all("nodata.example.com.", 5, "nodata"),
	all("servfail.example.com.", 6, "servfail"),
	all("refused.example.com.", 7, "refused"),
	all("silent.example.com.", 8, "silence"),
	all("wild.example.com.", 9, "data"),
	half,
	{Name: upstream.LinkZone, Net: 10},
}}

// hazardous are the hazards that a server can cause, each with the search domain of the node and the fix that cures it.
var hazardous = []struct {
	about, search, name, fix string
}{
	{"AAAA denied", "corp.example.com", "data.nxdomain.h1.example.org", "pair"},
	{"A denied", "corp.example.com", "nxdomain.data.h2.example.org", "pair"},
	{"A without an address, AAAA denied", "scripted.example.com d2.example.net", "nodata.nxdomain.h3", "search"},
	{"AAAA without an address, A denied, and an alias", "scripted.example.com d2.example.net", "nxdomain.cnameonly.h4", "search"},
	{"AAAA SERVFAIL", "corp.example.com", "data.servfail.h5.example.org", "failure"},
	{"AAAA REFUSED", "corp.example.com", "data.refused.h6.example.org", "failure"},
	{"AAAA NOTIMP", "corp.example.com", "data.notimp.h7.example.org", "failure"},
	{"AAAA FORMERR", "corp.example.com", "data.formerr.h8.example.org", "failure"},
	{"AAAA silent", "corp.example.com", "data.silence.h9.example.org", "failure"},
	{"A SERVFAIL", "corp.example.com", "servfail.data.h10.example.org", "failure"},
	{"A denied, AAAA SERVFAIL", "scripted.example.com d2.example.net", "nxdomain.servfail.h11", "failure"},
	{"AAAA late", "corp.example.com", "data.data-d2900.h12.example.org", "failure"},
	{"A SERVFAIL once, and kept by cache", "corp.example.com", "data-f1servfail.data.h13.example.org", "failure"},
	{"search domain NODATA", "nodata.example.com", "data.data.h14.example.org", "search"},
	{"search domain SERVFAIL", "servfail.example.com", "data.data.h15.example.org", "search"},
	{"search domain REFUSED", "refused.example.com", "data.data.h16.example.org", "search"},
	{"search domain silent", "silent.example.com", "data.data.h17.example.org", "search"},
	{"search domain half NODATA, half SERVFAIL", "half.example.com d2.example.net", "web.h18", "search"},
	{"truncated and empty", "corp.example.com", "tcempty.nodata.h19.example.org", "fit"},
	{"a chain of aliases", "corp.example.com", "data-c11-l60.nodata.h21.example.org", "fit"},
	{"the whole name of a service, search domain NODATA", "nodata.example.com", "web.dnscheck.svc.cluster.local", "leak"},
	{"the whole name of a service, search domain with a wildcard", "wild.example.com", "web.dnscheck.svc.cluster.local", "leak"},
	{"the whole name of a service, search domain SERVFAIL", "servfail.example.com", "web.dnscheck.svc.cluster.local", "leak"},
	{"wildcard", "wild.example.com", "data.data.h24.example.org", "wildcard"},
	{"search .", ".", "data.data.h25.example.org", "dot"},
}

// incurable are found with muslsafe as without it: doctor must not promise a cure.
var incurable = []struct {
	about, search, name, kind string
	status                    int
}{
	{"64 addresses, more than musl 1.2.4 reads over TCP", "corp.example.com", "data-n64.nodata.h1.example.org", "too-many", 1},
	{"60 addresses of AAAA, which leave no room for A since musl 1.2.5", "corp.example.com", "data-n5.data-n60.h2.example.org", "too-many", 1},
	{"both halves fail", "corp.example.com", "servfail.servfail.h3.example.org", "outage", 2},
	{"one name fails in a search domain that is alive", "scripted.example.com d2.example.net", "servfail.servfail.h4", "outage", 1},
	{"no such name", "corp.example.com", "www.example.net", "", 2},
}

// TestHazards examines names in a pod: behind CoreDNS each hazard is found, behind muslsafe none.
func TestHazards(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, pod)
	upstream.Start(t, "127.0.0.2:53", worldwide)
	for _, with := range []string{stock, safe} {
		coredns := lab.CoreDNS(t, fmt.Sprintf(corefile, with), nil)
		for _, tc := range hazardous {
			t.Run(fmt.Sprintf("%s/%v", tc.about, with == safe), func(t *testing.T) {
				// Both runs ask for names of their own, as the upstream counts how often it is asked.
				name := tc.name
				if with == safe {
					name = strings.Replace(name, ".h", ".s", 1)
				}
				status, r := examine(t, "-search="+podSearch(tc.search), name)
				if with == stock {
					wantHazard(t, status, r, tc.fix)
				} else {
					wantHealth(t, status, r)
				}
			})
		}
		for _, tc := range incurable {
			t.Run(fmt.Sprintf("%s/%v", tc.about, with == safe), func(t *testing.T) {
				status, r := examine(t, "-search="+podSearch(tc.search), tc.name)
				found := slices.ContainsFunc(r.Names[0].Hazards, func(h hazard) bool { return h.Kind == tc.kind && h.Fix == "" })
				if status != tc.status || found != (tc.kind != "") {
					t.Errorf("status %d, %+v; want %d, %q", status, r.Names[0].Hazards, tc.status, tc.kind)
				}
			})
		}
		coredns.Stop()
	}
}

// podSearch returns the search list of a pod on a node with search domains.
func podSearch(node string) string {
	if node == "." {
		return node
	}
	return strings.Join(append([]string{"default.svc.cluster.local", "svc.cluster.local", "cluster.local"}, strings.Fields(node)...), ",")
}

// wantHazard wants a hazard that a fix cures, with the question behind it and whom it harms.
func wantHazard(t *testing.T, status int, r report, fix string) {
	t.Helper()
	found := slices.ContainsFunc(r.Names[0].Hazards, func(h hazard) bool { return h.Fix == fix && len(h.Answers) == 2 && len(h.Harms) > 0 })
	if status != 1 || !found {
		t.Errorf("status %d, %+v; want 1 and a hazard for the fix %q", status, r.Names[0].Hazards, fix)
	}
}

func wantHealth(t *testing.T, status int, r report) {
	t.Helper()
	if n := r.Names[0]; status != 0 || n.Status != "healthy" || len(n.Hazards) > 0 {
		t.Errorf("status %d, %s, %+v, %+v; want health", status, n.Unclear, n.Hazards, n.Lookups)
	}
}
