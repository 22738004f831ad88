package diagnosis

import (
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestGenerations holds that a hazard is listed for a generation of musl if and only if its model runs into it, in one of these
// situations.
func TestGenerations(t *testing.T) {
	zones := []upstream.Zone{
		{Name: "example.org.", Net: 1, Scripted: true},
		all("d2.test.", 2, "data"), all("nodata.test.", 3, "nodata"), all("dnscheck.svc.cluster.local.", 6, "data"),
	}
	long := strings.Repeat("abcdefghi.", 24)[:239]
	found := make(map[string][]Kind)
	for _, s := range []struct{ conf, name string }{
		{"search x.test\n", "data.nxdomain.example.org."},
		{"search x.test\n", "data.servfail.example.org."},
		{"search nodata.test\noptions ndots:5\n", "data.data.example.org"},
		{"search svc.cluster.local nodata.test\noptions ndots:5\n", "web.dnscheck.svc.cluster.local"},
		{"search x.test\n", "tcempty.nodata.example.org."},
		{"search x.test\n", "tcempty-xclose.data.example.org."},
		{"search .\noptions ndots:5\n", "data.data.example.org"},
		{"search x.test\n", "data-n64.nodata.example.org."},
		{"search x.test\n", "data-n5.data-n60.example.org."},
		{"search " + long + " d2.test\noptions ndots:5\n", strings.Repeat("n", 14)},
		{"search d2.test\noptions ndots:1\n", "web.x"},
		{"search " + strings.Repeat("x.test ", 40) + "d2.test\noptions ndots:5\n", "web"},
		{"search x.test\noptions attempts:0\n", "data.data.example.org."},
	} {
		for _, h := range behind(t, "nameserver 192.0.2.53\n"+s.conf, zones...).Examine(s.name).Hazards {
			for _, harm := range h.Harms {
				found[harm.Model.Name] = append(found[harm.Model.Name], h.Kind)
			}
		}
	}
	for _, m := range musls() {
		version := strings.TrimPrefix(m.Name, "musl-")
		want := slices.Compact(slices.Sorted(slices.Values(found[m.Name])))
		if got := slices.Sorted(slices.Values(HazardsOf(version, version))); !slices.Equal(got, want) {
			t.Errorf("HazardsOf(%s) = %v; the model runs into %v", version, got, want)
		}
	}
}

func TestHazardsOf(t *testing.T) {
	tests := []struct {
		from, to   string
		has, lacks []Kind
	}{
		{"1.2.3", "1.2.3", []Kind{Pair, Dot}, []Kind{TooMany}},
		{"1.2.6", "1.2.6", []Kind{Pair, TooMany}, []Kind{Dot}},
		{"1.2.6", "", []Kind{Pair, TooMany}, []Kind{Dot}},
		{"1.9.0", "1.9.0", []Kind{Pair, TooMany}, []Kind{Dot}}, // newer than the models
		{"1.2.1", "1.2.4", []Kind{Pair, Dot, TooMany}, nil},
		{"", "", []Kind{Pair, Dot, TooMany, Leak}, nil},
		{"", "1.2.0", []Kind{Dot, Failure}, []Kind{Pair, TooMany}},
		{"1.1.24", "1.1.24", []Kind{Dot, Failure, Leak}, []Kind{Pair}},
		{"1.1.12", "1.1.12", []Kind{Failure, Fit}, []Kind{Search, Leak, Ndots}}, // no search list
		{"", "1.1.12", []Kind{Failure, Fit}, []Kind{Search, Leak, Ndots}},
	}
	for _, tc := range tests {
		got := HazardsOf(tc.from, tc.to)
		for _, k := range tc.has {
			if !slices.Contains(got, k) {
				t.Errorf("HazardsOf(%q, %q) = %v; want %s in it", tc.from, tc.to, got, k)
			}
		}
		for _, k := range tc.lacks {
			if slices.Contains(got, k) {
				t.Errorf("HazardsOf(%q, %q) = %v; want no %s", tc.from, tc.to, got, k)
			}
		}
		for _, k := range got {
			if k.Brief() == "" {
				t.Errorf("%s has no words", k)
			}
		}
	}
}
