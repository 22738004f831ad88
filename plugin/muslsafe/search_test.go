package muslsafe

import (
	"slices"
	"testing"

	"github.com/miekg/dns"
)

func TestPlace(t *testing.T) {
	tests := []struct {
		name   string
		scope  scope
		suffix string
	}{
		{"redis.cluster.local.", cluster, "cluster.local."},
		{"redis.svc.cluster.local.", cluster, "svc.cluster.local."},
		{"web.default.svc.cluster.local.", cluster, "default.svc.cluster.local."},
		{"a.b.c.default.svc.cluster.local.", cluster, "default.svc.cluster.local."},
		{"192-0-2-1.default.pod.cluster.local.", cluster, "cluster.local."},
		{"db.corp.example.org.", node, "corp.example.org."},
		{"db.mycorp.example.org.", node, "example.org."},
		{"my_db.corp.example.org.", node, "corp.example.org."},
		{"_acme-challenge.corp.example.org.", plain, ""},
		{"_http._tcp.web.default.svc.cluster.local.", plain, ""},
		{"a._b.corp.example.org.", plain, ""},
		{"corp.example.org.", plain, ""}, // a suffix itself, though another stands at its end
		{"svc.cluster.local.", plain, ""},
		{"pod.cluster.local.", plain, ""},
		{"cluster.local.", plain, ""},
		{"example.org.", plain, ""},
		{"www.example.com.", plain, ""},
		{".", plain, ""},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			p := testSuffixes.place(tc.name)
			suffix := ""
			if p.scope != plain {
				suffix = tc.name[p.at:]
			}
			if p.scope != tc.scope || suffix != tc.suffix || p.scope == plain && p.at != 0 {
				t.Errorf("place(%q) = %+v, %q; want %d, %q", tc.name, p, suffix, tc.scope, tc.suffix)
			}
		})
	}
}

// TestPlaceElsewhere has names in clusters that are not the usual one.
func TestPlaceElsewhere(t *testing.T) {
	served := testSuffixes
	served.served = []domain{"prod.corp.example.org.", "default.svc.cluster.local.", "10.in-addr.arpa."}
	tests := []struct {
		about    string
		suffixes suffixes
		name     string
		scope    scope
		suffix   string
	}{
		{"search domain with an underscore", suffixes{node: []domain{"_site.example.org."}}, "db._site.example.org.", node, "_site.example.org."},
		{"name with an underscore below it", suffixes{node: []domain{"_site.example.org."}}, "_db._site.example.org.", plain, ""},
		{"zone of the server block", served, "prod.corp.example.org.", plain, ""},
		{"name in that zone", served, "db.prod.corp.example.org.", node, "corp.example.org."},
		{"other name", served, "test.corp.example.org.", node, "corp.example.org."},
		{"zone of the server block in the cluster", served, "default.svc.cluster.local.", plain, ""},
		{"name in that zone", served, "web.default.svc.cluster.local.", cluster, "default.svc.cluster.local."},
	}
	for _, tc := range tests {
		p, suffix := tc.suffixes.place(tc.name), ""
		if p.scope != plain {
			suffix = tc.name[p.at:]
		}
		if p.scope != tc.scope || suffix != tc.suffix {
			t.Errorf("%s: place(%s) = %+v, %q; want %d, %q", tc.about, tc.name, p, suffix, tc.scope, tc.suffix)
		}
	}
}

func TestAhead(t *testing.T) {
	s := suffixes{
		cluster: []domain{"cluster.local."},
		node:    []domain{"corp.example.org.", "example.org.", "lan."},
		order:   []domain{"example.org.", "lan.", "corp.example.org."},
	}
	tests := []struct {
		name string
		want []string
	}{
		{"db.example.org.", []string{"db.lan.", "db.corp.example.org.", "db."}},
		{"db.lan.", []string{"db.corp.example.org.", "db."}},
		{"db.corp.example.org.", []string{"db."}},
		{"web.lan.", []string{"web.corp.example.org.", "web."}},
		{"web.default.svc.cluster.local.lan.", []string{"web.default.svc.cluster.local."}},
	}
	for _, tc := range tests {
		p := s.place(tc.name)
		if got := s.ahead(tc.name, p.at); !slices.Equal(got, tc.want) {
			t.Errorf("ahead(%q) = %q; want %q", tc.name, got, tc.want)
		}
	}
}

// TestAheadOfLongNames has names that are as long as a name can be with the next search domain, and one octet longer.
func TestAheadOfLongNames(t *testing.T) {
	s := suffixes{node: []domain{"a.example.", "longer.example."}, order: []domain{"a.example.", "longer.example."}}
	for _, tc := range []struct {
		about string
		len   int // of the name with "longer.example."
		want  int // names ahead
	}{{"short", 40, 2}, {"as long as can be", 254, 2}, {"one octet longer", 255, 1}} {
		x := longName("x", tc.len-len("longer.example.")+1)
		if n := len(x + "longer.example."); n != tc.len {
			t.Fatalf("%s: the name has %d octets; want %d", tc.about, n, tc.len)
		}
		names := s.ahead(x+"a.example.", len(x))
		if len(names) != tc.want || names[len(names)-1] != x {
			t.Errorf("%s: ahead = %q; want %d names", tc.about, names, tc.want)
		}
		for _, name := range names {
			if _, err := query(name, dns.TypeA).Pack(); err != nil {
				t.Errorf("%s: %s does not pack: %v", tc.about, name, err)
			}
		}
	}
}
