package verdict

import (
	"fmt"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// TestWildcard has the rules of the wildcard fix, which is off by default, beside search and without it.
func TestWildcard(t *testing.T) {
	const wild = "NXDOMAIN wildcard"
	tests := []struct {
		kind             names.Kind
		own, sibling     Outcome
		hijacked         Answer
		want, withSearch string
	}{
		{plainName, Data, Unknown, Open, "pass", "pass"},
		{clusterName, Data, Unknown, Open, "pass", "pass"},
		{nodeName, Data, Unknown, Open, fmt.Sprintf("undecided %+v", Needs{Hijacked: true}), fmt.Sprintf("undecided %+v", Needs{Hijacked: true})},
		{nodeName, Data, Data, Yes, wild, wild},
		{nodeName, Data, Nodata, Yes, wild, wild},
		{nodeName, Data, Nodata, No, "pass", "pass"},
		{nodeName, Nodata, Unknown, Open, fmt.Sprintf("undecided %+v", Needs{Sibling: true}), fmt.Sprintf("undecided %+v", Needs{Sibling: true})},
		{nodeName, Nodata, Data, Open, fmt.Sprintf("undecided %+v", Needs{Hijacked: true}), fmt.Sprintf("undecided %+v", Needs{Hijacked: true})},
		{nodeName, Nodata, Data, Yes, wild, wild},
		{nodeName, Nodata, Data, No, "pass", "pass"},
		{nodeName, Nodata, Nodata, Yes, "pass", "NXDOMAIN search"},
		{nodeName, Nodata, Nxdomain, Yes, "pass", "NXDOMAIN search"},
		{nodeName, Nodata, Failed, Yes, "pass", "pass"},
		{clusterName, Nodata, Nodata, Open, "pass", "NXDOMAIN search"},
	}
	for _, tc := range tests {
		for _, withSearch := range []bool{false, true} {
			on := ByDefault()
			on[Wildcard], on[Search] = true, withSearch
			want := tc.want
			if withSearch {
				want = tc.withSearch
			}
			e := Evidence{Kind: tc.kind, Own: tc.own, Sibling: tc.sibling, Stranger: Yes, Ahead: No, Hijacked: tc.hijacked}
			if got := NewRules(on).Judge(e).String(); got != want {
				t.Errorf("search %v: judge of %+v = %s; want %s", withSearch, tc, got, want)
			}
		}
	}
}
