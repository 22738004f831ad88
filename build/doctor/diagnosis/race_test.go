package diagnosis

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var (
	first  = netip.MustParseAddr("192.0.2.53")
	second = netip.MustParseAddr("192.0.2.54")
)

// between returns a Doctor with two servers, each of which answers for www.example.org in its own way: A and AAAA, a network, and
// further zones of both.
func between(t *testing.T, search string, one, other upstream.Zone, both ...upstream.Zone) *Doctor {
	t.Helper()
	conf := "nameserver " + first.String() + "\nnameserver " + second.String() + "\nnameserver " + first.String() + "\n" + search
	d := behind(t, conf)
	d.world.ask = upstream.Scripts{
		first:  {Zones: append([]upstream.Zone{one}, both...)},
		second: {Zones: append([]upstream.Zone{other}, both...)},
	}.Exchange
	return d
}

// host returns what a server says to A and AAAA of www.example.org.
func host(t *testing.T, net byte, a, aaaa string) upstream.Zone {
	t.Helper()
	z := upstream.Zone{Name: "www.example.org.", Host: true, Net: net}
	for _, half := range []struct {
		to   *upstream.Behaviour
		word string
	}{{&z.A, a}, {&z.AAAA, aaaa}} {
		b, err := upstream.Parse(half.word)
		if err != nil {
			t.Fatal(err)
		}
		*half.to = b
	}
	return z
}

func TestNameservers(t *testing.T) {
	const anyMusl = "1.2.0 1.2.3 1.2.4 1.2.5"
	tests := []struct {
		about      string
		one, other [2]string // A and AAAA
		want       string
	}{
		{"they agree", [2]string{"data", "nodata"}, [2]string{"data", "nodata"}, ""},
		{"one denies the name", [2]string{"data", "data"}, [2]string{"nxdomain", "nxdomain"}, "nameservers " + anyMusl},
		{"the first one denies it, and glibc believes it", [2]string{"nxdomain", "nxdomain"}, [2]string{"data", "nodata"}, "nameservers " + anyMusl + " glibc-2.36"},
		{"one has no address", [2]string{"data", "nodata"}, [2]string{"nodata", "nodata"}, "nameservers " + anyMusl},
		{"one has no AAAA", [2]string{"data", "data"}, [2]string{"data", "nodata"}, "nameservers " + anyMusl},
		{"one denies AAAA", [2]string{"data", "nodata"}, [2]string{"data", "nxdomain"}, "nameservers 1.2.3 1.2.4 1.2.5"},
		{"one denies AAAA, and is first", [2]string{"data", "nxdomain"}, [2]string{"data", "nodata"}, "nameservers 1.2.3 1.2.4 1.2.5; pair 1.2.3 1.2.4 1.2.5"},
		{"one fails", [2]string{"data", "nodata"}, [2]string{"servfail", "servfail"}, ""},
		{"the first one is silent", [2]string{"silence", "silence"}, [2]string{"data", "nodata"}, "dead-nameserver glibc-2.36"},
		{"the second one is silent", [2]string{"data", "nodata"}, [2]string{"silence", "silence"}, ""},
		{"the first one is silent, and nobody has the name", [2]string{"silence", "silence"}, [2]string{"nxdomain", "nxdomain"}, "dead-nameserver glibc-2.36"},
		{"both are silent", [2]string{"silence", "silence"}, [2]string{"silence", "silence"}, "outage " + anyMusl + " glibc-2.36; unclear"},
		{"one refuses", [2]string{"refused", "refused"}, [2]string{"data", "nodata"}, ""},
		{"both deny it", [2]string{"nxdomain", "nxdomain"}, [2]string{"nxdomain", "nxdomain"}, "unclear"},
		{"none has an address, and they say so in different ways", [2]string{"nxdomain", "nxdomain"}, [2]string{"nodata", "nodata"}, "unclear"},
		{"late, and another answer", [2]string{"data", "nodata"}, [2]string{"nxdomain-d400", "nxdomain-d400"}, "nameservers " + anyMusl},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			d := between(t, "search x.test\n", host(t, 1, tc.one[0], tc.one[1]), host(t, 1, tc.other[0], tc.other[1]))
			if got := show(d.Examine("www.example.org.")); got != tc.want {
				t.Errorf("%s; want %s", got, tc.want)
			}
		})
	}
}

