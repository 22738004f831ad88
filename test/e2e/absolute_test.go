package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// unsearched are settings of pods with which musl looks a name up as it stands, and does not search for it after that.
var unsearched = []struct{ about, resolvConf, name, want string }{
	{"ndots:1, a Service with its namespace", lowered("1"), "httpd.dnscheck", service},
	{"ndots:1, a name in the search domain of the nodes", lowered("1"), "db.eu", web},
	{"ndots:2, a Service with svc", lowered("2"), "httpd.dnscheck.svc", service},
	{"ndots:3, a name that exists nowhere", lowered("3"), "a.b.c.nope.example.org", ""},
	{"a search line of more than 254 characters", tooLong, "httpd.dnscheck", service},
	{"no search line", "nameserver 127.0.0.1\n", "httpd.dnscheck.svc", service},
}

func lowered(ndots string) string { return strings.ReplaceAll(resolvConf, "ndots:5", "ndots:"+ndots) }

// tooLong has search domains that exist nowhere at its end.
var tooLong = strings.ReplaceAll(resolvConf, " example.com\n", " example.com"+strings.Repeat(" "+strings.Repeat("x", 60)+".example.com", 3)+"\n")

// TestAbsolute looks names up that glibc finds because it searches after a name was not found as it stands. musl finds them with
// absolute alone ("muslsafe=false" is without that). Without a search line, glibc needs it, too.
func TestAbsolute(t *testing.T) {
	lab.Require(t)
	lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/example.com/\nhost-record=db.eu.example.com,"+web+"\n")
	lab.Dnsmasq(t, public+"local=/dnscheck/\nlocal=/svc/\nlocal=/eu/\nlocal=/example/\n")
	for _, tc := range unsearched {
		t.Run(tc.about, func(t *testing.T) {
			lab.ResolvConf(t, tc.resolvConf)
			bothWays(t, func(t *testing.T, with bool) {
				serve(t, inCluster, "muslsafe {\n search example.com\n "+when(with, "absolute")+"\n }")
				eachLibc(t, func(libc lab.Libc) {
					isFound := with || !libc.Musl() && strings.Contains(tc.resolvConf, "search")
					got, took := libc.Lookup(t, tc.name)
					switch {
					case took > patience:
						t.Errorf("%s: %s took %v; want less than %v", libc.Name, tc.name, took, patience)
					case isFound && tc.want != "" && !slices.Equal(got, []string{tc.want}):
						t.Errorf("%s: %s = %v; want %s", libc.Name, tc.name, got, tc.want)
					case (!isFound || tc.want == "") && (len(got) != 1 || !strings.HasPrefix(got[0], "EAI_NO")):
						t.Errorf("%s: %s = %v; want that there is no such host", libc.Name, tc.name, got)
					}
				})
			})
		})
	}
}
