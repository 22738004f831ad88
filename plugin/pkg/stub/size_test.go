package stub_test

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// Large answers. The names have 46 octets, as those had with which the numbers were measured.
func TestLargeAnswers(t *testing.T) {
	tests := []struct {
		name string
		want [5]string
	}{
		{"data-n28.nodata", [5]string{"d1 28v4", "d1 28v4", "d1 28v4", "d1 28v4", "d1 28v4"}},
		{"data-n40.nodata", [5]string{"d1 28v4", "d1 28v4", "d1 40v4", "d1 40v4", "d1 40v4"}},
		{"data-n63.nodata", [5]string{"d1 28v4", "d1 28v4", "d1 44v4", "d1 48v4", "d1 63v4"}},
		{"data-n64.nodata", [5]string{"d1 28v4", "d1 28v4", "NODATA", "d1 48v4", "d1 64v4"}},
		{"data-n300.nodata", [5]string{"d1 28v4", "d1 28v4", "NODATA", "d1 48v4", "d1 300v4"}},
		{"data-n5.data-n60", [5]string{"d1 5v4 16v6", "d1 5v4 16v6", "d1 5v4 25v6", "d1 48v6", "d1 5v4 60v6"}},
		{"data-n5.data-n47", [5]string{"d1 5v4 16v6", "d1 5v4 16v6", "d1 5v4 25v6", "d1 1v4 47v6", "d1 5v4 47v6"}},
		{"data-n5.data-n48", [5]string{"d1 5v4 16v6", "d1 5v4 16v6", "d1 5v4 25v6", "d1 48v6", "d1 5v4 48v6"}},

		// CNAME chains: about 60 octets each, then about 200.
		{"data-c6-l56.nodata", [5]string{"d1 1v4", "d1 1v4", "d1 1v4", "d1 1v4", "d1 1v4"}},
		{"data-c8-l56.nodata", [5]string{"NONAME", "NONAME", "d1 1v4", "d1 1v4", "d1 1v4"}},
		{"data-c11-l56.nodata", [5]string{"NONAME", "NONAME", "NODATA", "d1 1v4", "d1 1v4"}},
		{"data-c30-l56.nodata", [5]string{"NONAME", "NONAME", "NODATA", "d1 1v4", "d1 1v4"}},
		{"data-c2-l200.nodata", [5]string{"d1 1v4", "d1 1v4", "d1 1v4", "d1 1v4", "d1 1v4"}},
		{"data-c3-l200.nodata", [5]string{"NONAME", "NONAME", "d1 1v4", "d1 1v4", "d1 1v4"}},
		{"data-c8-l200.nodata", [5]string{"NONAME", "NONAME", "NODATA", "d1 1v4", "d1 1v4"}},
		{"data-c20-l200.nodata", [5]string{"NONAME", "NONAME", "NODATA", "d1 1v4", "d1 1v4"}},
		{"data-c30-l200.nodata", [5]string{"NONAME", "NONAME", "NODATA", "NODATA", "d1 1v4"}}, // 6 kB: more than any musl keeps

		// Without TC: what fits the buffer is used, what does not goes over TCP where there is TCP.
		{"data-n44-u.nodata", [5]string{"d1 28v4", "d1 28v4", "d1 44v4", "d1 44v4", "d1 44v4"}},
		{"data-n64-u.nodata", [5]string{"NONAME", "NONAME", "NODATA", "d1 48v4", "d1 64v4"}},
	}
	for _, tc := range tests {
		name := tc.name + ".d1.test."
		for len(name) < 46 {
			name = tc.name + "." + fmt.Sprintf("%0*d", 46-len(name)-1, 0) + ".d1.test."
		}
		for i, col := range columns {
			if got := show(lookup(t, model(t, col), twoDomains, stub.Both, name)); got != tc.want[i] {
				t.Errorf("%s: %s = %s; want %s", col, tc.name, got, tc.want[i])
			}
		}
	}
}

