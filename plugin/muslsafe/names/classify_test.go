package names

import "testing"

func TestClassify(t *testing.T) {
	s, err := Parse(nil, []string{"corp.example.org", "example.org", "svc.cluster.local"})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		about, name string
		kind        Kind
		suffix      string
	}{
		{"no suffix", "www.example.com.", Plain, ""},
		{"root", ".", Plain, ""},
		{"suffix itself", "example.org.", Plain, ""},
		{"search domain", "www.example.com.corp.example.org.", NodeStep, "corp.example.org."},
		{"upper case", "WWW.example.com.EXAMPLE.org.", NodeStep, "EXAMPLE.org."},
		{"namespace", "www.example.com.default.svc.cluster.local.", ClusterStep, "default.svc.cluster.local."},
		{"svc.C, which could be service example in namespace com", "www.example.com.svc.cluster.local.", ClusterStep, "com.svc.cluster.local."},
		{"cluster domain", "www.example.com.cluster.local.", ClusterStep, "cluster.local."},
		{"underscore", "_acme-challenge.example.com.example.org.", Plain, ""},
		{"service with a search domain", "web.default.svc.cluster.local.example.org.", Leak, "example.org."},
		{"service with an unknown suffix", "web.default.svc.cluster.local.lan.", Leak, "lan."},
		{"service with a cluster domain", "web.default.svc.cluster.local.cluster.local.", Leak, "cluster.local."},
		{"service with a namespace", "web.default.svc.cluster.local.default.svc.cluster.local.", Leak, "default.svc.cluster.local."},
		{"service with a namespace, in upper case", "WEB.default.SVC.cluster.local.default.SVC.cluster.local.", Leak, "default.SVC.cluster.local."},
		{"search domain on another", "db.corp.example.org.example.org.", Leak, "example.org."},
		{"reverse name", "1.2.0.192.in-addr.arpa.example.org.", Leak, "example.org."},
	}
	for _, tc := range tests {
		kind, at := s.Classify(tc.name)
		if kind != tc.kind || tc.name[at:] != tc.suffix {
			t.Errorf("%s: Classify(%s) = %v, suffix %q; want %v, %q", tc.about, tc.name, kind, tc.name[at:], tc.kind, tc.suffix)
		}
		if _, leaks := s.Leak(Lower(tc.name)); leaks != (kind == Leak) {
			t.Errorf("%s: Classify(%s) = %v, and Leak = %v; want them to agree", tc.about, tc.name, kind, leaks)
		}
	}
}

func TestKindString(t *testing.T) {
	for kind, want := range map[Kind]string{Plain: "plain", ClusterStep: "cluster step", NodeStep: "node step", Leak: "leak"} {
		if got := kind.String(); got != want {
			t.Errorf("Kind %d = %q; want %q", uint8(kind), got, want)
		}
	}
}

func TestAllocs(t *testing.T) {
	tests := []struct {
		about string
		f     func(name string)
	}{
		{"Leak", func(name string) { speedSuffixes.Leak(name) }},
		{"Expansion", func(name string) { speedSuffixes.Expansion(name) }},
		{"Classify", func(name string) { speedSuffixes.Classify(name) }},
		{"FirstStep of a plain name", func(name string) { speedSuffixes.FirstStep(name) }},
	}
	for _, tc := range tests {
		for _, name := range speedNames {
			if n := testing.AllocsPerRun(100, func() { tc.f(name) }); n != 0 {
				t.Errorf("%s(%q): %v allocations; want 0", tc.about, name, n)
			}
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		for _, name := range speedNames {
			speedSuffixes.Classify(name)
		}
	}
}
