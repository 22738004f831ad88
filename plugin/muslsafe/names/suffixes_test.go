package names

import (
	"slices"
	"strings"
	"testing"
)

func TestNew(t *testing.T) {
	cluster := []Domain{"cluster.local.", "k8s.example.org.", "cluster.local."}
	search := []Domain{"b.example.", "corp.example.org.", "default.svc.cluster.local.", "cluster.local.", "a.example."}
	zones := []Domain{"example.org.", "."}
	s := New(cluster, search, zones)
	cluster[0], search[0], zones[0] = "changed.", "changed.", "changed."

	if want := []Domain{"k8s.example.org.", "cluster.local."}; !slices.Equal(s.Cluster(), want) {
		t.Errorf("Cluster = %q; want %q, the longest first", s.Cluster(), want)
	}
	if want := []Domain{"b.example.", "corp.example.org.", "a.example."}; !slices.Equal(s.Search(), want) {
		t.Errorf("Search = %q; want %q, in the order of the search and without those of pods", s.Search(), want)
	}
	if want := []Domain{"corp.example.org.", "a.example.", "b.example."}; !slices.Equal(s.node, want) {
		t.Errorf("node = %q; want %q, the longest first", s.node, want)
	}
	if want := []Domain{"example.org.", "."}; !slices.Equal(s.Zones(), want) {
		t.Errorf("Zones = %q; want %q", s.Zones(), want)
	}
}

func TestParse(t *testing.T) {
	tests := []struct {
		about           string
		cluster, search []string
		wantCluster     []Domain
		wantSearch      []Domain
		err             string
	}{
		{"nothing given", nil, nil, []Domain{DefaultCluster}, nil, ""},
		{"search domains", nil, []string{"Example.org", "corp.example.org."}, []Domain{DefaultCluster}, []Domain{"example.org.", "corp.example.org."}, ""},
		{"search list of a pod", nil, []string{"default.svc.cluster.local", "example.org"}, []Domain{DefaultCluster}, []Domain{"example.org."}, ""},
		{"cluster domain", []string{"k8s.example"}, []string{"cluster.local"}, []Domain{"k8s.example."}, []Domain{"cluster.local."}, ""},
		{"bad cluster domain", []string{"bad..domain"}, nil, nil, nil, `"bad..domain"`},
		{"bad search domain", nil, []string{"192.0.2.53"}, nil, nil, `"192.0.2.53"`},
	}
	for _, tc := range tests {
		s, err := Parse(tc.cluster, tc.search)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%s: Parse = %v; want an error with %s", tc.about, err, tc.err)
			}
			continue
		}
		if err != nil || !slices.Equal(s.Cluster(), tc.wantCluster) || !slices.Equal(s.Search(), tc.wantSearch) {
			t.Errorf("%s: Parse = %+v, %v; want %q, %q", tc.about, s, err, tc.wantCluster, tc.wantSearch)
		}
	}
}
