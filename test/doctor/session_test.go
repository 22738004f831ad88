package doctor

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

var (
	write   = flag.Bool("write", false, "write the sessions into the README anew")
	picture = flag.String("picture", "", "write a picture of the session to this file, as SVG")
)

const readme = "../../README.md"

// behind is the DNS behind the cluster's: the cluster zone, a search domain that never says NXDOMAIN, and a host.
const behind = `(common) {
    bind 192.0.2.53
}
cluster.local {
    import common
    file cluster.zone
}
corp.example.com {
    import common
    template ANY ANY {
        rcode NOERROR
        authority "{{ .Zone }} 30 IN SOA ns.example.com. hostmaster.example.com. 1 7200 1800 86400 30"
    }
}
example.org {
    import common
    hosts {
        192.0.2.80 www.example.org
    }
}
. {
    import common
    template ANY ANY {
        rcode NXDOMAIN
        authority ". 30 IN SOA ns.example.com. hostmaster.example.com. 1 7200 1800 86400 30"
    }
}
`

// clusterZone has one service.
const clusterZone = `$ORIGIN cluster.local.
@                  5 IN SOA ns.dns hostmaster 1 7200 1800 86400 5
httpd.dnscheck.svc 5 IN A   10.96.7.7
`

// cluster is the cluster's DNS; %s is the place of muslsafe.
const cluster = `. {
    bind 10.96.0.10
    %s
    cache 30
    forward . 192.0.2.53
}
`

var console = lab.Fence("console")

// TestReadmeSession runs the sessions of the README in a pod, the first one without muslsafe and a second one with
// it, and compares what doctor writes.
func TestReadmeSession(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, pod)
	lab.CoreDNS(t, behind, map[string]string{"cluster.zone": clusterZone})
	text := lab.ReadFile(t, readme)
	n := len(console.FindAllString(text, -1))
	if n != 1 && n != 2 {
		t.Fatalf("%d sessions in the README; want one without muslsafe and perhaps one with it", n)
	}
	got := text
	for i, with := range []string{"", "muslsafe {\n search corp.example.com\n }"}[:n] {
		server := lab.CoreDNS(t, fmt.Sprintf(cluster, with), nil)
		at := console.FindAllStringSubmatchIndex(got, -1)[i]
		got = got[:at[2]] + replay(t, got[at[2]:at[3]]) + got[at[3]:]
		if i == 0 && *picture != "" {
			draw(t, *picture)
		}
		server.Stop()
	}
	if *write {
		lab.WriteFile(t, readme, got)
		return
	}
	if got != text {
		t.Errorf("the sessions are now:\n%s", strings.Join(console.FindAllString(got, -1), "\n"))
	}
}

// replay runs the commands of a session and returns it with what they write now.
func replay(t *testing.T, session string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(session) {
		command, ok := strings.CutPrefix(line, "$ doctor ")
		if !ok {
			continue
		}
		_, out, errs := doctor(t, strings.Fields(command)...)
		b.WriteString(line + atOnceIsZero(out) + errs)
	}
	return b.String()
}

// draw writes a picture of a terminal with the session in it.
func draw(t *testing.T, file string) {
	t.Helper()
	const command = "www.example.org httpd.dnscheck.svc.cluster.local"
	_, out, _ := doctor(t, append([]string{"-color", "always"}, strings.Fields(command)...)...)
	lab.WriteFile(t, file, string(terminal("$ doctor "+command+"\n"+atOnceIsZero(out))))
}

var lessThanASecond = regexp.MustCompile(`\b0\.\d s`)

// atOnceIsZero writes all times below a second as 0: they are those of this machine, and never the same twice.
func atOnceIsZero(out string) string { return lessThanASecond.ReplaceAllString(out, "0.0 s") }
