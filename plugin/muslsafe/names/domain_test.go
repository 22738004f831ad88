package names

import (
	"strings"
	"testing"
)

func TestLower(t *testing.T) {
	tests := []struct{ about, name, want string }{
		{"lower case", "www.example.org.", "www.example.org."},
		{"upper case", "WWW.Example.ORG.", "www.example.org."},
		{"bytes that are not UTF-8 keep their offsets", "\xff.EX.", "\xff.ex."},
		{"letters beyond ASCII", "Ä.EX.", "Ä.ex."},
		{"neighbours of the letters", "@AZ[`az{.", "@az[`az{."},
		{"empty", "", ""},
	}
	for _, tc := range tests {
		if got := Lower(tc.name); got != tc.want {
			t.Errorf("%s: Lower(%q) = %q; want %q", tc.about, tc.name, got, tc.want)
		}
	}
}

func TestCutLast(t *testing.T) {
	tests := []struct{ about, name, before, label string }{
		{"two labels", "web.default.", "web.", "default"},
		{"one label", "default.", "", "default"},
		{"escaped dot", `a\.b.`, "", `a\.b`},
		{"escaped backslash", `a\\.b.`, `a\\.`, "b"},
		{"root", ".", "", ""},
		{"empty", "", "", ""},
	}
	for _, tc := range tests {
		if before, label := cutLast(tc.name); before != tc.before || label != tc.label {
			t.Errorf("%s: cutLast(%q) = %q, %q; want %q, %q", tc.about, tc.name, before, label, tc.before, tc.label)
		}
	}
}

func TestDomain(t *testing.T) {
	tests := []struct {
		about    string
		domain   Domain
		name     string
		at       int
		contains bool
	}{
		{"below", "example.org.", "www.example.org.", 4, true},
		{"itself", "example.org.", "example.org.", 0, true},
		{"above", "example.org.", "org.", -1, false},
		{"part of a label", "example.org.", "myexample.org.", -1, false},
		{"escaped dot", "example.org.", `www\.example.org.`, -1, false},
		{"escaped backslash", "example.org.", `www\\.example.org.`, 6, true},
		{"other domain", "example.org.", "www.example.com.", -1, false},
		{"the root contains every name and is no suffix of one", ".", "example.org.", -1, true},
	}
	for _, tc := range tests {
		if got := tc.domain.At(tc.name); got != tc.at {
			t.Errorf("%s: At(%q) = %d; want %d", tc.about, tc.name, got, tc.at)
		}
		if got := tc.domain.Contains(tc.name); got != tc.contains {
			t.Errorf("%s: Contains(%q) = %v; want %v", tc.about, tc.name, got, tc.contains)
		}
		if got := AnyContains([]Domain{"invalid.", tc.domain}, tc.name); got != tc.contains {
			t.Errorf("%s: AnyContains(%q) = %v; want %v", tc.about, tc.name, got, tc.contains)
		}
	}
	if AnyContains(nil, "example.org.") {
		t.Error("AnyContains = true without domains; want false")
	}
	if got := Domain("corp.example.org.").Labels(); got != 3 {
		t.Errorf("Labels = %d; want 3", got)
	}
}

func TestParseDomain(t *testing.T) {
	longest := strings.Repeat("a.", 125) + "b"
	tests := []struct {
		about, token string
		want         Domain // empty if there is an error
		err          string
	}{
		{"without a dot at the end", "example.org", "example.org.", ""},
		{"with a dot at the end", "example.org.", "example.org.", ""},
		{"upper case", "Example.ORG", "example.org.", ""},
		{"underscore and hyphen", "_site.xn--bcher-kva.example", "_site.xn--bcher-kva.example.", ""},
		{"251 characters", longest, Domain(longest + "."), ""},
		{"252 characters", longest + "b", "", "at most 251 characters"},
		{"label of 63", strings.Repeat("a", 63) + ".org", Domain(strings.Repeat("a", 63) + ".org."), ""},
		{"label of 64", strings.Repeat("a", 64) + ".org", "", "labels of 1 to 63 characters"},
		{"empty label", "example..org", "", "labels of 1 to 63 characters"},
		{"two dots at the end", "example.org..", "", "labels of 1 to 63 characters"},
		{"root", ".", "", "below the root"},
		{"empty", "", "", "below the root"},
		{"IPv4 address", "192.0.2.53", "", "not an address"},
		{"IPv6 address", "2001:db8::53", "", "letters, digits"},
		{"escape", `a\.b.org`, "", "letters, digits"},
		{"letter beyond ASCII", "bücher.example", "", "A-labels"},
		{"digits and letters at the end", "example.1a", "example.1a.", ""},
	}
	for _, tc := range tests {
		got, err := ParseDomain(tc.token)
		if got != tc.want || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: ParseDomain(%q) = %q, %v; want %q, %q", tc.about, tc.token, got, err, tc.want, tc.err)
		}
	}
}

func TestParseDomains(t *testing.T) {
	got, err := ParseDomains([]string{"b.example", "A.example."})
	if err != nil || len(got) != 2 || got[0] != "b.example." || got[1] != "a.example." {
		t.Errorf("ParseDomains = %q, %v; want the domains in order", got, err)
	}
	if _, err := ParseDomains([]string{"example.org", "Example.org."}); err == nil || !strings.Contains(err.Error(), `"Example.org."`) {
		t.Errorf("ParseDomains of a domain given twice = %v; want an error that quotes it", err)
	}
	if _, err := ParseDomains([]string{"bad..domain"}); err == nil || !strings.Contains(err.Error(), `"bad..domain"`) {
		t.Errorf("ParseDomains = %v; want an error that quotes the domain", err)
	}
}