// What goes wrong with TCP.
func TestTCP(t *testing.T) {
	tests := []struct {
		name string
		want [5]string
	}{
		{"tcempty-xclose.data", [5]string{"d1 1v6", "d1 1v6", "AGAIN", "AGAIN", "NONAME"}},
		{"tcempty-xreset.data", [5]string{"d1 1v6", "d1 1v6", "AGAIN", "AGAIN", "NONAME"}},
		{"tcempty-xservfail.data", [5]string{"d1 1v6", "d1 1v6", "AGAIN", "AGAIN", "d1 1v6"}},
		{"tcempty-xrefused.data", [5]string{"d1 1v6", "d1 1v6", "AGAIN", "AGAIN", "d1 1v6"}},
		{"tcempty-xservfail.tcempty-xservfail", [5]string{"NONAME", "NONAME", "AGAIN", "AGAIN", "d2 1v4 1v6"}},
		{"tcsome-xstall.data", [5]string{"d1 1v4 1v6", "d1 1v4 1v6", "AGAIN @5", "AGAIN @5", "hang"}},
		{"tcempty-xtruncate.nodata", [5]string{"NONAME", "NONAME", "NODATA", "NODATA", "d2 1v4 1v6"}},
		{"tcempty-xshort.data", [5]string{"d1 1v6", "d1 1v6", "AGAIN", "AGAIN", "NONAME"}},
		{"nxdomain.tcempty-xclose", [5]string{"d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "d2 1v4 1v6", "NONAME"}},
	}
	for _, tc := range tests {
		for i, col := range columns {
			if got := show(lookup(t, model(t, col), twoDomains, stub.Both, tc.name)); got != tc.want[i] {
				t.Errorf("%s: %s = %s; want %s", col, tc.name, got, tc.want[i])
			}
		}
	}
}

// A server without TCP: refused at once, by glibc too, which even stops searching.
func TestNoTCP(t *testing.T) {
	script := *world
	script.NoTCP = true
	want := [5]string{"d1 1v4 1v6", "d1 1v4 1v6", "AGAIN", "AGAIN", "AGAIN"}
	for i, col := range columns {
		if got := show(lookupIn(t, model(t, col), twoDomains, stub.Both, "tcsome.data", script.Exchange)); got != want[i] {
			t.Errorf("%s: tcsome.data without TCP = %s; want %s", col, got, want[i])
		}
	}
}

// The limits of musl's parser, to the octet.
func TestParserLimits(t *testing.T) {
	tests := []struct {
		name string
		msg  []byte
		want [5]int // addresses
	}{
		{"63 records", records(t, 63, 0), [5]int{31, 31, 46, 48, 63}},
		{"64 records", records(t, 64, 0), [5]int{0, 0, 0, 48, 64}},
		{"a pointer to 510", records(t, 1, 510), [5]int{0, 0, 1, 1, 1}},
		{"a pointer to 511", records(t, 1, 511), [5]int{0, 0, 0, 1, 1}},
	}
	for _, tc := range tests {
		ask := func(q stub.Query) stub.Reply { return stub.Reply{Fate: stub.Answered, Bytes: tc.msg} }
		for i, col := range columns {
			r := lookupIn(t, model(t, col), "", stub.V4, "a.", ask)
			if len(r.V4) != tc.want[i] {
				t.Errorf("%s: %s = %d addresses (%v); want %d", col, tc.name, len(r.V4), r.Err, tc.want[i])
			}
		}
	}
}

// records returns an answer for "a." with n address records. If at is not zero, a TXT record first fills the
// message so that the name "a." stands there a second time, and the addresses' owners point to it.
func records(t *testing.T, n, at int) []byte {
	t.Helper()
	m := new(dns.Msg)
	m.SetQuestion("a.", dns.TypeA)
	m.Response, m.RecursionAvailable = true, true
	msg, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	target := byte(12)
	if at > 0 {
		msg = append(msg, 0, 0, 16, 0, 1, 0, 0, 0, 0)
		size := at - len(msg) - 2 + 3
		msg = append(msg, byte(size>>8), byte(size))
		msg = append(msg, make([]byte, size)...)
		copy(msg[at:], "\x01a\x00")
		msg[7]++
	}
	for i := range n {
		msg = append(msg, 0xc0|byte(at>>8), max(target, byte(at)), 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 192, 0, 2, byte(i))
		msg[7]++
	}
	return msg
}

// An answer of 1000 octets cut at 512 in the middle of a record: before 1.2.4 the record counts, with zeros for
// what is missing.
func TestCutRecord(t *testing.T) {
	r := lookup(t, model(t, "musl-1.2.3"), twoDomains, stub.V4, "cut.data")
	want := []string{"198.18.4.1", "198.18.4.2", "198.18.0.0"}
	for i, w := range want {
		if i >= len(r.V4) || r.V4[i] != netip.MustParseAddr(w) {
			t.Errorf("musl-1.2.3: cut.data = %v; want %v", r.V4, want)
			break
		}
	}
	for _, col := range []string{"musl-1.2.4", "musl-1.2.5"} {
		if r := lookup(t, model(t, col), twoDomains, stub.V4, "cut.data"); len(r.V4) != 2 {
			t.Errorf("%s: cut.data = %v; want the first 2 addresses", col, r.V4)
		}
	}
}

// glibc asks again and again until the result fits a buffer that it doubles.
func TestGlibcAsksAgain(t *testing.T) {
	tests := []struct {
		name string
		f    stub.Family
		want int // times that the name is asked for
	}{
		{"data-n24.nodata.d1.test.", stub.Both, 1},
		{"data-n25.nodata.d1.test.", stub.Both, 1}, // 25 * 40 + 24 is 1024
		{"data-n25.nodata.x.d1.test.", stub.Both, 2},
		{"data-n51.nodata.d1.test.", stub.Both, 3},
		{"data-n300.data-n300.d1.test.", stub.Both, 6},
		{"data.data-n40.d1.test.", stub.V6, 1},
		{"data.data-n42.d1.test.", stub.V6, 2},
	}
	for _, tc := range tests {
		if r := lookup(t, model(t, "glibc-2.36"), "", tc.f, tc.name); len(r.Steps) != tc.want {
			t.Errorf("glibc-2.36: %s is asked for %d times; want %d", tc.name, len(r.Steps), tc.want)
		}
	}
}
