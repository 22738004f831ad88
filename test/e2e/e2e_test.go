// Package e2e resolves names with the getaddrinfo of real C libraries, through the binary of this repository and
// with real servers behind it. Each scenario runs without muslsafe first, and must go wrong there as users report.
package e2e

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// resolvConf is that of a pod in namespace dnscheck, on a node with "search example.com".
const resolvConf = `nameserver 127.0.0.1
search dnscheck.svc.cluster.local svc.cluster.local cluster.local example.com
options ndots:5
`

// cluster is the cluster zone, as the cluster's DNS would serve it.
const cluster = `$ORIGIN cluster.local.
@                  5 IN SOA ns.dns hostmaster 1 7200 1800 86400 5
httpd.dnscheck.svc 5 IN A   10.96.7.7
`

// inCluster is a Corefile with the cluster zone in one block and the rest in the other; %s is the place of muslsafe.
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
. {
    import common
    cache 30
    forward . 127.0.0.2
}
`

const aaaaTemplate = `
. {
    bind 127.0.0.1
    errors
    %s
    template ANY AAAA {
        rcode NXDOMAIN
    }
    forward . 127.0.0.2
}
`

// scenario is a way in which a cluster breaks musl.
type scenario struct {
	about    string
	corefile string
	upstream string // configuration of dnsmasq, at 127.0.0.2
	name     string
	want     string                  // the address that every libc must get
	without  func(l lab.Libc) string // what it gets without muslsafe
}

const service, web, wrong = "10.96.7.7", "192.0.2.80", "203.0.113.66"

var scenarios = []scenario{
	{
		about:    "leak",
		corefile: inCluster,
		// The leaked name exists at the upstream, though it has no address there.
		upstream: "local=/example.com/\ntxt-record=httpd.dnscheck.svc.cluster.local.example.com,x\n",
		name:     "httpd.dnscheck.svc.cluster.local",
		want:     service,
		without: func(l lab.Libc) string {
			switch {
			case !l.Musl():
				return service
			case l.Name < "musl 1.2.4":
				return "EAI_NONAME"
			}
			return "EAI_NODATA"
		},
	},
	{
		about:    "AAAA template",
		corefile: aaaaTemplate,
		upstream: "local=/org/\nlocal=/com/\nlocal=/local/\nhost-record=www.example.org," + web + "\n",
		name:     "www.example.org",
		want:     web,
		without: func(l lab.Libc) string {
			if l.Musl() {
				return "EAI_NONAME"
			}
			return web
		},
	},
	{
		about:    "wildcard upstream",
		corefile: inCluster,
		upstream: "local=/example.com/\naddress=/example.com/" + wrong + "\n",
		name:     "httpd.dnscheck.svc.cluster.local",
		want:     service,
		without:  func(lab.Libc) string { return wrong },
	},
}

func TestScenarios(t *testing.T) {
	lab.Require(t)
	for _, s := range scenarios {
		t.Run(s.about, func(t *testing.T) {
			upstream := start(t, s)
			for _, with := range []bool{false, true} {
				t.Run(fmt.Sprintf("muslsafe=%v", with), func(t *testing.T) { check(t, s, upstream, with) })
			}
		})
	}
}

func start(t *testing.T, s scenario) *lab.Process {
	lab.ResolvConf(t, resolvConf)
	return lab.Dnsmasq(t, "listen-address=127.0.0.2\n"+s.upstream)
}

func check(t *testing.T, s scenario, upstream *lab.Process, with bool) {
	line := "# muslsafe"
	if with {
		line = "muslsafe {\n search example.com\n }"
	}
	lab.CoreDNS(t, fmt.Sprintf(s.corefile, line), map[string]string{"cluster.zone": cluster})
	before := len(upstream.Log())

	for _, libc := range lab.Libcs(t) {
		want := s.without(libc)
		if with {
			want = s.want
		}
		if got := libc.Lookup(t, s.name); !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %s = %v; want %s", libc.Name, s.name, got, want)
		}
	}
	// A question of our own, as the last one in the log, tells that the log is complete.
	last := fmt.Sprintf("last-%v.test.", with)
	if _, err := dns.Exchange(new(dns.Msg).SetQuestion(last, dns.TypeA), "127.0.0.2:53"); err != nil {
		t.Fatal(err)
	}
	upstream.Await(t, strings.TrimSuffix(last, "."))
	leaked := strings.Contains(upstream.Log()[before:], ".cluster.local.example.com")
	if isLeak := strings.HasSuffix(s.name, ".cluster.local"); leaked != (isLeak && !with) {
		t.Errorf("leaked names reached the upstream: %v; its log:\n%s", leaked, upstream.Log()[before:])
	}
}

// TestAbsentNameStaysAbsent checks the other side of the AAAA template: a name that does not exist is denied for
// both types.
func TestAbsentNameStaysAbsent(t *testing.T) {
	lab.Require(t)
	start(t, scenarios[1])
	lab.CoreDNS(t, fmt.Sprintf(aaaaTemplate, "muslsafe"), nil)
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		m, err := dns.Exchange(new(dns.Msg).SetQuestion("nope.example.org.", qtype), "127.0.0.1:53")
		if err != nil {
			t.Fatal(err)
		}
		if m.Rcode != dns.RcodeNameError {
			t.Errorf("nope.example.org. %s = %s; want NXDOMAIN", dns.TypeToString[qtype], dns.RcodeToString[m.Rcode])
		}
	}
}
