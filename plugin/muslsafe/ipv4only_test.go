package muslsafe

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestIPv4only checks that AAAA follows from A, costs no query of its own, and is never asked for.
func TestIPv4only(t *testing.T) {
	tests := []struct {
		name string
		a    outcome
		want [2]outcome
	}{
		{plainName, data, [2]outcome{data, nodata}},
		{plainName, nodata, [2]outcome{nodata, nodata}},
		{plainName, nxdomain, [2]outcome{nxdomain, nxdomain}},
		{plainName, failure, [2]outcome{failure, failure}},
		{plainName, unknown, [2]outcome{failure, failure}},
		{nodeName, data, [2]outcome{data, nodata}},
		{nodeName, nodata, [2]outcome{nxdomain, nxdomain}},
		{nodeName, failure, [2]outcome{nxdomain, nxdomain}}, // there is an address ahead
		{clusterName, nodata, [2]outcome{nxdomain, nxdomain}},
		{clusterName, failure, [2]outcome{failure, failure}},
	}
	for _, tc := range tests {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: map[string]step{
				tc.name + " A": {outcome: tc.a, delay: 10 * time.Millisecond}, tc.name + " AAAA": {outcome: data}, nextName + " A": {outcome: data},
			}}
			cfg := newConfig()
			cfg.suffixes = testSuffixes
			cfg.enabled[fixIPv4only] = true
			p := newMuslsafe(u, cfg)
			got := lookup(t, p, tc.name)
			if pair := [2]outcome{got[0].outcome, got[1].outcome}; pair != tc.want {
				t.Errorf("%s A %s: %v; want %v", tc.name, tc.a, pair, tc.want)
			}
			if slices.ContainsFunc(u.log(), func(key string) bool { return strings.HasSuffix(key, " AAAA") }) {
				t.Errorf("%s A %s: asked %q; want no AAAA", tc.name, tc.a, u.log())
			}
			if tc.a == data && len(u.log()) != 1 {
				t.Errorf("%s: asked %q; want A once", tc.name, u.log())
			}
		})
	}
}
