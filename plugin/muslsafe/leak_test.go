package muslsafe

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// testSuffixes are those of a usual cluster: one cluster domain, nodes with "search corp.example.org example.org".
var testSuffixes = suffixes{
	cluster: []domain{"cluster.local."},
	node:    []domain{"corp.example.org.", "example.org."},
	order:   []domain{"corp.example.org.", "example.org."},
}

func TestLeak(t *testing.T) {
	nested := suffixes{cluster: []domain{"cluster.local.example.org.", "cluster.local."}, node: []domain{"example.org."}}
	piled := suffixes{cluster: []domain{"cluster.local."}, node: []domain{"a.b.c.d.", "a.b.", "c.d."}}
	multi := suffixes{cluster: []domain{"clusterset.local.", "cluster.local."}}
	single := suffixes{cluster: []domain{"k8s."}, node: []domain{"internal.", "lan."}}

	tests := []struct {
		about    string
		suffixes suffixes
		name     string
		zone     string // the part that cannot exist; empty if the name is no leak
	}{
		// Proof 1: a suffix on the cluster domain.
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

		{"single-label cluster domain", single, "web.default.svc.k8s.default.svc.k8s.", "k8s."},
		{"single-label cluster domain proves nothing outside", single, "web.default.svc.k8s.lan.", ""},
		{"pod of a namespace called like a cluster", testSuffixes, "svc.cluster.local.pod.cluster.local.", ""},
		{"cluster domain that overlaps itself", suffixes{cluster: []domain{"a.a."}}, "svc.a.svc.a.a.b.", "a.a.b."},

		{"cluster domain that overlaps itself with its object type", suffixes{cluster: []domain{"a.svc.a."}}, "web.a.svc.a.svc.a.b.", "a.svc.a.b."},
		{"the second of two cluster domains", multi, "web.default.svc.cluster.local.example.com.", "cluster.local.example.com."},
		{"the first of two cluster domains", multi, "web.default.svc.clusterset.local.example.com.", "clusterset.local.example.com."},

		// Exceptions of proof 1: what stands before the cluster domain can be a Kubernetes object.
		{"endpoint svc of service cluster in namespace local", testSuffixes, "svc.cluster.local.svc.cluster.local.", ""},
		{"four labels, multi-cluster endpoint", multi, "svc.cluster.local.web.svc.clusterset.local.", ""},
		{"zonal name whose zone is a cluster name", testSuffixes, "x.svc.cluster.local.pin._zone.web.default.svc.cluster.local.", ""},
		{"zonal anchor too far left", testSuffixes, "x.svc.cluster.local._zone.a.web.default.svc.cluster.local.", "cluster.local."},
		{"cluster domain that contains the other", nested, "web.default.svc.cluster.local.example.org.", ""},
		{"the same with a suffix", nested, "web.default.svc.cluster.local.example.org.example.org.", "cluster.local.example.org.example.org."},
		{"suffix that reaches back over the cluster domain",
			suffixes{cluster: []domain{"cluster.local."}, node: []domain{"svc.cluster.local.corp.example."}},
			"web.svc.cluster.local.corp.example.", ""},

		{"suffix that begins with the cluster domain",
			suffixes{cluster: []domain{"cluster.local."}, node: []domain{"cluster.local.corp.example."}},
			"web.default.svc.cluster.local.corp.example.", ""},

		{"zone of the server block that is a pile",
			suffixes{node: []domain{"example.org."}, served: []domain{"example.org.example.org."}},
			"db.example.org.example.org.", ""},
		{"the same in another server block", suffixes{node: []domain{"example.org."}, served: []domain{"."}},
			"db.example.org.example.org.", "example.org.example.org."},
		{"a pile in the zone of the server block, which may be there",
			suffixes{node: []domain{"example.org."}, served: []domain{"example.org.example.org."}},
			"db.example.org.example.org.example.org.", ""},
		{"reverse zone of the server block", suffixes{node: []domain{"example.org."}, served: []domain{"in-addr.arpa.example.org."}},
			"1.2.0.192.in-addr.arpa.example.org.", ""},
		{"zone of the server block that contains the cluster domain",
			suffixes{cluster: []domain{"cluster.local."}, served: []domain{"cluster.local.dc1.example."}},
			"web.default.svc.cluster.local.dc1.example.", ""},
		{"zone of the server block behind the cluster domain",
			suffixes{cluster: []domain{"cluster.local."}, served: []domain{"dc1.example.", "."}},
			"web.default.svc.cluster.local.dc1.example.", "cluster.local.dc1.example."},

		// Proof 2: a suffix of the node on a suffix of the node.
		{"node suffix twice", testSuffixes, "db.corp.example.org.corp.example.org.", "corp.example.org.corp.example.org."},
		{"node suffix on another", testSuffixes, "db.corp.example.org.example.org.", "corp.example.org.example.org."},
		{"shorter node suffix below the longer", testSuffixes, "db.example.org.corp.example.org.", "example.org.corp.example.org."},
		{"suffix itself, below the other", testSuffixes, "corp.example.org.corp.example.org.", "example.org.corp.example.org."},
		{"no label before", suffixes{node: []domain{"corp.example.org."}}, "corp.example.org.corp.example.org.", ""},
		{"node suffix once", testSuffixes, "db.corp.example.org.", ""},
		{"single-label suffix proves nothing", single, "db.lan.internal.", ""},
		{"single-label suffix on a longer one",
			suffixes{node: []domain{"corp.internal.", "internal."}}, "db.corp.internal.internal.", "corp.internal.internal."},
		{"configured pile", piled, "db.a.b.c.d.", ""},
		{"pile on a configured pile", piled, "db.a.b.a.b.c.d.", "a.b.a.b.c.d."},
		{"suffix is part of a label", testSuffixes, "db.mycorp.example.org.", ""},
		{"endpoint db of service example in namespace org", testSuffixes, "db.example.org.svc.cluster.local.", ""},
		{"top-level domain as a label", testSuffixes, "api.dev.example.org.", ""},

		// Proof 3: a suffix of the node on a reverse name.
		{"IPv4 reverse name", testSuffixes, "1.2.0.192.in-addr.arpa.example.org.", "in-addr.arpa.example.org."},
		{"IPv6 reverse name", testSuffixes, "8.b.d.0.1.0.0.2.ip6.arpa.corp.example.org.", "ip6.arpa.corp.example.org."},
		{"reverse name with unknown suffix", testSuffixes, "1.2.0.192.in-addr.arpa.example.com.", ""},
		{"reverse name below the cluster domain", testSuffixes, "1.2.0.192.in-addr.arpa.svc.cluster.local.", ""},
		{"reverse zone alone", testSuffixes, "in-addr.arpa.example.org.", ""},
		{"reverse name", testSuffixes, "1.2.0.192.in-addr.arpa.", ""},

		{"root", testSuffixes, ".", ""},
		{"empty", testSuffixes, "", ""},
		{"nothing configured", suffixes{}, "web.default.svc.cluster.local.example.com.", ""},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			if got := leakZone(tc.suffixes, tc.name); got != tc.zone {
				t.Errorf("leak(%q) = %q; want %q", tc.name, got, tc.zone)
			}
			if got := slowLeakZone(tc.suffixes, tc.name); got != tc.zone {
				t.Errorf("slow leak(%q) = %q; want %q", tc.name, got, tc.zone)
			}
		})
	}
}

