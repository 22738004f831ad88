package stub_test

import (
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

func TestFind(t *testing.T) {
	tests := []struct{ name, want string }{
		{"musl-1.1.12", ""}, // no search list: not modelled
		{"musl-1.1.13", "musl-1.2.0"},
		{"musl-1.1.24", "musl-1.2.0"},
		{"musl-1.2.0", "musl-1.2.0"},
		{"musl-1.2.1", "musl-1.2.3"},
		{"musl-1.2.3", "musl-1.2.3"},
		{"musl-1.2.4", "musl-1.2.4"},
		{"musl-1.2.5", "musl-1.2.5"},
		{"musl-1.2.6", "musl-1.2.5"},
		{"musl-1.3.0", ""},
		{"glibc-2.36", "glibc-2.36"},
		{"glibc-2.31", ""},
		{"musl", ""},
		{"musl-", ""},
		{"musl-1", ""},
		{"musl-1.2.3.4", ""},
		{"musl-1.2.x", ""},
		{"", ""},
		{"-1.2.3", ""},
		{"uclibc-1.2.3", ""},
	}
	for _, tc := range tests {
		got := ""
		if m, ok := stub.Find(tc.name); ok {
			got = m.Name
		}
		if got != tc.want {
			t.Errorf("Find(%q) = %q; want %q", tc.name, got, tc.want)
		}
	}
}

// The list is closed, in order, and every model finds itself.
func TestModels(t *testing.T) {
	all := stub.Models()
	if len(all) != len(columns) {
		t.Fatalf("%d models; the tests know %d", len(all), len(columns))
	}
	for i, m := range all {
		if m.Name != columns[i] || m.Covers == "" {
			t.Errorf("model %d = %s (%q); want %s", i, m.Name, m.Covers, columns[i])
		}
		if found, ok := stub.Find(m.Name); !ok || found != m {
			t.Errorf("Find(%q) does not find itself", m.Name)
		}
	}
	all[0] = nil
	if stub.Models()[0] == nil {
		t.Error("Models returns the list itself, not a copy")
	}
}

func TestStrings(t *testing.T) {
	tests := []struct {
		got  interface{ String() string }
		want string
	}{
		{stub.OK, "OK"}, {stub.NoName, "EAI_NONAME"}, {stub.Hang, "hang"}, {stub.Errno(99), "Errno(99)"},
		{stub.UDP, "udp"}, {stub.TCP, "tcp"},
		{stub.Silent, "silent"}, {stub.Reset, "reset"}, {stub.Fate(99), "Fate(99)"},
		{stub.Next, "next"}, {stub.Stop, "stop"}, {stub.Outcome(99), "Outcome(99)"},
		{stub.Unheard, "unheard"}, {stub.Broken, "broken"}, {stub.Verdict(99), "Verdict(99)"},
	}
	for _, tc := range tests {
		if tc.got.String() != tc.want {
			t.Errorf("%T = %s; want %s", tc.got, tc.got, tc.want)
		}
	}
}
