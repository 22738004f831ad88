package names

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"
)

func TestExpansion(t *testing.T) {
	withZones := New([]Domain{"cluster.local."}, []Domain{"corp.example.org.", "example.org."},
		[]Domain{"prod.corp.example.org.", "default.svc.cluster.local.", "10.in-addr.arpa."})
	withUnderscore := New(nil, []Domain{"_site.example.org."}, nil)
	tests := []struct {
		about    string
		suffixes *Suffixes
		name     string
		kind     Kind
		suffix   string
	}{
		{"C", testSuffixes, "redis.cluster.local.", ClusterStep, "cluster.local."},
		{"svc.C", testSuffixes, "redis.svc.cluster.local.", ClusterStep, "svc.cluster.local."},
		{"NAMESPACE.svc.C", testSuffixes, "web.default.svc.cluster.local.", ClusterStep, "default.svc.cluster.local."},
		{"several labels in a namespace", testSuffixes, "a.b.c.default.svc.cluster.local.", ClusterStep, "default.svc.cluster.local."},
		{"nobody appends pod.C", testSuffixes, "192-0-2-1.default.pod.cluster.local.", ClusterStep, "cluster.local."},
		{"longest search domain", testSuffixes, "db.corp.example.org.", NodeStep, "corp.example.org."},
		{"search domain is part of a label", testSuffixes, "db.mycorp.example.org.", NodeStep, "example.org."},
		{"underscore inside a label", testSuffixes, "my_db.corp.example.org.", NodeStep, "corp.example.org."},
		{"underscore first", testSuffixes, "_acme-challenge.corp.example.org.", Plain, ""},
		{"SRV", testSuffixes, "_http._tcp.web.default.svc.cluster.local.", Plain, ""},
		{"underscore in the second label", testSuffixes, "a._b.corp.example.org.", Plain, ""},
		{"suffix itself, though another one stands at its end", testSuffixes, "corp.example.org.", Plain, ""},
		{"svc.C itself", testSuffixes, "svc.cluster.local.", Plain, ""},
		{"pod.C itself", testSuffixes, "pod.cluster.local.", Plain, ""},
		{"C itself", testSuffixes, "cluster.local.", Plain, ""},
		{"search domain itself", testSuffixes, "example.org.", Plain, ""},
		{"no suffix", testSuffixes, "www.example.com.", Plain, ""},
		{"root", testSuffixes, ".", Plain, ""},

		{"search domain with an underscore", withUnderscore, "db._site.example.org.", NodeStep, "_site.example.org."},
		{"underscore below it", withUnderscore, "_db._site.example.org.", Plain, ""},
		{"zone of the server block", withZones, "prod.corp.example.org.", Plain, ""},
		{"name in that zone", withZones, "db.prod.corp.example.org.", NodeStep, "corp.example.org."},
		{"name in no zone", withZones, "test.corp.example.org.", NodeStep, "corp.example.org."},
		{"zone of the server block in the cluster", withZones, "default.svc.cluster.local.", Plain, ""},
		{"name in that zone of the cluster", withZones, "web.default.svc.cluster.local.", ClusterStep, "default.svc.cluster.local."},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			if kind, suffix := expansionOf(tc.suffixes, tc.name); kind != tc.kind || suffix != tc.suffix {
				t.Errorf("Expansion(%q) = %v, %q; want %v, %q", tc.name, kind, suffix, tc.kind, tc.suffix)
			}
			if e := tc.suffixes.Expansion(tc.name); e.Kind == Plain && e.At != 0 {
				t.Errorf("Expansion(%q) = %+v; want the offset 0", tc.name, e)
			}
		})
	}
}

// expansionOf returns the kind of name and the suffix appended to it, none if it is plain.
func expansionOf(s *Suffixes, name string) (Kind, string) {
	e := s.Expansion(name)
	if e.Kind == Plain {
		return Plain, ""
	}
	return e.Kind, name[e.At:]
}

func TestAhead(t *testing.T) {
	s := New([]Domain{"cluster.local."}, []Domain{"example.org.", "lan.", "corp.example.org."}, nil)
	tests := []struct {
		about, name string
		want        []string
	}{
		{"first search domain", "db.example.org.", []string{"db.lan.", "db.corp.example.org.", "db."}},
		{"second search domain", "db.lan.", []string{"db.corp.example.org.", "db."}},
		{"last search domain", "db.corp.example.org.", []string{"db."}},
		{"complete name of a service, which leaks with a suffix", "web.default.svc.cluster.local.lan.", []string{"web.default.svc.cluster.local."}},
	}
	for _, tc := range tests {
		e := s.Expansion(tc.name)
		if got := s.Ahead(tc.name, e.At); !slices.Equal(got, tc.want) {
			t.Errorf("%s: Ahead(%q) = %q; want %q", tc.about, tc.name, got, tc.want)
		}
	}
}

// TestAheadOfLongNames has names that are as long as a name can be with the next search domain, and one octet longer.
func TestAheadOfLongNames(t *testing.T) {
	const own, next = "a.example.", "longer.example."
	s := New(nil, []Domain{own, next}, nil)
	for _, tc := range []struct {
		about string
		len   int // of the name with the next search domain
		want  int // names ahead
	}{{"short", 40, 2}, {"as long as can be", 254, 2}, {"one octet longer", 255, 1}} {
		x := longName(tc.len - len(next))
		names := s.Ahead(x+own, len(x))
		if len(names) != tc.want || names[len(names)-1] != x {
			t.Errorf("%s: Ahead = %q; want %d names", tc.about, names, tc.want)
		}
		for _, name := range names {
			if !packs(name) {
				t.Errorf("%s: %s does not pack", tc.about, name)
			}
		}
	}
}

// longName returns a name of n characters.
func longName(n int) string {
	var labels []string
	for left := n - 1; left > 0; left-- {
		label := min(left, 63)
		if left-label == 1 {
			label-- // the dot would be all that is left
		}
		labels = append(labels, strings.Repeat("x", label))
		left -= label
	}
	return joinLabels(labels)
}

// packs reports whether a query for name fits the wire format.
func packs(name string) bool {
	_, err := new(dns.Msg).SetQuestion(name, dns.TypeA).Pack()
	return err == nil
}