// In a search, what one server says to a name of the search list decides for all that comes behind it.
func TestNameserversInSearch(t *testing.T) {
	www := host(t, 1, "data", "nodata")
	d := between(t, "search corp.test\noptions ndots:5\n", all("corp.test.", 2, "nxdomain"), all("corp.test.", 2, "nodata"), www)
	r := d.Examine("www.example.org")
	if got := show(r); got != "nameservers 1.2.0 1.2.3 1.2.4 1.2.5" || r.Hazards[0].Question != "www.example.org.corp.test." {
		t.Errorf("%s for %s; want the servers to be blamed, for the name in the search domain", got, r.Hazards[0].Question)
	}
}

// Addresses that differ are a hazard if one of them is private: two servers of a content network are none.
func TestAlike(t *testing.T) {
	lookup := func(step string, err stub.Errno, addrs ...string) Lookup {
		l := Lookup{Result: stub.Result{Err: err, Steps: []stub.Step{{Name: step}}}}
		for _, text := range addrs {
			if a := netip.MustParseAddr(text); a.Is4() {
				l.Result.V4 = append(l.Result.V4, a)
			} else {
				l.Result.V6 = append(l.Result.V6, a)
			}
		}
		return l
	}
	public := lookup("a.", stub.OK, "192.0.2.1")
	for _, tc := range []struct {
		about string
		b     Lookup
		want  bool
	}{
		{"the same", public, true},
		{"another public address", lookup("a.", stub.OK, "198.51.100.1"), true},
		{"one shared with a private one", lookup("a.", stub.OK, "10.0.0.1", "192.0.2.1"), true},
		{"a private address", lookup("a.", stub.OK, "10.0.0.1"), false},
		{"another name of the search", lookup("b.", stub.OK, "192.0.2.1"), false},
		{"the other family as well", lookup("a.", stub.OK, "192.0.2.1", "2001:db8::1"), false},
		{"an error", lookup("a.", stub.NoName), false},
	} {
		if got := alike(public, tc.b); got != tc.want {
			t.Errorf("%s: alike = %v; want %v", tc.about, got, tc.want)
		}
	}
	if !alike(lookup("a.", stub.NoName), lookup("b.", stub.NoName)) || alike(lookup("a.", stub.NoName), lookup("a.", stub.Again)) {
		t.Error("errors are compared by their kind alone")
	}
}

// TestRaceWords holds what is said of each libc, and who is first.
func TestRaceWords(t *testing.T) {
	d := between(t, "", host(t, 1, "data-d30", "nodata-d30"), host(t, 1, "nxdomain", "nxdomain"))
	r := d.Race("www.example.org")
	h, ok := r.contested()
	const want = "gets 198.18.4.1 if 192.0.2.53 is first; no such host (EAI_NONAME) if 192.0.2.54 is first"
	if !ok || len(h.Harms) != 4 || h.Harms[3].Effect != want {
		t.Errorf("harms %+v; want %s for each musl", h.Harms, want)
	}
	if len(h.Answers) != 4 || !strings.HasSuffix(h.Answers[1].Says, "NXDOMAIN, from 192.0.2.54, the first this time") {
		t.Errorf("answers %+v; want those of both servers, and the second to be first", h.Answers)
	}
	n := len(r.Questions)
	if got := r.Tallies(); !slices.Equal(got, []Tally{{0, n}, {n, n}}) {
		t.Errorf("tallies %v; want the second server to be the first for all %d", got, n)
	}
}
