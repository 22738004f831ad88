package matrix

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

func TestWant(t *testing.T) {
	const (
		data, nodata, nxdomain   = upstream.Data, upstream.NoData, upstream.NXDomain
		servfail, refused        = upstream.ServFail, upstream.Refused
		formerr, silence, tcsome = upstream.FormErr, upstream.Silence, upstream.TCSome

		firstSoon  = "address of the first domain within 1.5s"
		secondSoon = "address of the second domain within 1.5s"
		fails      = "temporary failure"
		goesOn     = "address of the second domain or temporary failure"
		stops      = "no such host or temporary failure"
	)
	tests := []struct {
		about                string
		a, aaaa              upstream.Answer
		domain               string
		musl, oldMusl, glibc string // of one name
	}{
		{"both", data, data, firstSoon, firstSoon, firstSoon, firstSoon},
		{"A alone", data, nxdomain, firstSoon, firstSoon, firstSoon, firstSoon},
		{"AAAA alone", nxdomain, data, firstSoon, firstSoon, firstSoon, firstSoon},
		{"address beside silence", data, silence, firstSoon, firstSoon, firstSoon, firstSoon},
		{"address over TCP beside a failure", servfail, tcsome, firstSoon, firstSoon, firstSoon, firstSoon},
		{"no address", nodata, nodata, secondSoon, secondSoon, secondSoon, secondSoon},
		{"no address, not even a name for AAAA", nodata, nxdomain, secondSoon, secondSoon, secondSoon, secondSoon},
		{"no such name", nxdomain, nxdomain, secondSoon, secondSoon, secondSoon, secondSoon},
		{"no such name, and AAAA is silent", nxdomain, silence, secondSoon, secondSoon, secondSoon, secondSoon},
		{"A fails, and AAAA knows no name", servfail, nxdomain, secondSoon, fails, fails, goesOn},
		{"A fails, and AAAA has no address", silence, nodata, secondSoon, fails, fails, goesOn},
		{"AAAA fails, and A has no address", nodata, refused, secondSoon, fails, "no such host", goesOn},
		{"both fail", servfail, servfail, secondSoon, fails, fails, goesOn},
		{"both are refused", refused, refused, secondSoon, fails, fails, stops},
		{"one is refused", servfail, refused, secondSoon, fails, fails, "address of the second domain or no such host or temporary failure"},
		{"A is a format error, and AAAA knows no name", formerr, nxdomain, secondSoon, fails, fails, "address of the second domain or no such host or temporary failure"},
		{"one is a format error", nodata, formerr, secondSoon, fails, "no such host", stops},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			p := Pair{tc.a, tc.aaaa}
			for libc, want := range map[Libc]string{Musl: tc.musl, OldMusl: tc.oldMusl, Glibc: tc.glibc} {
				if got := Name.Want(p, libc).String(); got != want {
					t.Errorf("one name, libc %d: %s; want %s", libc, got, want)
				}
				if got := Domain.Want(p, libc).String(); got != tc.domain {
					t.Errorf("whole domain, libc %d: %s; want %s", libc, got, tc.domain)
				}
			}
		})
	}
}

func TestRead(t *testing.T) {
	tests := []struct {
		about, err string
		addrs      []string
		want       Outcome
	}{
		{"first domain", "OK", []string{"198.18.4.1", "2001:db8:1::1"}, FromFirst},
		{"second domain", "OK", []string{"198.18.8.1", "2001:db8:2::1"}, FromSecond},
		{"both domains", "OK", []string{"198.18.4.1", "2001:db8:2::1"}, Broken},
		{"another address", "OK", []string{"192.0.2.1"}, Broken},
		{"success without an address", "OK", nil, Broken},
		{"failure", "EAI_AGAIN", nil, Fails},
		{"no such name", "EAI_NONAME", nil, Absent},
		{"no address", "EAI_NODATA", nil, Absent},
		{"hang", "hang", nil, Broken},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			var addrs []netip.Addr
			for _, addr := range tc.addrs {
				addrs = append(addrs, netip.MustParseAddr(addr))
			}
			if got := Read(tc.err, addrs); got != tc.want {
				t.Errorf("Read = %v; want %v", got, tc.want)
			}
		})
	}
}

