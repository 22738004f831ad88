package e2e

import (
	"slices"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const aaaaTemplate = `
. {
    bind 127.0.0.1
    errors
    %s
    template ANY AAAA {
        rcode NXDOMAIN
    }
    forward . 127.0.0.3
}
`

// scenario is a way in which a cluster breaks musl.
type scenario struct {
	about    string
	corefile string
	company  func(t *testing.T) // starts the DNS of example.com, at 127.0.0.2
	name     string
	want     string                  // the address that every libc must get
	without  func(l lab.Libc) string // what it gets without muslsafe
}

var scenarios = []scenario{
	{
		about:    "leak",
		corefile: inCluster,
		// The leaked name exists at the upstream, though it has no address there.
		company: dnsmasq("local=/example.com/\ntxt-record=httpd.dnscheck.svc.cluster.local.example.com,x\n"),
		name:    "httpd.dnscheck.svc.cluster.local",
		want:    service,
		without: fails("EAI_NONAME", "EAI_NODATA", service),
	},
	{
		about:    "AAAA template",
		corefile: aaaaTemplate,
		company:  dnsmasq(""),
		name:     "www.example.org",
		want:     web,
		without:  fails("EAI_NONAME", "EAI_NONAME", web),
	},
	{
		about:    "wildcard upstream",
		corefile: inCluster,
		company:  dnsmasq("local=/example.com/\naddress=/example.com/" + wrong + "\n"),
		name:     "httpd.dnscheck.svc.cluster.local",
		want:     service,
		without:  fails(wrong, wrong, wrong),
	},
	{
		about:    "search domain that never says NXDOMAIN",
		corefile: inCluster,
		company:  scripted(compactDenial),
		name:     "www.example.org",
		want:     web,
		without:  fails("EAI_NONAME", "EAI_NODATA", web),
	},
	{
		about:    "search domain that is refused",
		corefile: inCluster,
		company:  unbound("local-zone: example.com always_refuse"),
		name:     "www.example.org",
		want:     web,
		without:  fails("EAI_AGAIN", "EAI_AGAIN", web),
	},
	{
		about:    "search domain that is silent",
		corefile: inCluster,
		company:  scripted(func(*dns.Msg) *dns.Msg { return nil }),
		name:     "www.example.org",
		want:     web,
		without:  fails("EAI_AGAIN", "EAI_AGAIN", web),
	},
	{
		about:    "load balancer that drops AAAA",
		corefile: inCluster,
		company:  scripted(dropsAAAA),
		name:     "lb.example.com",
		want:     wrong,
		without:  fails("EAI_AGAIN", "EAI_AGAIN", wrong),
	},
	{
		about:    "short name that is a namespace too",
		corefile: inCluster,
		company:  dnsmasq("local=/example.com/\nhost-record=redis.example.com," + web + "\n"),
		name:     "redis",
		want:     web,
		without:  fails("EAI_NONAME", "EAI_NODATA", web),
	},
}

// fails is what musl gets before 1.2.4 and from then on, and what glibc gets.
func fails(before, since, glibc string) func(lab.Libc) string {
	return func(l lab.Libc) string {
		switch {
		case !l.Musl():
			return glibc
		case isOld(l):
			return before
		}
		return since
	}
}

func TestScenarios(t *testing.T) {
	lab.Require(t)
	for _, s := range scenarios {
		t.Run(s.about, func(t *testing.T) {
			lab.ResolvConf(t, resolvConf)
			s.company(t)
			bothWays(t, func(t *testing.T, with bool) { check(t, s, with) })
		})
	}
}

func check(t *testing.T, s scenario, with bool) {
	lab.Dnsmasq(t, public)
	serve(t, s.corefile, when(with, searching))
	eachLibc(t, func(libc lab.Libc) {
		want := s.want
		if !with {
			want = s.without(libc)
		}
		got, took := libc.Lookup(t, s.name)
		if !slices.Equal(got, []string{want}) {
			t.Errorf("%s: %s = %v; want %s", libc.Name, s.name, got, want)
		}
		if with && took > patience {
			t.Errorf("%s: %s took %v; want less than %v", libc.Name, s.name, took, patience)
		}
		t.Logf("%s: %v after %v", libc.Name, got, took)
	})
}

// TestAbsentNameStaysAbsent checks the other side of the AAAA template: a name that does not exist is denied for
// both types.
func TestAbsentNameStaysAbsent(t *testing.T) {
	lab.Require(t)
	lab.Dnsmasq(t, public)
	serve(t, aaaaTemplate, searching)
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
