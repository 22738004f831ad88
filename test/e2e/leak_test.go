package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestNothingLeaks reads the query log of the upstream: without muslsafe the leaked name gets there, and with it, it
// does not.
func TestNothingLeaks(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	company := lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/example.com/\n")
	bothWays(t, func(t *testing.T, with bool) {
		before := len(company.Log())
		serve(t, inCluster, when(with, searching))
		for _, libc := range lab.Libcs(t) {
			_, _ = libc.Lookup(t, "httpd.dnscheck.svc.cluster.local")
		}
		// A question of our own, as the last one in the log, tells that the log is complete.
		last := fmt.Sprintf("last-%v.example.com.", with)
		if _, err := dns.Exchange(new(dns.Msg).SetQuestion(last, dns.TypeA), "127.0.0.2:53"); err != nil {
			t.Fatal(err)
		}
		company.Await(t, strings.TrimSuffix(last, "."))
		if leaked := strings.Contains(company.Log()[before:], ".cluster.local.example.com"); leaked == with {
			t.Errorf("leaked names reached the upstream: %v; its log:\n%s", leaked, company.Log()[before:])
		}
	})
}

// TestServicesStayThemselves has a Kubernetes API that is out of reach, so that the cluster zone fails, and a host of the
// same name as a service in the search domain of the node. musl must not get that host.
func TestServicesStayThemselves(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/example.com/\nhost-record=httpd.example.com,"+wrong+"\n")
	serve(t, strings.Replace(inCluster, "file cluster.zone", "template IN ANY cluster.local {\n rcode SERVFAIL\n }", 1), searching)
	eachLibc(t, func(libc lab.Libc) {
		if !libc.Musl() {
			return // glibc searches on after a failure, whatever a server says
		}
		if got, _ := libc.Lookup(t, "httpd"); !slices.Equal(got, []string{"EAI_AGAIN"}) {
			t.Errorf("%s: httpd = %v; want a temporary failure", libc.Name, got)
		}
	})
}
