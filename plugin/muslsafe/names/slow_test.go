package names

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// slowLeakOf does what leakOf does, slowly and plainly: it takes names apart into labels and tries everything.
func slowLeakOf(s *Suffixes, name string) string {
	labels := splitLabels(name)
	cluster, node := longestEnd(labels, s.cluster), longestEnd(labels, s.node)
	if absent := slowPastCluster(s, labels, cluster); absent != "" {
		return absent
	}
	if cluster > 0 || node == 0 {
		return ""
	}
	rest := labels[:len(labels)-node]
	best := longestEnd(rest, []Domain{"in-addr.arpa.", "ip6.arpa."})
	if best == 0 || best == len(rest) {
		best = 0
		for _, d := range s.node {
			if n := longestEnd(rest, []Domain{d}); n >= 2 && n < len(rest) {
				best = max(best, n)
			}
		}
	}
	if best == 0 || longestEnd(labels, s.zones) >= node+best {
		return ""
	}
	return joinLabels(labels[len(rest)-best:])
}

// slowPastCluster looks for svc.C and pod.C at every label. The last labels, as many as cluster says, are a cluster domain.
func slowPastCluster(s *Suffixes, labels []string, cluster int) string {
	ours := max(cluster, longestEnd(labels, s.node), longestEnd(labels, s.zones))
	for from := range labels {
		for _, c := range s.cluster {
			domain := splitLabels(string(c))
			end := from + len(domain)
			inside := from > 0 && end < len(labels) && slices.Equal(labels[from:end], domain) &&
				(labels[from-1] == "svc" || labels[from-1] == "pod")
			switch {
			case !inside || ours >= len(labels)-from:
			case cluster == 0 && len(domain) == 1:
			case cluster == 0:
				return joinLabels(labels[from:])
			case !slowShape(labels[:len(labels)-cluster]):
				return joinLabels(labels[len(labels)-cluster:])
			}
		}
	}
	return ""
}

// slowExpansion returns what [Suffixes.Expansion] does, with the suffix itself.
func slowExpansion(s *Suffixes, name string) (Kind, string) {
	labels := splitLabels(name)
	cluster, node := longestEnd(labels, s.cluster), longestEnd(labels, s.node)
	n := cluster
	if n == 0 {
		n = node
	}
	before := labels[:len(labels)-n]
	isService := func(label string) bool { return strings.HasPrefix(label, "_") }
	switch {
	case n == 0, len(before) == 0, slices.ContainsFunc(before, isService), slices.Contains(s.zones, Domain(name)):
		return Plain, ""
	case cluster == 0:
		return NodeStep, joinLabels(labels[len(before):])
	case len(before) == 1 && (before[0] == "svc" || before[0] == "pod"):
		return Plain, ""
	case len(before) > 1 && before[len(before)-1] == "svc":
		n += min(2, len(before)-1)
	}
	return ClusterStep, joinLabels(labels[len(labels)-n:])
}

// longestEnd returns how many labels the longest of domains has that labels end in.
func longestEnd(labels []string, domains []Domain) int {
	n := 0
	for _, d := range domains {
		end := splitLabels(string(d))
		if len(end) <= len(labels) && slices.Equal(labels[len(labels)-len(end):], end) {
			n = max(n, len(end))
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

// FuzzLeak compares Leak and Expansion with the slow functions.
func FuzzLeak(f *testing.F) {
	f.Add("httpd.dnscheck.svc.cluster.local.example.com.", "cluster.local.", "example.com.", "example.org.")
	f.Add("svc.cluster.local.svc.cluster.local.", "cluster.local.", "local.", "svc.")
	f.Add(`a\.svc.k.in-addr.arpa.x.y.`, "k.", "x.y.", "y.")
	f.Add("a.svc.a.a.a.svc.a.a.b.", "a.a.", "a.", "b.")
	f.Add("web.svc.a.b.c.", "a.b.", "c.", "d.")
	f.Fuzz(func(t *testing.T, name, cluster, node1, node2 string) {
		name = Lower(dns.Fqdn(name))
		if _, ok := dns.IsDomainName(name); !ok || strings.ContainsRune(name, '\x00') {
			return // no domain name
		}
		c, err1 := ParseDomain(cluster)
		n1, err2 := ParseDomain(node1)
		n2, err3 := ParseDomain(node2)
		if err1 != nil || err2 != nil || err3 != nil {
			return // no domains
		}
		checkSlow(t, New([]Domain{c}, []Domain{n1, n2}, []Domain{n2 + c, n1 + n2}), name)
	})
}

// TestAllShortNames compares Leak and Expansion with the slow functions for all names of up to seven labels of a small set.
func TestAllShortNames(t *testing.T) {
	cluster, node := []Domain{"c.l."}, []Domain{"c.o.", "o."}
	s, withZones := New(cluster, node, nil), New(cluster, node, []Domain{"o.c.o.", "l.o."})
	leaks := 0
	for name := range namesOf([]string{"svc", "c", "l", "o", "_zone"}, 7) {
		checkSlow(t, s, name)
		checkSlow(t, withZones, name)
		if leakOf(s, name) != "" {
			leaks++
		}
	}
	if leaks == 0 {
		t.Error("no name was a leak")
	}
}

func checkSlow(t *testing.T, s *Suffixes, name string) {
	t.Helper()
	if got, want := leakOf(s, name), slowLeakOf(s, name); got != want {
		t.Fatalf("Leak(%q) = %q with %+v; want %q", name, got, s, want)
	}
	kind, suffix := expansionOf(s, name)
	if wantKind, wantSuffix := slowExpansion(s, name); kind != wantKind || suffix != wantSuffix {
		t.Fatalf("Expansion(%q) = %v, %q with %+v; want %v, %q", name, kind, suffix, s, wantKind, wantSuffix)
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
