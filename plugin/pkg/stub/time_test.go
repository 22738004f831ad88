package stub_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// How long each libc waits for what. Answers that differ between the columns are written out.
func TestWaiting(t *testing.T) {
	tests := []struct {
		name, conf string
		want       [5]string
	}{
		{"data-f1silence.data", "", [5]string{"d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @5"}},
		{"data-f2silence.data", "", [5]string{"d1 1v6 @5", "AGAIN @5", "AGAIN @5", "AGAIN @5", "d1 1v4 1v6 @10"}},
		{"data-f1refused.data", "", [5]string{"d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v6"}},

		// SERVFAIL is asked again at once, 4 times per 2.5 s; a real failure after that waits for the end.
		{"data-f1servfail.data", "", [5]string{"d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "d1 1v6"}},
		{"data-f4servfail.data", "", [5]string{"d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "d1 1v6"}},
		{"data-f5servfail.data", "", [5]string{"d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v6"}},
		{"data-f9servfail.data", "", [5]string{"d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v4 1v6 @2.5", "d1 1v6"}},
		{"data-f10servfail.data", "", [5]string{"d1 1v6 @5", "AGAIN @5", "AGAIN @5", "AGAIN @5", "d1 1v6"}},

		// The slower half decides; one that comes after 5 s has not come.
		{"data.data-d4000", "", [5]string{"d1 1v4 1v6 @4", "d1 1v4 1v6 @4", "d1 1v4 1v6 @4", "d1 1v4 1v6 @4", "d1 1v4 1v6 @4"}},
		{"nodata.nodata-d4000", "", [5]string{"NONAME @4", "NONAME @4", "NODATA @4", "NODATA @4", "NODATA @4"}},
		{"data.data-d6000", "", [5]string{"d1 1v4 @5", "AGAIN @5", "AGAIN @5", "AGAIN @5", "d1 1v4 1v6 @6"}},

		// "timeout" is for all tries together in musl, for each try in glibc.
		{"silence.silence", "options timeout:2 attempts:4", [5]string{"AGAIN @2", "AGAIN @2", "AGAIN @2", "AGAIN @2", "AGAIN @8"}},
		{"silence.silence", "options attempts:1", [5]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "AGAIN @5", "AGAIN @5"}},
		{"silence.silence", "options timeout:99", [5]string{"AGAIN @60", "AGAIN @60", "AGAIN @60", "AGAIN @60", "AGAIN @60"}},
		{"data.data", "options timeout:0", [5]string{"AGAIN", "AGAIN", "AGAIN", "AGAIN", "d1 1v4 1v6"}},
		{"silence.silence", "options timeout:0", [5]string{"AGAIN", "AGAIN", "AGAIN", "AGAIN", "AGAIN @2"}},
		{"data.data", "options attempts:0", [5]string{"crash", "crash", "crash", "crash", "AGAIN"}},
	}
	for _, tc := range tests {
		for i, col := range columns {
			r := lookup(t, model(t, col), tc.conf, stub.Both, tc.name+".d1.test.")
			if got := show(r); got != tc.want[i] {
				t.Errorf("%s: %s, %q = %s; want %s", col, tc.name, tc.conf, got, tc.want[i])
			}
		}
	}
}

// How many packets one lookup costs, the search list included.
func TestPackets(t *testing.T) {
	tests := []struct {
		name        string
		musl, glibc int
	}{
		{"data.data", 2, 2},
		{"data.servfail", 11, 2},
		{"servfail.servfail", 12, 6},
		{"refused.refused", 4, 6},
		{"notimp.notimp", 4, 6},
		{"formerr.formerr", 4, 4},
		{"silence.silence", 4, 6},
	}
	for _, tc := range tests {
		for _, col := range columns {
			want := tc.musl
			if col == "glibc-2.36" {
				want = tc.glibc
			}
			got := 0
			for _, s := range lookup(t, model(t, col), twoDomains, stub.Both, tc.name).Steps {
				got += len(s.Packets)
			}
			if got != want {
				t.Errorf("%s: %s sends %d packets; want %d", col, tc.name, got, want)
			}
		}
	}
}

// With several servers musl asks all at once and takes what comes first, good or bad; glibc asks one after the
// other.
func TestServers(t *testing.T) {
	const first, second = "192.0.2.1", "192.0.2.2"
	tests := []struct {
		name string
		a, b string // what the first and the second server do, for A and AAAA alike
		want [5]string
	}{
		{"both answer", "data", "data-d100", [5]string{"d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6", "d1 1v4 1v6"}},
		{"the first is silent", "silence", "data-d100", [5]string{"d1 1v4 1v6 @0.1", "d1 1v4 1v6 @0.1", "d1 1v4 1v6 @0.1", "d1 1v4 1v6 @0.1", "d1 1v4 1v6 @5.1"}},
		{"the first refuses", "refused", "data-d100", [5]string{"d1 1v4 1v6 @0.1", "d1 1v4 1v6 @0.1", "d1 1v4 1v6 @0.1", "d1 1v4 1v6 @0.1", "d1 1v4 1v6 @0.1"}},
		{"a fast NXDOMAIN hides slow data", "data-d100", "nxdomain", [5]string{"NONAME", "NONAME", "NONAME", "NONAME", "d1 1v4 1v6 @0.1"}},
		{"a fast NODATA hides slow data", "data-d100", "nodata", [5]string{"NONAME", "NONAME", "NODATA", "NODATA", "d1 1v4 1v6 @0.1"}},
	}
	for _, tc := range tests {
		servers := upstream.Scripts{
			netip.MustParseAddr(first):  uniform(t, tc.a),
			netip.MustParseAddr(second): uniform(t, tc.b),
		}
		for i, col := range columns {
			r := lookupIn(t, model(t, col), "nameserver "+first+"\nnameserver "+second+"\n", stub.Both, "x.d1.test.", servers.Exchange)
			if got := show(r); got != tc.want[i] {
				t.Errorf("%s: %s = %s; want %s", col, tc.name, got, tc.want[i])
			}
		}
	}
}

// uniform is a server that treats all names alike.
func uniform(t *testing.T, label string) *upstream.Script {
	t.Helper()
	b, err := upstream.Parse(label)
	if err != nil {
		t.Fatal(err)
	}
	return &upstream.Script{Zones: []upstream.Zone{{Name: "d1.test.", Net: 1, A: b, AAAA: b}}}
}

// Nobody listens: musl's socket does not hear of it, glibc's does.
func TestNobodyListens(t *testing.T) {
	refuse := func(stub.Query) stub.Reply { return stub.Reply{Fate: stub.Refused, Delay: time.Millisecond} }
	want := [5]string{"AGAIN @5", "AGAIN @5", "AGAIN @5", "AGAIN @5", "AGAIN @0.002"}
	for i, col := range columns {
		if got := show(lookupIn(t, model(t, col), twoDomains, stub.Both, "x", refuse)); got != want[i] {
			t.Errorf("%s: nobody listens = %s; want %s", col, got, want[i])
		}
	}
}

// glibc's options for servers that cannot take two questions at once. With them, a failing A is the end: AAAA is
// never asked for.
func TestSingleRequest(t *testing.T) {
	for _, option := range []string{"single-request", "single-request-reopen"} {
		for name, want := range map[string]string{
			"data-d100.data-d100": "d1 1v4 1v6 @0.2",
			"servfail.data":       "AGAIN",
			"refused.data":        "AGAIN",
			"data.servfail":       "d1 1v4",
			"nodata.data":         "d1 1v6",
			"formerr.data":        "d1 1v6",
		} {
			got := show(lookup(t, model(t, "glibc-2.36"), "options "+option, stub.Both, name+".d1.test."))
			if got != want {
				t.Errorf("glibc-2.36: %s with %s = %s; want %s", name, option, got, want)
			}
			if got := show(lookup(t, model(t, "musl-1.2.5"), "options "+option, stub.Both, "data-d100.data-d100.d1.test.")); got != "d1 1v4 1v6 @0.1" {
				t.Errorf("musl-1.2.5 does not ignore %s: %s", option, got)
			}
		}
	}
}

// glibc's other options.
func TestGlibcOptions(t *testing.T) {
	tests := []struct {
		option, name string
		f            stub.Family
		want         string
	}{
		{"use-vc", "tcempty.data-n40", stub.Both, "d1 3v4 40v6"},
		{"use-vc", "tcempty-xclose.data", stub.Both, "AGAIN"},
		{"use-vc", "data.silence", stub.Both, "hang"},
		{"no-aaaa", "data.data", stub.Both, "d1 1v4"},
		{"no-aaaa", "data.data", stub.V4, "d1 1v4"},
		{"no-aaaa", "data.data", stub.V6, "NODATA"},
		{"no-aaaa", "nxdomain.data", stub.V6, "NONAME"},
	}
	for _, tc := range tests {
		if got := show(lookup(t, model(t, "glibc-2.36"), "options "+tc.option, tc.f, tc.name+".d1.test.")); got != tc.want {
			t.Errorf("glibc-2.36: %s, %s = %s; want %s", tc.option, tc.name, got, tc.want)
		}
	}
}
