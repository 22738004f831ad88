package names

import (
	"fmt"
	"testing"
)

// testSuffixes are those of a usual cluster: one cluster domain, nodes with "search corp.example.org example.org".
var testSuffixes = New([]Domain{"cluster.local."}, []Domain{"corp.example.org.", "example.org."}, nil)

// Suffixes of clusters that are not the usual one.
var (
	noSuffixes      = New(nil, nil, nil)
	singleLabels    = New([]Domain{"k8s."}, []Domain{"internal.", "lan."}, nil)
	twoClusters     = New([]Domain{"clusterset.local.", "cluster.local."}, nil, nil)
	nestedClusters  = New([]Domain{"cluster.local.example.org.", "cluster.local."}, []Domain{"example.org."}, nil)
	overlapsItself  = New([]Domain{"a.a."}, nil, nil)
	overlapsWithSvc = New([]Domain{"a.svc.a."}, nil, nil)
	doubledSuffix   = New(nil, []Domain{"a.b.c.d.", "a.b.", "c.d."}, nil)
)

// leakTest is one name. The part that cannot exist is empty if the name is no leak.
type leakTest struct {
	about    string
	suffixes *Suffixes
	name     string
	absent   string
}

func checkLeaks(t *testing.T, tests []leakTest) {
	t.Helper()
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			if got := leakOf(tc.suffixes, tc.name); got != tc.absent {
				t.Errorf("Leak(%q) = %q; want %q", tc.name, got, tc.absent)
			}
			if got := slowLeakOf(tc.suffixes, tc.name); got != tc.absent {
				t.Errorf("slow Leak(%q) = %q; want %q", tc.name, got, tc.absent)
			}
		})
	}
}

// leakOf returns the part of name that cannot exist, or nothing.
func leakOf(s *Suffixes, name string) string {
	at, ok := s.Leak(name)
	if !ok {
		return ""
	}
	return name[at:]
}

// TestLeakPastCluster is about the first proof: a suffix was appended to a name in the cluster domain.
func TestLeakPastCluster(t *testing.T) {
	checkLeaks(t, []leakTest{
		{"service with unknown suffix", testSuffixes, "httpd.dnscheck.svc.cluster.local.example.com.", "cluster.local.example.com."},
		{"service with node suffix", testSuffixes, "httpd.dnscheck.svc.cluster.local.corp.example.org.", "cluster.local.corp.example.org."},
		{"service with svc suffix", testSuffixes, "httpd.dnscheck.svc.cluster.local.svc.cluster.local.", "cluster.local."},
		{"service with namespace suffix", testSuffixes, "httpd.dnscheck.svc.cluster.local.dnscheck.svc.cluster.local.", "cluster.local."},
		{"service with cluster suffix", testSuffixes, "httpd.dnscheck.svc.cluster.local.cluster.local.", "cluster.local."},
		{"pod with suffix", testSuffixes, "192-0-2-1.default.pod.cluster.local.example.com.", "cluster.local.example.com."},
		{"svc.C itself with suffix", testSuffixes, "svc.cluster.local.example.com.", "cluster.local.example.com."},
		{"SRV name with suffix", testSuffixes, "_http._tcp.web.default.svc.cluster.local.example.com.", "cluster.local.example.com."},
		{"one label after", testSuffixes, "web.default.svc.cluster.local.lan.", "cluster.local.lan."},
		{"expanded twice", testSuffixes, "web.ns.svc.cluster.local.lan.cluster.local.lan.", "cluster.local.lan.cluster.local.lan."},
		{"five labels before svc", testSuffixes, "a.b.svc.cluster.local.svc.cluster.local.", "cluster.local."},
		{"no label after", testSuffixes, "web.default.svc.cluster.local.", ""},
		{"object type is part of a label", testSuffixes, "web.mysvc.cluster.local.example.com.", ""},
		{"object type after an escaped dot", testSuffixes, `web\.svc.cluster.local.example.com.`, ""},
		{"object type after an escaped backslash", testSuffixes, `web\\.svc.cluster.local.example.com.`, "cluster.local.example.com."},
		{"cluster domain without object type", testSuffixes, "web.cluster.local.example.com.", ""},
		{"cluster domain is part of a label", testSuffixes, "web.svc.cluster.localhost.example.com.", ""},
		{"nothing configured", noSuffixes, "web.default.svc.cluster.local.example.com.", ""},

		{"single-label cluster domain", singleLabels, "web.default.svc.k8s.default.svc.k8s.", "k8s."},
		{"single-label cluster domain proves nothing outside", singleLabels, "web.default.svc.k8s.lan.", ""},
		{"cluster domain that overlaps itself", overlapsItself, "svc.a.svc.a.a.b.", "a.a.b."},
		{"cluster domain that overlaps itself with its object type", overlapsWithSvc, "web.a.svc.a.svc.a.b.", "a.svc.a.b."},
		{"the second of two cluster domains", twoClusters, "web.default.svc.cluster.local.example.com.", "cluster.local.example.com."},
		{"the first of two cluster domains", twoClusters, "web.default.svc.clusterset.local.example.com.", "clusterset.local.example.com."},
	})
}

