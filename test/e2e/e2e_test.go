// Package e2e resolves names with the getaddrinfo of real C libraries, through the binary of this repository and
// with real servers behind it. Each scenario runs without muslsafe first, and must go wrong there as users report.
package e2e

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// resolvConf is that of a pod in namespace dnscheck, on a node with "search example.com".
const resolvConf = `nameserver 127.0.0.1
search dnscheck.svc.cluster.local svc.cluster.local cluster.local example.com
options ndots:5
`

// clusterZone is the cluster zone, as the cluster's DNS would serve it. Namespace redis exists.
const clusterZone = `$ORIGIN cluster.local.
@                  5 IN SOA ns.dns hostmaster 1 7200 1800 86400 5
httpd.dnscheck.svc 5 IN A   10.96.7.7
db.redis.svc       5 IN A   10.96.7.9
`

// inCluster is a Corefile with the cluster zone in one block, the search domain of the node in the next and the rest
// in the last; %s is the place of muslsafe.
const inCluster = `
(common) {
    bind 127.0.0.1
    errors
    %s
}
cluster.local {
    import common
    file cluster.zone
}
example.com {
    import common
    cache 30
    forward . 127.0.0.2
}
. {
    import common
    cache 30
    forward . 127.0.0.3
}
`

const service, web, wrong = "10.96.7.7", "192.0.2.80", "203.0.113.66"

// public is the DNS of the rest of the world, at 127.0.0.3.
const public = "listen-address=127.0.0.3\nlocal=/org/\nlocal=/com/\nlocal=/local/\nhost-record=www.example.org," + web + "\n"

// patience is what a lookup may take with muslsafe. What it does take is about a second at the most; but where a server that
// has just started meets a search domain that is silent, it is 2.5 seconds until that counts as dead.
const patience = 3 * time.Second

// inFront is a Corefile with everything at 127.0.0.2 behind it; %s is the place of muslsafe and of other plugins.
const inFront = ". {\n bind 127.0.0.1\n %s\n forward . 127.0.0.2\n}\n"

// searching is the line of muslsafe where the node has a search domain.
const searching = "muslsafe {\n search example.com\n }"

// when returns a line of a Corefile, or nothing.
func when(with bool, line string) string {
	if with {
		return line
	}
	return ""
}

// serve runs CoreDNS with lines at their place in a Corefile.
func serve(t *testing.T, corefile, lines string) *lab.Process {
	t.Helper()
	return lab.CoreDNS(t, fmt.Sprintf(corefile, lines), map[string]string{"cluster.zone": clusterZone})
}

// play runs a scripted upstream at 127.0.0.2.
func play(t *testing.T, zones ...upstream.Zone) {
	t.Helper()
	upstream.Start(t, "127.0.0.2:53", &upstream.Script{Zones: zones})
}

// bothWays runs a test without muslsafe, and then with it.
func bothWays(t *testing.T, test func(t *testing.T, with bool)) {
	for _, with := range []bool{false, true} {
		t.Run(fmt.Sprintf("muslsafe=%v", with), func(t *testing.T) { test(t, with) })
	}
}

// eachLibc does something with all libcs at once.
func eachLibc(t *testing.T, do func(libc lab.Libc)) {
	t.Helper()
	libcs := lab.Libcs(t)
	lab.AtOnce(len(libcs), libcs, do)
}

// isOld reports whether this is a musl before 1.2.4, which knows no TCP.
func isOld(l lab.Libc) bool { return l.Musl() && l.Name < "musl 1.2.4" }
