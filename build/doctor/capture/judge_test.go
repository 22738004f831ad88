package capture

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// everywhere is a zone that says the same to every question.
func everywhere(name string, net byte, a, aaaa upstream.Answer) upstream.Zone {
	return upstream.Zone{Name: name, Net: net, A: upstream.Behaviour{Answer: a}, AAAA: upstream.Behaviour{Answer: aaaa}}
}

// cluster is the DNS of a cluster, of its nodes and of the rest of the world.
var cluster = &upstream.Script{Malformed: 1, Zones: []upstream.Zone{
	everywhere("shop.svc.cluster.local.", 1, upstream.Data, upstream.NoData),
	everywhere("cluster.local.shop.svc.cluster.local.", 1, upstream.NXDomain, upstream.NXDomain),
	everywhere("org.shop.svc.cluster.local.", 1, upstream.NXDomain, upstream.NXDomain),
	{Name: "example.org.", Net: 2, Scripted: true},
	everywhere("nodata.example.com.", 3, upstream.NoData, upstream.NoData),
	everywhere("servfail.example.com.", 4, upstream.ServFail, upstream.ServFail),
	everywhere("wild.example.com.", 5, upstream.Data, upstream.Data),
	{Name: upstream.LinkZone, Net: 6},
}}

// hazardRows are lookups in a pod of a node with a search domain, the hazard, and whether it broke the lookup of this libc.
var hazardRows = []struct {
	about, node, name, libc string
	kind                    string
	broke                   bool
}{
	{"AAAA denied", "corp.example.com", "data.nxdomain.x.example.org", "musl-1.2.5", "pair", true},
	{"AAAA denied, to a libc that does not mind", "corp.example.com", "data.nxdomain.x.example.org", "musl-1.2.0", "pair", false},
	{"A denied", "corp.example.com", "nxdomain.data.x.example.org", "musl-1.2.3", "pair", true},
	{"AAAA SERVFAIL", "corp.example.com", "data.servfail.x.example.org", "musl-1.2.5", "failure", true},
	{"AAAA REFUSED", "corp.example.com", "data.refused.x.example.org", "musl-1.2.5", "failure", true},
	{"AAAA silent", "corp.example.com", "data.silence.x.example.org", "musl-1.2.3", "failure", true},
	{"AAAA late", "corp.example.com", "data.data-d2900.x.example.org", "musl-1.2.5", "failure", true},
	{"A denied, AAAA SERVFAIL", "corp.example.com", "nxdomain.servfail.x.example.org", "musl-1.2.5", "failure", true},
	{"a question lost", "corp.example.com", "data-f1silence.data.x.example.org", "musl-1.2.5", "loss", true},
	{"search domain NODATA", "nodata.example.com", "data.data.x.example.org", "musl-1.2.5", "search", true},
	{"search domain SERVFAIL", "servfail.example.com", "data.data.x.example.org", "musl-1.2.3", "search", true},
	{"a whole name, search domain NODATA", "nodata.example.com", "web.shop.svc.cluster.local", "musl-1.2.5", "leak", true},
	{"a whole name, search domain with a wildcard", "wild.example.com", "web.shop.svc.cluster.local", "musl-1.2.0", "leak", true},
	{"truncated and empty", "corp.example.com", "tcempty.nodata.x.example.org", "musl-1.2.3", "fit", true},
	{"TCP closed", "corp.example.com", "tcempty-xclose.data.x.example.org", "musl-1.2.5", "fit", true},
	{"more AAAA than there is room", "corp.example.com", "data-n5.data-n60.x.example.org", "musl-1.2.5", "too-many", true},
	{"both fail", "corp.example.com", "servfail.servfail.x.example.org", "musl-1.2.5", "outage", true},
	{"search dot", ".", "data.data.x.example.org", "musl-1.2.3", "dot", true},
	{"nothing wrong", "corp.example.com", "data.data.x.example.org", "musl-1.2.5", "", false},
	{"no such name", "corp.example.com", "nxdomain.nxdomain.x.example.org", "musl-1.2.5", "", false},
	{"no address", "corp.example.com", "nodata.nodata.x.example.org", "musl-1.2.5", "", false},
	{"a service", "corp.example.com", "web", "musl-1.2.5", "", false},
}

// TestHazards has what goes wrong, and what does not.
func TestHazards(t *testing.T) {
	for _, tc := range hazardRows {
		t.Run(tc.about, func(t *testing.T) {
			m, ok := stub.Find(tc.libc)
			if !ok {
				t.Fatalf("no model %s", tc.libc)
			}
			c := testConf
			c.Search = []string{"shop.svc.cluster.local", "svc.cluster.local", "cluster.local", tc.node}
			if tc.node == "." {
				c.Search = []string{"."}
			}
			r := analysed(sentIn(m, c, tc.name, stub.Both, cluster.Exchange, time.Hour, 2000), m)
			got := ""
			if len(r.Hazards) > 0 {
				got = string(r.Hazards[0].Kind)
			}
			if got != tc.kind || r.Broke > 0 != tc.broke || r.Lookups != 1 {
				t.Errorf("hazard %q, %d of %d lookups broke, %+v; want %q, %v", got, r.Broke, r.Lookups, r.Hazards, tc.kind, tc.broke)
			}
			if cure := slices.Contains([]string{"pair", "search", "leak", "dot"}, tc.kind); cure && len(r.Hazards[0].Example.Cause.Instead) == 0 {
				t.Errorf("hazard %q without what muslsafe would have answered", tc.kind)
			}
		})
	}
}

// analysed returns the report of events of one client, which is known to be of a libc.
func analysed(events []packets.Event, m *stub.Model) *Report {
	a := &Analysis{options: Options{Ndots: -1}, reader: new(packets.Reader)}
	a.tracker = newTracker(a.lookup, a.learn, a.search)
	a.engine = newEngine(&a.tracker.names)
	for _, e := range events {
		a.tracker.event(&e)
	}
	a.tracker.flush(false)
	for _, id := range a.identities {
		id.evidence = evidence{pairs: 50, near: 50}
		for i := range models {
			if models[i] != m {
				id.evidence.wrong[i] = 9
			}
		}
	}
	return a.report()
}

// TestEffects has what a program sees.
func TestEffects(t *testing.T) {
	for _, tc := range []struct {
		result stub.Result
		want   string
	}{
		{stub.Result{Err: stub.NoName}, "no such host (EAI_NONAME)"},
		{stub.Result{Err: stub.Again, Elapsed: 5 * time.Second}, "temporary failure (EAI_AGAIN) after 5.0 s"},
		{stub.Result{Err: stub.Hang, Elapsed: stub.Forever}, "never returns"},
		{stub.Result{V4: testConf.Servers}, "gets 192.0.2.53"},
		{stub.Result{V4: testConf.Servers, V6: testConf.Servers, Elapsed: 2500 * time.Millisecond}, "gets 192.0.2.53 and 1 more after 2.5 s"},
	} {
		if got := effect(tc.result); got != tc.want {
			t.Errorf("effect of %v = %q; want %q", fmt.Sprint(tc.result), got, tc.want)
		}
	}
}