// TestNoLeakPastCluster is about the exceptions of the first proof: a Kubernetes object, or a longer suffix.
func TestNoLeakPastCluster(t *testing.T) {
	cluster := []Domain{"cluster.local."}
	checkLeaks(t, []leakTest{
		{"pod of a namespace called like a cluster", testSuffixes, "svc.cluster.local.pod.cluster.local.", ""},
		{"endpoint svc of service cluster in namespace local", testSuffixes, "svc.cluster.local.svc.cluster.local.", ""},
		{"four labels, multi-cluster endpoint", twoClusters, "svc.cluster.local.web.svc.clusterset.local.", ""},
		{"zonal name whose zone is a cluster name", testSuffixes, "x.svc.cluster.local.pin._zone.web.default.svc.cluster.local.", ""},
		{"zonal anchor too far left", testSuffixes, "x.svc.cluster.local._zone.a.web.default.svc.cluster.local.", "cluster.local."},
		{"cluster domain that contains the other", nestedClusters, "web.default.svc.cluster.local.example.org.", ""},
		{"the same with a suffix", nestedClusters, "web.default.svc.cluster.local.example.org.example.org.", "cluster.local.example.org.example.org."},
		{"suffix that reaches back over the cluster domain", New(cluster, []Domain{"svc.cluster.local.corp.example."}, nil), "web.svc.cluster.local.corp.example.", ""},
		{"suffix that begins with the cluster domain", New(cluster, []Domain{"cluster.local.corp.example."}, nil),
			"web.default.svc.cluster.local.corp.example.", ""},
	})
}

// TestLeakInZones is about zones of the server block, which exist even if they look like the work of a search.
func TestLeakInZones(t *testing.T) {
	cluster, node := []Domain{"cluster.local."}, []Domain{"example.org."}
	doubled := New(nil, node, []Domain{"example.org.example.org."})
	checkLeaks(t, []leakTest{
		{"name in a zone that is a suffix twice", doubled, "db.example.org.example.org.", ""},
		{"suffix three times, of which the zone is two", doubled, "db.example.org.example.org.example.org.", ""},
		{"suffix twice, in a block for the root", New(nil, node, []Domain{"."}), "db.example.org.example.org.", "example.org.example.org."},
		{"reverse zone", New(nil, node, []Domain{"in-addr.arpa.example.org."}), "1.2.0.192.in-addr.arpa.example.org.", ""},
		{"zone that contains the cluster domain", New(cluster, nil, []Domain{"cluster.local.dc1.example."}),
			"web.default.svc.cluster.local.dc1.example.", ""},
		{"zone behind the cluster domain", New(cluster, nil, []Domain{"dc1.example.", "."}),
			"web.default.svc.cluster.local.dc1.example.", "cluster.local.dc1.example."},
	})
}

// TestLeakPastNode is about the second and the third proof: a suffix of the nodes was appended to a name below a suffix of
// the nodes, or to a reverse name.
func TestLeakPastNode(t *testing.T) {
	checkLeaks(t, []leakTest{
		{"node suffix twice", testSuffixes, "db.corp.example.org.corp.example.org.", "corp.example.org.corp.example.org."},
		{"node suffix on another", testSuffixes, "db.corp.example.org.example.org.", "corp.example.org.example.org."},
		{"shorter node suffix below the longer", testSuffixes, "db.example.org.corp.example.org.", "example.org.corp.example.org."},
		{"suffix itself, below the other", testSuffixes, "corp.example.org.corp.example.org.", "example.org.corp.example.org."},
		{"no label before", New(nil, []Domain{"corp.example.org."}, nil), "corp.example.org.corp.example.org.", ""},
		{"node suffix once", testSuffixes, "db.corp.example.org.", ""},
		{"single-label suffix proves nothing", singleLabels, "db.lan.internal.", ""},
		{"single-label suffix on a longer one", New(nil, []Domain{"corp.internal.", "internal."}, nil), "db.corp.internal.internal.", "corp.internal.internal."},
		{"configured suffix made of two others", doubledSuffix, "db.a.b.c.d.", ""},
		{"suffix on a suffix made of two others", doubledSuffix, "db.a.b.a.b.c.d.", "a.b.a.b.c.d."},
		{"suffix is part of a label", testSuffixes, "db.mycorp.example.org.", ""},
		{"endpoint db of service example in namespace org", testSuffixes, "db.example.org.svc.cluster.local.", ""},
		{"top-level domain as a label", testSuffixes, "api.dev.example.org.", ""},

		{"IPv4 reverse name", testSuffixes, "1.2.0.192.in-addr.arpa.example.org.", "in-addr.arpa.example.org."},
		{"IPv6 reverse name", testSuffixes, "8.b.d.0.1.0.0.2.ip6.arpa.corp.example.org.", "ip6.arpa.corp.example.org."},
		{"reverse name with unknown suffix", testSuffixes, "1.2.0.192.in-addr.arpa.example.com.", ""},
		{"reverse name below the cluster domain", testSuffixes, "1.2.0.192.in-addr.arpa.svc.cluster.local.", ""},
		{"reverse zone alone", testSuffixes, "in-addr.arpa.example.org.", ""},
		{"reverse name", testSuffixes, "1.2.0.192.in-addr.arpa.", ""},

		{"root", testSuffixes, ".", ""},
		{"empty", testSuffixes, "", ""},
	})
}