// leakZone returns the part of name that cannot exist, or nothing.
func leakZone(s suffixes, name string) string {
	at, ok := s.leak(name)
	if !ok {
		return ""
	}
	return name[at:]
}

// slowLeakZone is the twin of leak: it takes names apart into labels and tries everything.
func slowLeakZone(s suffixes, name string) string {
	labels := splitLabels(name)
	cluster := slowTail(labels, s.cluster)
	node := slowTail(labels, s.node)
	tail := max(cluster, node, slowTail(labels, s.served))

	for from := range labels {
		for _, c := range s.cluster {
			domain := splitLabels(string(c))
			end := from + len(domain)
			inside := from > 0 && end < len(labels) && slices.Equal(labels[from:end], domain) &&
				(labels[from-1] == "svc" || labels[from-1] == "pod")
			switch {
			case !inside || tail >= len(labels)-from:
			case cluster == 0 && len(domain) == 1:
			case cluster == 0:
				return joinLabels(labels[from:])
			case !slowShape(labels[:len(labels)-cluster]):
				return joinLabels(labels[len(labels)-cluster:])
			}
		}
	}
	if cluster > 0 || node == 0 {
		return ""
	}
	rest := labels[:len(labels)-node]
	best := slowTail(rest, []domain{"in-addr.arpa.", "ip6.arpa."})
	if best == 0 || best == len(rest) {
		best = 0
		for _, d := range s.node {
			if n := slowTail(rest, []domain{d}); n >= 2 && n < len(rest) {
				best = max(best, n)
			}
		}
	}
	if best == 0 || slowTail(labels, s.served) >= node+best {
		return ""
	}
	return joinLabels(labels[len(rest)-best:])
}

