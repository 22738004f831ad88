package names

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

// inDefault is what clients in the namespace "default" append first.
const inDefault = "default.svc.cluster.local."

func TestFirstStep(t *testing.T) {
	tests := []struct{ about, name, x string }{ // no x if it is no first step
		{"three labels", "www.example.net.default.svc.cluster.local.", "www.example.net."},
		{"many labels", "a.b.c.d.e.f.default.svc.cluster.local.", "a.b.c.d.e.f."},
		{"a complete name of the cluster", "web.default.svc.cluster.local.prod.svc.cluster.local.", "web.default.svc.cluster.local."},
		{"two labels", "example.net.default.svc.cluster.local.", "example.net."},
		{"one label may be a service", "web.default.svc.cluster.local.", ""},
		{"a namespace", "default.svc.cluster.local.", ""},
		{"svc.C itself", "svc.cluster.local.", ""},
		{"named port", "_http._tcp.web.default.svc.cluster.local.", ""},
		{"zonal name", "a.pin._zone.web.default.svc.cluster.local.", ""},
		{"pods", "www.example.net.default.pod.cluster.local.", ""},
		{"step X.C", "www.example.net.cluster.local.", ""},
		{"step X.S", "www.example.net.corp.example.org.", ""},
		{"other domain", "www.example.net.default.svc.k8s.example.com.", ""},
		{"namespace svc, or second step of X.svc", "www.example.net.svc.svc.cluster.local.", ""},
		{"namespace pod", "www.example.net.pod.svc.cluster.local.", ""},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			got, ok := testSuffixes.FirstStep(tc.name)
			if ok != (tc.x != "") || got.X != tc.x || ok && got.X+got.NamespaceName() != tc.name {
				t.Errorf("FirstStep(%s) = %+v, %v; want %q", tc.name, got, ok, tc.x)
			}
		})
	}
}

func TestRivals(t *testing.T) {
	s := New([]Domain{"cluster.local.", "k8s.site-b."}, []Domain{"corp.example.org.", "example.org.", "nodes.site-a."}, nil)
	tests := []struct{ about, namespace, rival string }{ // the rival at the top
		{"no top-level domain", "default", "default."},
		{"no top-level domain, with a hyphen", "kube-system", "kube-system."},
		{"country", "uk", "co.uk."},
		{"generic", "dev", "co.dev."},
		{"generic, and a usual namespace", "prod", "co.prod."},
		{"private", "internal", "co.internal."},
		{"special use", "test", "co.test."},
		{"of a cluster domain", "local", "co.local."},
		{"of another cluster domain", "site-b", "co.site-b."},
		{"of a search domain", "site-a", "co.site-a."},
	}
	for _, tc := range tests {
		search, _ := s.FirstStep("www.example.co." + tc.namespace + ".svc.cluster.local.")
		want := []string{"cluster.local.", "corp.example.org.", "example.org.", "nodes.site-a."}
		for i := range want {
			want[i] = tc.namespace + "." + want[i]
		}
		want = append(want, tc.rival)
		if got := s.Rivals(search); !slices.Equal(got, want) {
			t.Errorf("%s: Rivals in namespace %s = %q; want %q", tc.about, tc.namespace, got, want)
		}
	}
}

// TestEndpoint checks that a name of two labels is no endpoint if there is no such Service.
func TestEndpoint(t *testing.T) {
	search, _ := testSuffixes.FirstStep("db-0.db.default.svc.cluster.local.")
	if got, want := testSuffixes.Rivals(search)[0], "db.default.svc.cluster.local."; got != want {
		t.Errorf("the first rival is %q; want %q", got, want)
	}
}

func TestSteps(t *testing.T) {
	fits, tooLong := strings.Repeat("d", 21)+".example.", strings.Repeat("e", 22)+".example."
	longSuffixes := New([]Domain{"cluster.local."}, []Domain{Domain(tooLong), Domain(fits)}, nil)
	inText := strings.Repeat(`\001.`, 50) // of 250 characters, and 100 octets on the wire
	tests := []struct {
		about    string
		suffixes *Suffixes
		x        string
		want     []string // what stands behind X
	}{
		{"external name", testSuffixes, "www.example.net.", []string{inDefault, "svc.cluster.local.", "cluster.local.", "corp.example.org.", "example.org.", ""}},
		{"complete name of a service, which leaks", testSuffixes, "web.prod.svc.cluster.local.", []string{""}},
		{"complete name in a search domain, which leaks there", testSuffixes, "a.b.example.org.", []string{inDefault, "svc.cluster.local.", "cluster.local.", ""}},
		{"search domains that are as long as can be, and one octet longer", longSuffixes, longName(224),
			[]string{inDefault, "svc.cluster.local.", "cluster.local.", fits, ""}},
		{"escapes, up to the longest text", testSuffixes, inText + "abc.", []string{""}},
		{"escapes, one character more", testSuffixes, inText + "abcd.", nil},
	}
	for _, tc := range tests {
		search, ok := tc.suffixes.FirstStep(tc.x + inDefault)
		if !ok {
			t.Fatalf("%s: %s is no first step", tc.about, tc.x+inDefault)
		}
		var want []string
		for _, suffix := range tc.want {
			want = append(want, tc.x+suffix)
		}
		if got := tc.suffixes.Steps(search); !slices.Equal(got, want) {
			t.Errorf("%s: Steps = %q; want %q", tc.about, got, want)
		}
	}
}

