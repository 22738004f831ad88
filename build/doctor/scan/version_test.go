package scan

import "testing"

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]string{
		"1.2.3": "1.2.3", "1.2.4_git20230717-r4": "1.2.4", "1.71.0-nightly": "1.71.0", "2.36": "2.36.0", "1.83.0 (90b35a623 2024-11-26)": "1.83.0",
		"": "", "1": "", "1.2.3.4": "", "1..2": "", "x1.2.3": "", "1.999999.0": "",
	} {
		v, ok := parseVersion(text)
		if ok != (want != "") || ok && v.String() != want {
			t.Errorf("parseVersion(%q) = %v, %v; want %q", text, v, ok, want)
		}
	}
}

func TestSpan(t *testing.T) {
	v := func(patch int) version { return version{1, 2, patch} }
	tests := []struct {
		about string
		a, b  span
		want  string // "none" if they have nothing in common
	}{
		{"nothing known", span{}, span{}, ""},
		{"one end each", span{from: v(1)}, span{to: v(4)}, "1.2.1 to 1.2.4"},
		{"they touch", span{to: v(3)}, span{from: v(3)}, "1.2.3"},
		{"they just do not", span{to: v(3)}, span{from: v(4)}, "none"},
		{"one inside the other", span{v(1), v(6)}, span{v(3), v(5)}, "1.2.3 to 1.2.5"},
		{"open above", span{from: v(1)}, span{from: v(5)}, "1.2.5 or later"},
		{"open below", span{to: v(4)}, span{to: v(0)}, "1.2.0 or earlier"},
	}
	for _, tc := range tests {
		for _, pair := range [][2]span{{tc.a, tc.b}, {tc.b, tc.a}} {
			both, ok := pair[0].and(pair[1])
			if got := both.String(); ok != (tc.want != "none") || ok && got != tc.want {
				t.Errorf("%s: %v and %v = %q, %v; want %q", tc.about, pair[0], pair[1], got, ok, tc.want)
			}
		}
	}
}

// Which musl a release of Rust bundles changed twice.
func TestBundled(t *testing.T) {
	for rustc, want := range map[version]string{
		{1, 36, 0}: "1.1.24", {1, 70, 0}: "1.1.24", {1, 71, 0}: "1.2.3", {1, 92, 0}: "1.2.3", {1, 93, 0}: "1.2.5", {2, 0, 0}: "1.2.5",
	} {
		if got := bundled(rustc); got.String() != want {
			t.Errorf("bundled(%v) = %v; want %s", rustc, got, want)
		}
	}
}
