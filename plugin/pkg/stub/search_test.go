package stub_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// empty answers NXDOMAIN to everything, so that every libc walks its whole list.
var empty = &upstream.Script{}

// asked returns the names that a lookup asked for, those it could not ask in parentheses.
func asked(r stub.Result) (names []string) {
	for _, s := range r.Steps {
		name := strings.TrimSuffix(s.Name, ".")
		if len(s.Packets) == 0 {
			name = "(" + name + ")"
		}
		names = append(names, name)
	}
	return names
}

func TestSearchOrder(t *testing.T) {
	tests := []struct {
		name, search string
		ndots        string
		musl, glibc  string // names in order, "-" for none
	}{
		{"a", "x.test y.test", "1", "a.x.test a.y.test a", "a.x.test a.y.test a"},
		{"a.b", "x.test y.test", "1", "a.b", "a.b a.b.x.test a.b.y.test"},
		{"a.b", "x.test y.test", "2", "a.b.x.test a.b.y.test a.b", "a.b.x.test a.b.y.test a.b"},
		{"a.b.c", "x.test", "2", "a.b.c", "a.b.c a.b.c.x.test"},
		{"a.b", "x.test", "0", "a.b", "a.b a.b.x.test"},
		{"a", "x.test", "0", "a", "a a.x.test"},
		{"a.", "x.test", "5", "a", "a"},
		{"a.b.", "x.test", "5", "a.b", "a.b"},
		{"a", "", "5", "a", "a"},
		{"a", "x.test.", "5", "a.x.test a", "a.x.test a"},
		{"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o", "x.test", "99", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.x.test a.b.c.d.e.f.g.h.i.j.k.l.m.n.o", ""},
		{"a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", "x.test", "99", "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p", ""},
		{"a..", "x.test", "5", "-", "(a.)"},
		{".", "x.test", "5", "-", ""},
		{"", "x.test", "5", "-", ""},
		{"a..b", "x.test", "1", "(a..b)", ""},
		{"a_b", "x.test", "1", "a_b.x.test a_b", "a_b.x.test a_b"},
		{"a+b", "x.test", "1", "a+b.x.test a+b", "-"},
		{strings.Repeat("a", 63), "", "1", strings.Repeat("a", 63), strings.Repeat("a", 63)},
		{strings.Repeat("a", 64), "", "1", "(" + strings.Repeat("a", 64) + ")", "(" + strings.Repeat("a", 64) + ")"},
	}
	for _, tc := range tests {
		for _, col := range columns {
			want := tc.musl
			if col == "glibc-2.36" {
				want = tc.glibc
			}
			if want == "" {
				continue
			}
			conf := "search " + tc.search + "\noptions ndots:" + tc.ndots
			r := lookupIn(t, model(t, col), conf, stub.Both, tc.name, empty.Exchange)
			got := strings.Join(asked(r), " ")
			if got == "" {
				got = "-"
			}
			if got != want {
				t.Errorf("%s: %q, search %q, ndots %s asks %s; want %s", col, tc.name, tc.search, tc.ndots, got, want)
			}
			if r.Err != stub.NoName {
				t.Errorf("%s: %q = %v; want EAI_NONAME", col, tc.name, r.Err)
			}
		}
	}
}

// A name that does not fit a question ends the search before musl 1.2.4 and is skipped since; one that does not
// fit musl's buffer is skipped by all.
func TestLongNames(t *testing.T) {
	domain := strings.Repeat("abcdefghi.", 24)[:239]
	tests := []struct {
		size  int // of the name with the domain
		old   string
		since string
	}{
		{253, "asked asked asked", "asked asked asked"},
		{254, "refused", "refused asked asked"},
		{255, "refused", "refused asked asked"},
		{256, "asked asked", "asked asked"},
	}
	for _, tc := range tests {
		for _, col := range columns[:4] {
			want := tc.old
			if col > "musl-1.2.3" {
				want = tc.since
			}
			name := strings.Repeat("n", tc.size-len(domain)-1)
			r := lookupIn(t, model(t, col), "search "+domain+" x.test\n", stub.Both, name, empty.Exchange)
			var got []string
			for _, s := range asked(r) {
				if strings.HasPrefix(s, "(") {
					got = append(got, "refused")
				} else {
					got = append(got, "asked")
				}
			}
			if strings.Join(got, " ") != want {
				t.Errorf("%s: %d octets: %s; want %s", col, tc.size, got, want)
			}
		}
	}
}

// "search .": a malformed question before 1.2.4, nothing since, the name itself in glibc.
func TestSearchRoot(t *testing.T) {
	const conf = "search . d2.test\noptions ndots:2\n"
	script := *world
	for _, tc := range []struct {
		rcode int
		want  [5]string
	}{
		{dns.RcodeFormatError, [5]string{"AGAIN @5", "AGAIN @5", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6"}},
		{dns.RcodeNameError, [5]string{"d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6"}},
	} {
		script.Malformed = tc.rcode
		for i, col := range columns {
			if got := show(lookupIn(t, model(t, col), conf, stub.Both, "www.data", script.Exchange)); got != tc.want[i] {
				t.Errorf("%s: search . with rcode %d = %s; want %s", col, tc.rcode, got, tc.want[i])
			}
		}
	}
	r := lookupIn(t, model(t, "musl-1.2.3"), conf, stub.V4, "www.data", script.Exchange)
	q := r.Steps[0].Packets[0].Query
	if q.Name != "www.data." || !q.Malformed {
		t.Errorf("musl-1.2.3: search . asks %+v; want a malformed www.data.", q)
	}
}

// Before 1.2.1, A NXDOMAIN with a CNAME in AAAA puts the CNAME's target in front of the rest of the search list.
func TestCNAMEOverwritesTheName(t *testing.T) {
	conf := "search d1.test x.test y.test\noptions ndots:5\n"
	tests := []struct {
		model, name string
		want        []string
	}{
		// A target no longer than the name takes its place, and here has an address; of a longer one as many
		// characters remain as the name has with its dot.
		{"musl-1.2.0", "nxdomain.cnameonly.a", []string{"nxdomain.cnameonly.a.d1.test", "k1xxxxxx.link.test"}},
		{"musl-1.2.0", "nxdomain.cnameonly-l40", []string{"nxdomain.cnameonly-l40.d1.test", "k1xxxxxxxxxxxxxxxxxxxxxx.test", "k1xxxxxxxxxxxxxxxxxxxxxy.test", "nxdomain.cnameonly-l40"}},
		{"musl-1.2.3", "nxdomain.cnameonly.a", []string{"nxdomain.cnameonly.a.d1.test", "nxdomain.cnameonly.a.x.test", "nxdomain.cnameonly.a.y.test", "nxdomain.cnameonly.a"}},
	}
	for _, tc := range tests {
		if got := asked(lookup(t, model(t, tc.model), conf, stub.Both, tc.name)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %s asks %q; want %q", tc.model, tc.name, got, tc.want)
		}
	}
}
