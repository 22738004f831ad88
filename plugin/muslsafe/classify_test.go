package muslsafe

import (
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	c, err := NewClassifier(nil, []string{"corp.example.org", "example.org", "svc.cluster.local"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		kind   Kind
		suffix string
	}{
		{"www.example.com.", Plain, ""},
		{".", Plain, ""},
		{"example.org.", Plain, ""},
		{"www.example.com.corp.example.org.", NodeStep, "corp.example.org."},
		{"WWW.example.com.EXAMPLE.org.", NodeStep, "EXAMPLE.org."},
		{"www.example.com.default.svc.cluster.local.", ClusterStep, "default.svc.cluster.local."},
		{"www.example.com.svc.cluster.local.", ClusterStep, "com.svc.cluster.local."}, // could be service example
		{"www.example.com.cluster.local.", ClusterStep, "cluster.local."},
		{"_acme-challenge.example.com.example.org.", Plain, ""},
		{"web.default.svc.cluster.local.example.org.", Leak, "example.org."},
		{"web.default.svc.cluster.local.lan.", Leak, "lan."},
		{"web.default.svc.cluster.local.cluster.local.", Leak, "cluster.local."},
		{"web.default.svc.cluster.local.default.svc.cluster.local.", Leak, "default.svc.cluster.local."},
		{"db.corp.example.org.example.org.", Leak, "example.org."},
		{"1.2.0.192.in-addr.arpa.example.org.", Leak, "example.org."},
	}
	for _, tc := range tests {
		kind, at := c.Classify(tc.name)
		if kind != tc.kind || tc.name[at:] != tc.suffix {
			t.Errorf("Classify(%s) = %d, suffix %q; want %d, %q", tc.name, kind, tc.name[at:], tc.kind, tc.suffix)
		}
		_, leaks := c.suffixes.leak(strings.ToLower(tc.name))
		if leaks != (kind == Leak) {
			t.Errorf("Classify(%s) and the fix leak disagree", tc.name)
		}
	}
	allocs := testing.AllocsPerRun(100, func() { c.Classify("web.default.svc.cluster.local.default.svc.cluster.local.") })
	if allocs != 0 {
		t.Errorf("Classify allocates %g times; want 0", allocs)
	}
	if _, err := NewClassifier([]string{"bad..domain"}, nil); err == nil || !strings.Contains(err.Error(), "bad..domain") {
		t.Errorf("NewClassifier(bad..domain) = %v; want an error that names it", err)
	}
}
