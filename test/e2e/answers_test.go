package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestFailuresInTheCache shows why the README recommends "servfail 0": an upstream that fails once for each half is asked
// again by musl at once, unless the cache answers with the failure for as long as musl has patience.
func TestFailuresInTheCache(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	play(t, upstream.Zone{Name: "plain.test.", Net: 1, Scripted: true})
	for _, tc := range []struct{ cache, want string }{
		{"cache 30", "EAI_AGAIN"},
		{"cache 30 {\n servfail 0\n }", "198.18.4.1"},
	} {
		t.Run(tc.cache, func(t *testing.T) {
			serve(t, inFront, "muslsafe\n "+tc.cache)
			eachLibc(t, func(libc lab.Libc) {
				if !libc.Musl() {
					return // glibc does not ask again
				}
				name := fmt.Sprintf("data-f1servfail.nodata-f1servfail.%s-%d.plain.test.", label(libc), len(tc.cache))
				if got, _ := libc.Lookup(t, name); !slices.Equal(got, []string{tc.want}) {
					t.Errorf("%s: %v; want %s", libc.Name, got, tc.want)
				}
			})
		})
	}
}

// big are answers that do not fit 512 bytes, as real zones have them, and whether musl before 1.2.4 finds an address in them
// without muslsafe and with it.
var big = []struct {
	behaviour     string
	without, with bool
}{
	{"data-n100", true, true},
	{"data-c10-l60-n30", false, true},
	{"data-c20-l60-n5", false, true},
	{"tcempty", false, true},
	{"tcsome", true, true},
	{"tcsome-xclose", true, true},
	{"tcempty-xclose", false, false},
}

// TestBigAnswers looks up names with big answers. Without muslsafe, musl before 1.2.4 finds nothing in some of them. With it,
// it finds addresses wherever a server can get them, and the others find as many as before.
func TestBigAnswers(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	play(t, upstream.Zone{Name: "plain.test.", Net: 1, Scripted: true}, upstream.Zone{Name: upstream.LinkZone, Net: 4})
	before := map[string]int{} // addresses that the others find, by libc and behaviour
	bothWays(t, func(t *testing.T, with bool) {
		serve(t, inFront, when(with, "muslsafe")+"\n cache 30 {\n servfail 0\n }")
		for _, libc := range lab.Libcs(t) {
			for _, b := range big {
				// No two lookups share a name, and so an entry of the cache that came over TCP.
				got := found(t, libc, fmt.Sprintf("%s.nodata.%s.plain.test.", b.behaviour, label(libc)))
				t.Logf("%s: %s has %d addresses", libc.Name, b.behaviour, got)
				key := libc.Name + " " + b.behaviour
				want := with && b.with || !with && b.without
				switch {
				case isOld(libc) && (got > 0) != want:
					t.Errorf("%s: %s = %d addresses; want some: %v", libc.Name, b.behaviour, got, want)
				case !with:
					before[key] = got
				case !isOld(libc) && got < before[key]:
					t.Errorf("%s: %s = %d addresses; want %d, as without muslsafe", libc.Name, b.behaviour, got, before[key])
				}
			}
		}
	})
}

// found returns how many addresses a lookup finds.
func found(t *testing.T, libc lab.Libc, name string) int {
	t.Helper()
	got, _ := libc.Lookup(t, name)
	if strings.HasPrefix(got[0], "EAI_") {
		return 0
	}
	return len(got)
}

// label is the name of a libc as a label of a domain name.
func label(libc lab.Libc) string { return strings.NewReplacer(" ", "-", ".", "-").Replace(libc.Name) }

// TestSearchDot has a node whose resolv.conf says "search .".
func TestSearchDot(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "nameserver 127.0.0.1\nsearch .\noptions ndots:5\n")
	lab.Dnsmasq(t, public)
	bothWays(t, func(t *testing.T, with bool) {
		serve(t, ". {\n bind 127.0.0.1\n %s\n forward . 127.0.0.3\n}\n", when(with, "muslsafe {\n dot\n }"))
		eachLibc(t, func(libc lab.Libc) {
			want := web
			if !with && isOld(libc) {
				want = "EAI_AGAIN"
			}
			got, took := libc.Lookup(t, "www.example.org")
			if !slices.Equal(got, []string{want}) || with && took > patience {
				t.Errorf("%s: %v after %v; want %s", libc.Name, got, took, want)
			}
		})
	})
}