// slowTail returns how many labels the longest of domains has that labels end in.
func slowTail(labels []string, domains []domain) int {
	n := 0
	for _, d := range domains {
		tail := splitLabels(string(d))
		if len(tail) <= len(labels) && slices.Equal(labels[len(labels)-len(tail):], tail) {
			n = max(n, len(tail))
		}
	}
	return n
}

func slowShape(before []string) bool {
	n := len(before)
	if n == 0 || before[n-1] != "svc" && before[n-1] != "pod" {
		return false
	}
	return n <= 5 || before[n-4] == "_zone"
}

func splitLabels(name string) []string {
	if name == "" || name == "." {
		return nil
	}
	var labels []string
	for _, part := range strings.SplitAfter(strings.TrimSuffix(name, "."), ".") {
		if n := len(labels); n > 0 && escapesDot(labels[n-1]) {
			labels[n-1] += part
			continue
		}
		labels = append(labels, part)
	}
	for i := range labels[:len(labels)-1] {
		labels[i] = strings.TrimSuffix(labels[i], ".")
	}
	return labels
}

// escapesDot reports whether the dot at the end of part belongs to the label.
func escapesDot(part string) bool {
	text, found := strings.CutSuffix(part, ".")
	backslashes := len(text) - len(strings.TrimRight(text, `\`))
	return found && backslashes%2 == 1
}

func joinLabels(labels []string) string { return strings.Join(labels, ".") + "." }

// FuzzLeak compares leak with its twin for names and suffixes made of few labels, so that they meet often.
func FuzzLeak(f *testing.F) {
	f.Add("httpd.dnscheck.svc.cluster.local.example.com.", "cluster.local.", "example.com.", "example.org.")
	f.Add("svc.cluster.local.svc.cluster.local.", "cluster.local.", "local.", "svc.")
	f.Add(`a\.svc.k.in-addr.arpa.x.y.`, "k.", "x.y.", "y.")
	f.Add("a.svc.a.a.a.svc.a.a.b.", "a.a.", "a.", "b.")
	f.Add("web.svc.a.b.c.", "a.b.", "c.", "d.")
	f.Fuzz(func(t *testing.T, name, cluster, node1, node2 string) {
		name = lower(dns.Fqdn(name))
		if _, ok := dns.IsDomainName(name); !ok || strings.ContainsRune(name, '\x00') {
			return // no domain name
		}
		c, err1 := parseDomain(cluster)
		n1, err2 := parseDomain(node1)
		n2, err3 := parseDomain(node2)
		if err1 != nil || err2 != nil || err3 != nil {
			return // no domains
		}
		var cfg config
		cfg.setSuffixes([]domain{c}, []domain{n1, n2})
		cfg.suffixes.served = []domain{n2 + c, n1 + n2}
		if got, want := leakZone(cfg.suffixes, name), slowLeakZone(cfg.suffixes, name); got != want {
			t.Errorf("leak(%q) = %q with %+v; want %q", name, got, cfg.suffixes, want)
		}
	})
}

// TestLeakExhaustive compares leak with its twin for all names of up to seven labels of a small set, and checks
// that no legal name of Kubernetes and no ordinary name is among the leaks.
func TestLeakExhaustive(t *testing.T) {
	s := suffixes{cluster: []domain{"c.l."}, node: []domain{"c.o.", "o."}}
	serving := s
	serving.served = []domain{"o.c.o.", "l.o."}
	labels := []string{"svc", "c", "l", "o", "_zone"}
	leaks := 0
	for name := range namesOf(labels, 7) {
		got, want := leakZone(s, name), slowLeakZone(s, name)
		if got != want {
			t.Fatalf("leak(%q) = %q; want %q", name, got, want)
		}
		if got, want := leakZone(serving, name), slowLeakZone(serving, name); got != want {
			t.Fatalf("leak(%q) = %q in a block for %v; want %q", name, got, serving.served, want)
		}
		if got != "" {
			leaks++
		}
	}
	if leaks == 0 {
		t.Error("no name was a leak")
	}
}

// namesOf yields all names of one to n labels.
func namesOf(labels []string, n int) func(yield func(string) bool) {
	var extend func(name string, left int, yield func(string) bool) bool
	extend = func(name string, left int, yield func(string) bool) bool {
		for _, label := range labels {
			longer := label + "." + name
			if !yield(longer) || left > 1 && !extend(longer, left-1, yield) {
				return false
			}
		}
		return true
	}
	return func(yield func(string) bool) { extend("", n, yield) }
}

// TestLegalNamesAreNoLeaks goes through every shape that a Kubernetes name can have, with labels chosen to look
// like cluster domains, suffixes and object types.
func TestLegalNamesAreNoLeaks(t *testing.T) {
	hostile := []string{"web", "svc", "pod", "cluster", "local", "com", "org", "example", "corp", "in-addr", "arpa", "192-0-2-1", "dns-version"}
	count := 0
	check := func(name string) {
		count++
		if zone := leakZone(testSuffixes, name); zone != "" {
			t.Fatalf("leak(%q) = %q; it is a legal name", name, zone)
		}
	}
	for _, ns := range hostile {
		check(ns + ".svc.cluster.local.")
		check(ns + ".pod.cluster.local.")
		check(ns + ".cluster.local.")
		for _, service := range hostile {
			base := service + "." + ns
			check(base + ".svc.cluster.local.")
			check(base + ".pod.cluster.local.")
			check("_http._tcp." + base + ".svc.cluster.local.")
			check("zone.pin._zone." + base + ".svc.cluster.local.")
			check("a.b.zone.prefer._zone." + base + ".svc.cluster.local.")
			for _, endpoint := range hostile {
				check(endpoint + "." + base + ".svc.cluster.local.")
				for _, id := range hostile {
					check(endpoint + "." + id + "." + base + ".svc.cluster.local.")
				}
			}
		}
	}
	if count < 30000 {
		t.Errorf("%d names; want the whole product of labels", count)
	}
}

// TestPublicNamesAreNoLeaks builds ordinary names from common hosts, domains and top-level domains. The search
// domains of the nodes are among the domains.
func TestPublicNamesAreNoLeaks(t *testing.T) {
	hosts := []string{"", "www.", "api.", "a.b.c.", "svc.", "pod.", "cluster.local.", "dev.", "db.corp.", "_dmarc.", "_sip._tcp.", "xn--bcher-kva."}
	names := []string{"example", "corp", "svc", "cluster", "local", "google", "github", "amazonaws", "in-addr", "arpa"}
	tlds := []string{"com", "org", "net", "dev", "io", "co.uk", "example.org", "corp.example.org", "internal", "arpa", "local", "cluster.com",
		"eu-west-1.compute.internal", "s3.amazonaws.com", "in-addr.arpa", "ip6.arpa"}
	s := suffixes{cluster: []domain{"cluster.local."}, node: []domain{"corp.example.org.", "example.org.", "internal."}}
	for _, host := range hosts {
		for _, name := range names {
			for _, tld := range tlds {
				full := host + name + "." + tld + "."
				if zone := leakZone(s, full); zone != "" {
					t.Errorf("leak(%q) = %q; it is an ordinary name", full, zone)
				}
			}
		}
	}
}

func TestLeakAllocs(t *testing.T) {
	s := suffixes{cluster: []domain{"cluster.local."}, node: []domain{"c.project.internal.", "corp.example.org.", "google.internal.", "example.org."}}
	for _, name := range benchmarkNames {
		if n := testing.AllocsPerRun(100, func() { s.leak(name); s.place(name) }); n != 0 {
			t.Errorf("leak(%q) = %v allocations; want 0", name, n)
		}
	}
}

var benchmarkNames = []string{
	"httpd.dnscheck.svc.cluster.local.corp.example.org.",
	"a-service-with-a-long-name.a-namespace-too.svc.cluster.local.",
	"a-service-with-a-long-name.a-namespace.corp.example.org.",
	"www.a-rather-long-name-of-a-site-somewhere.example.com.",
	"db.corp.example.org.corp.example.org.",
}

func BenchmarkLeak(b *testing.B) {
	s := suffixes{cluster: []domain{"cluster.local."}, node: []domain{"c.project.internal.", "corp.example.org.", "google.internal.", "example.org."}}
	for _, name := range benchmarkNames {
		b.Run(fmt.Sprintf("%d/%s", len(name), name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.leak(name)
			}
		})
	}
}

func TestNames(t *testing.T) {
	if got := lower("WWW.Example.ORG."); got != "www.example.org." {
		t.Errorf("lower = %q", got)
	}
	if got, want := lower("\xff.EX."), "\xff.ex."; got != want {
		t.Errorf("lower of a byte that is not UTF-8 = %q; want %q", got, want)
	}
	for _, tc := range [][3]string{
		{"web.default.", "web.", "default"},
		{"default.", "", "default"},
		{`a\.b.`, "", `a\.b`},
		{`a\\.b.`, `a\\.`, "b"},
		{".", "", ""},
		{"", "", ""},
	} {
		if before, label := cutLast(tc[0]); before != tc[1] || label != tc[2] {
			t.Errorf("cutLast(%q) = %q, %q; want %q, %q", tc[0], before, label, tc[1], tc[2])
		}
	}
	if !domain(".").contains("example.org.") || domain(".").at("example.org.") != -1 {
		t.Error("the root contains every name and is no suffix of one")
	}
}