// TestFailuresWithoutMuslsafe holds that nothing more is wanted of muslsafe for a name that fails than what each libc does
// without it, whichever half is answered first, and nothing that it never does but to say that it fails.
func TestFailuresWithoutMuslsafe(t *testing.T) {
	for model, libc := range map[string]Libc{"musl-1.2.0": OldMusl, "musl-1.2.3": Musl, "musl-1.2.5": Musl, "glibc-2.36": Glibc} {
		m, ok := stub.Find(model)
		if !ok {
			t.Fatalf("no model of %s", model)
		}
		for _, p := range Pairs() {
			want := Name.Want(p, libc)
			if want.Soon {
				continue
			}
			seen := map[Outcome]bool{Fails: true}
			for _, delays := range [][2]time.Duration{{0, 0}, {later, 0}, {0, later}} {
				for _, silent := range []time.Duration{0, timeout} {
					got := stock(t, m, p, delays, silent)
					if seen[got] = true; !want.Admits(got, 0) {
						t.Errorf("%s: %v = %v; want %v", model, p, got, want)
					}
				}
			}
			for _, o := range want.Outcomes {
				if !seen[o] {
					t.Errorf("%s: %v may become %v, which it never does; want no more than it does", model, p, o)
				}
			}
		}
	}
}

const (
	later   = 50 * time.Millisecond // than the other half
	timeout = 4 * time.Second       // of forward, which answers SERVFAIL to what is silent; a cache then does so at once
)

// stock is what a libc makes of one name behind CoreDNS without muslsafe, which answers after some time, and to what is
// silent after some more.
func stock(t *testing.T, m *stub.Model, p Pair, delays [2]time.Duration, silent time.Duration) Outcome {
	t.Helper()
	conf, err := m.ParseResolvConf(strings.NewReader("nameserver 127.0.0.1\nsearch d1.test d2.test\noptions ndots:5\n"))
	if err != nil {
		t.Fatal(err)
	}
	z := Name.Zone("host.d1.test.", p)
	for i, b := range []*upstream.Behaviour{&z.A, &z.AAAA} {
		b.Delay = delays[i]
		if b.Answer == upstream.Silence {
			b.Answer, b.Delay = upstream.ServFail, b.Delay+silent
		}
	}
	script := upstream.Script{Zones: []upstream.Zone{z, SecondZone("d2.test.")}}
	result := m.Lookup(conf, "host", stub.Both, script.Exchange)
	return Read(result.Err.String(), slices.Concat(result.V4, result.V6))
}

// TestAdmits has a time limit where there is an answer, and none for a failure, which takes as long as the libc waits.
func TestAdmits(t *testing.T) {
	soon, late := InTime, InTime+time.Millisecond
	tests := []struct {
		about string
		want  Want
		got   Outcome
		took  time.Duration
		ok    bool
	}{
		{"in time", Want{[]Outcome{FromFirst}, true}, FromFirst, soon, true},
		{"late", Want{[]Outcome{FromFirst}, true}, FromFirst, late, false},
		{"another host", Want{[]Outcome{FromFirst}, true}, FromSecond, soon, false},
		{"late failure", Want{[]Outcome{Fails}, false}, Fails, late, true},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			if got := tc.want.Admits(tc.got, tc.took); got != tc.ok {
				t.Errorf("Admits(%v, %v) = %v; want %v", tc.got, tc.took, got, tc.ok)
			}
		})
	}
}

func TestPairs(t *testing.T) {
	seen := map[Pair]bool{}
	for _, p := range Pairs() {
		seen[p] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d pairs; want 100", len(seen))
	}
}