func TestUnsearched(t *testing.T) {
	s := New([]Domain{"cluster.local.", "k8s.example."}, []Domain{"corp.example.org."}, []Domain{"example.staging."})
	all := []string{"svc.cluster.local.", "cluster.local.", "svc.k8s.example.", "k8s.example.", "corp.example.org."}
	tests := []struct {
		about, name string
		want        []string // what stands behind the name
	}{
		{"two labels", "web.prod.", all},
		{"a complete name of the first cluster, but for its domain", "web.prod.svc.", all},
		{"one label", "web.", nil},
		{"the root", ".", nil},
		{"below a cluster domain", "web.prod.svc.cluster.local.", nil},
		{"a search domain", "corp.example.org.", nil},
		{"below a search domain", "db.corp.example.org.", nil},
		{"above a search domain", "example.org.", all},
		{"a zone of the server block", "example.staging.", nil},
		{"an underscore", "_http.web.", nil},
		{"a reverse name", "1.2.0.192.in-addr.arpa.", nil},
		{"a leak behind another suffix", "web.prod.svc.cluster.local.example.net.", all},
		{"too long for the longest", longName(237) + "web.", []string{"k8s.example."}},
	}
	for _, tc := range tests {
		var want []string
		for _, suffix := range tc.want {
			if _, leaks := s.Leak(tc.name + suffix); !leaks {
				want = append(want, tc.name+suffix)
			}
		}
		if got := s.Unsearched(tc.name); !slices.Equal(got, want) {
			t.Errorf("%s: Unsearched(%s) = %q; want %q", tc.about, tc.name, got, want)
		}
	}
}

// FuzzSearches compares Ahead and Steps with the whole list that a search has, less what leaks and what is too long, and
// packs every name.
func FuzzSearches(f *testing.F) {
	f.Add("www.example.net.default.svc.cluster.local.", "cluster.local", "corp.example.org", "example.org")
	f.Add("db.corp.example.org.", "cluster.local", "corp.example.org", "example.org")
	f.Add("a.b.c.uk.svc.a.b.", "a.b", "c.d", "d")
	f.Add("web.prod.svc.cluster.local.example.net.", "cluster.local", "corp.example.org", "example.org")
	f.Add("svc.svc.svc.svc.svc.k.", "k", "svc", "svc.k2")
	f.Fuzz(func(t *testing.T, name, cluster, node1, node2 string) {
		name = Lower(dns.Fqdn(name))
		domains, err := ParseDomains([]string{cluster, node1, node2})
		if !packs(name) || err != nil {
			return // no domain name, or no domains
		}
		s := New(domains[:1], domains[1:], nil)
		if e := s.Expansion(name); e.Kind == NodeStep {
			after := s.Search()
			for after[0] != Domain(name[e.At:]) {
				after = after[1:]
			}
			checkNames(t, s.Ahead(name, e.At), slowExpand(s, name[:e.At], after[1:]))
		}
		if unsearched := s.Unsearched(name); unsearched != nil {
			c := s.Cluster()[0]
			want := slowExpand(s, name, append([]Domain{"svc." + c, c}, s.Search()...))
			checkNames(t, unsearched, slices.DeleteFunc(want, func(step string) bool { return step == name }))
		}
		if search, ok := s.FirstStep(name); ok {
			if got := search.X + search.NamespaceName(); got != name {
				t.Fatalf("FirstStep(%s) = %+v, which is the first step %s", name, search, got)
			}
			c := Domain(search.Cluster)
			suffixes := []Domain{Domain(search.Namespace) + "svc." + c, "svc." + c, c}
			checkNames(t, s.Steps(search), slowExpand(s, search.X, append(suffixes, s.Search()...)))
		}
	})
}

// slowExpand returns x with each of the suffixes, and x itself, less what leaks and what is too long.
func slowExpand(s *Suffixes, x string, suffixes []Domain) (want []string) {
	for _, suffix := range slices.Concat(suffixes, []Domain{""}) {
		if name := x + string(suffix); len(name) <= 254 && slowLeakOf(s, name) == "" {
			want = append(want, name)
		}
	}
	return want
}

func checkNames(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the search asks for %q; want %q", got, want)
	}
	for _, name := range got {
		if !packs(name) {
			t.Errorf("the search asks for %s, which does not pack", name)
		}
	}
}