// TestKubernetesNamesAreNoLeaks goes through every shape that a Kubernetes name can have, with labels chosen to look
// like cluster domains, suffixes and object types.
func TestKubernetesNamesAreNoLeaks(t *testing.T) {
	labels := []string{"web", "svc", "pod", "cluster", "local", "com", "org", "example", "corp", "in-addr", "arpa", "192-0-2-1", "dns-version"}
	count := 0
	check := func(before string) {
		count++
		name := before + ".cluster.local."
		if absent := leakOf(testSuffixes, name); absent != "" {
			t.Fatalf("Leak(%q) = %q; it is a legal name", name, absent)
		}
	}
	for _, ns := range labels {
		check(ns)
		check(ns + ".svc")
		check(ns + ".pod")
		for _, service := range labels {
			base := service + "." + ns + ".svc"
			check(base)
			check(service + "." + ns + ".pod")
			check("_http._tcp." + base)
			check("zone.pin._zone." + base)
			check("a.b.zone.prefer._zone." + base)
			for _, endpoint := range labels {
				check(endpoint + "." + base)
				for _, id := range labels {
					check(endpoint + "." + id + "." + base)
				}
			}
		}
	}
	if count < 30000 {
		t.Errorf("%d names; want the whole product of labels", count)
	}
}

// TestOrdinaryNamesAreNoLeaks builds names from common hosts, domains and top-level domains. The search domains of the
// nodes are among the domains.
func TestOrdinaryNamesAreNoLeaks(t *testing.T) {
	hosts := []string{"", "www.", "api.", "a.b.c.", "svc.", "pod.", "cluster.local.", "dev.", "db.corp.", "_dmarc.", "_sip._tcp.", "xn--bcher-kva."}
	domains := []string{"example", "corp", "svc", "cluster", "local", "google", "github", "amazonaws", "in-addr", "arpa"}
	tlds := []string{"com", "org", "net", "dev", "io", "co.uk", "example.org", "corp.example.org", "internal", "arpa", "local", "cluster.com",
		"eu-west-1.compute.internal", "s3.amazonaws.com", "in-addr.arpa", "ip6.arpa"}
	s := New([]Domain{"cluster.local."}, []Domain{"corp.example.org.", "example.org.", "internal."}, nil)
	for _, host := range hosts {
		for _, domain := range domains {
			for _, tld := range tlds {
				name := host + domain + "." + tld + "."
				if absent := leakOf(s, name); absent != "" {
					t.Errorf("Leak(%q) = %q; it is an ordinary name", name, absent)
				}
			}
		}
	}
}

// Names and suffixes for what must be fast, and must not allocate memory.
var (
	speedSuffixes = New([]Domain{"cluster.local."}, []Domain{"c.project.internal.", "corp.example.org.", "google.internal.", "example.org."}, nil)
	speedNames    = []string{
		"httpd.dnscheck.svc.cluster.local.corp.example.org.",
		"a-service-with-a-long-name.a-namespace-too.svc.cluster.local.",
		"a-service-with-a-long-name.a-namespace.corp.example.org.",
		"www.a-rather-long-name-of-a-site-somewhere.example.com.",
		"db.corp.example.org.corp.example.org.",
	}
)

func BenchmarkLeak(b *testing.B) {
	for _, name := range speedNames {
		b.Run(fmt.Sprintf("%d/%s", len(name), name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				speedSuffixes.Leak(name)
			}
		})
	}
}
