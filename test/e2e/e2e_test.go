// Package e2e resolves names with the getaddrinfo of real C libraries, through the binary of this repository and
// with real servers behind it. Each scenario runs without muslsafe first, and must go wrong there as users report.
package e2e

import (
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

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

const service, web, wrong = "10.96.7.7", "192.0.2.80", "203.0.113.66"

// public is the DNS of the rest of the world, at 127.0.0.3.
const public = "listen-address=127.0.0.3\nlocal=/org/\nlocal=/com/\nlocal=/local/\nhost-record=www.example.org," + web + "\n"

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
		case l.Name < "musl 1.2.4":
			return before
		}
		return since
	}
}

func dnsmasq(config string) func(t *testing.T) {
	return func(t *testing.T) { lab.Dnsmasq(t, "listen-address=127.0.0.2\n"+config) }
}

func unbound(zone string) func(t *testing.T) {
	return func(t *testing.T) { lab.Unbound(t, "interface: 127.0.0.2\n"+zone) }
}

// scripted is a server that answers by a function; nil is silence.
func scripted(answer func(r *dns.Msg) *dns.Msg) func(t *testing.T) {
	return func(t *testing.T) {
		conn, err := net.ListenPacket("udp", "127.0.0.2:53")
		if err != nil {
			t.Fatal(err)
		}
		server := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
			if m := answer(r); m != nil {
				_ = w.WriteMsg(m)
			}
		})}
		done := make(chan error, 1)
		go func() { done <- server.ActivateAndServe() }()
		t.Cleanup(func() {
			_ = conn.Close()
			<-done
		})
	}
}

// compactDenial answers every name as existing and without records (RFC 9824).
func compactDenial(r *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(r)
	soa, err := dns.NewRR("example.com. 1800 IN SOA ns.example.com. dns.example.com. 1 10000 2400 604800 1800")
	if err != nil {
		panic(err)
	}
	m.Ns = []dns.RR{soa}
	return m
}

// dropsAAAA knows lb.example.com, says nothing to AAAA, and denies the rest.
func dropsAAAA(r *dns.Msg) *dns.Msg {
	switch q := r.Question[0]; {
	case q.Name != "lb.example.com.":
		return new(dns.Msg).SetRcode(r, dns.RcodeNameError)
	case q.Qtype == dns.TypeA:
		m := new(dns.Msg).SetReply(r)
		m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 60}, A: net.ParseIP(wrong)}}
		return m
	}
	return nil
}

// patience is what a lookup may take with muslsafe: less than the 2.5 seconds after which musl asks again. What it
// does take is about a second at the most.
const patience = 2500 * time.Millisecond

func TestScenarios(t *testing.T) {
	lab.Require(t)
	for _, s := range scenarios {
		t.Run(s.about, func(t *testing.T) {
			lab.ResolvConf(t, resolvConf)
			s.company(t)
			for _, with := range []bool{false, true} {
				t.Run(fmt.Sprintf("muslsafe=%v", with), func(t *testing.T) { check(t, s, with) })
			}
		})
	}
}

func check(t *testing.T, s scenario, with bool) {
	lab.Dnsmasq(t, public)
	serve(t, s.corefile, with)
	var wg sync.WaitGroup
	for _, libc := range lab.Libcs(t) {
		want := s.without(libc)
		if with {
			want = s.want
		}
		wg.Go(func() {
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
	wg.Wait()
}

func serve(t *testing.T, corefile string, with bool) {
	line := "# muslsafe"
	if with {
		line = "muslsafe {\n search example.com\n }"
	}
	lab.CoreDNS(t, fmt.Sprintf(corefile, line), map[string]string{"cluster.zone": clusterZone})
}

// TestNothingLeaks reads the query log of the upstream: without muslsafe the leaked name gets there, and with it, it
// does not.
func TestNothingLeaks(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	upstream := lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/example.com/\n")
	for _, with := range []bool{false, true} {
		t.Run(fmt.Sprintf("muslsafe=%v", with), func(t *testing.T) {
			before := len(upstream.Log())
			serve(t, inCluster, with)
			for _, libc := range lab.Libcs(t) {
				_, _ = libc.Lookup(t, "httpd.dnscheck.svc.cluster.local")
			}
			// A question of our own, as the last one in the log, tells that the log is complete.
			last := fmt.Sprintf("last-%v.example.com.", with)
			if _, err := dns.Exchange(new(dns.Msg).SetQuestion(last, dns.TypeA), "127.0.0.2:53"); err != nil {
				t.Fatal(err)
			}
			upstream.Await(t, strings.TrimSuffix(last, "."))
			if leaked := strings.Contains(upstream.Log()[before:], ".cluster.local.example.com"); leaked == with {
				t.Errorf("leaked names reached the upstream: %v; its log:\n%s", leaked, upstream.Log()[before:])
			}
		})
	}
}

// TestAbsentNameStaysAbsent checks the other side of the AAAA template: a name that does not exist is denied for
// both types.
func TestAbsentNameStaysAbsent(t *testing.T) {
	lab.Require(t)
	lab.Dnsmasq(t, public)
	serve(t, aaaaTemplate, true)
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

// TestServicesStayThemselves has a Kubernetes API that is out of reach, so that the cluster zone fails, and a host of the
// same name as a service in the search domain of the node. musl must not get that host.
func TestServicesStayThemselves(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/example.com/\nhost-record=httpd.example.com,"+wrong+"\n")
	serve(t, strings.Replace(inCluster, "file cluster.zone", "template IN ANY cluster.local {\n rcode SERVFAIL\n }", 1), true)
	var wg sync.WaitGroup
	for _, libc := range lab.Libcs(t) {
		if !libc.Musl() {
			continue // glibc searches on after a failure, whatever a server says
		}
		wg.Go(func() {
			if got, _ := libc.Lookup(t, "httpd"); !slices.Equal(got, []string{"EAI_AGAIN"}) {
				t.Errorf("%s: httpd = %v; want a temporary failure", libc.Name, got)
			}
		})
	}
	wg.Wait()
}

// TestFailuresInTheCache shows why the README recommends "servfail 0": an upstream that fails once for each half is asked
// again by musl at once, unless the cache answers with the failure for as long as musl has patience.
func TestFailuresInTheCache(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	server, err := upstream.Serve("127.0.0.2:53", &upstream.Script{Zones: []upstream.Zone{{Name: "plain.test.", Net: 1, Scripted: true}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	for _, tc := range []struct{ cache, want string }{
		{"cache 30", "EAI_AGAIN"},
		{"cache 30 {\n servfail 0\n }", "198.18.4.1"},
	} {
		t.Run(tc.cache, func(t *testing.T) {
			lab.CoreDNS(t, ". {\n bind 127.0.0.1\n muslsafe\n "+tc.cache+"\n forward . 127.0.0.2\n}\n", nil)
			var wg sync.WaitGroup
			for i, libc := range lab.Libcs(t) {
				if !libc.Musl() {
					continue // glibc does not ask again
				}
				wg.Go(func() {
					name := fmt.Sprintf("data-f1servfail.nodata-f1servfail.t%d-%d.plain.test.", i, len(tc.cache))
					if got, _ := libc.Lookup(t, name); !slices.Equal(got, []string{tc.want}) {
						t.Errorf("%s: %v; want %s", libc.Name, got, tc.want)
					}
				})
			}
			wg.Wait()
		})
	}
}

// TestBigAnswers has answers that do not fit 512 bytes, as real zones have them. Without muslsafe, musl before 1.2.4 finds
// nothing in some of them. With it, it finds addresses wherever a server can get them, and the others find as many as before.
func TestBigAnswers(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	server, err := upstream.Serve("127.0.0.2:53", &upstream.Script{Zones: []upstream.Zone{
		{Name: "plain.test.", Net: 1, Scripted: true}, {Name: upstream.LinkZone, Net: 4},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	cases := []struct {
		behaviour string
		old       [2]bool // musl before 1.2.4 finds an address, without and with
	}{
		{"data-n100", [2]bool{true, true}},
		{"data-c10-l60-n30", [2]bool{false, true}},
		{"data-c20-l60-n5", [2]bool{false, true}},
		{"tcempty", [2]bool{false, true}},
		{"tcsome", [2]bool{true, true}},
		{"tcsome-xclose", [2]bool{true, true}},
		{"tcempty-xclose", [2]bool{false, false}},
	}
	counts := map[string][2]int{}
	for i := range 2 {
		with := i == 1
		t.Run(fmt.Sprintf("muslsafe=%v", with), func(t *testing.T) {
			line := map[bool]string{false: "", true: "muslsafe"}[with]
			lab.CoreDNS(t, ". {\n bind 127.0.0.1\n "+line+"\n cache 30 {\n servfail 0\n }\n forward . 127.0.0.2\n}\n", nil)
			for nr, libc := range lab.Libcs(t) {
				for _, c := range cases {
					// No two lookups share a name, and so an entry of the cache that came over TCP.
					got, _ := libc.Lookup(t, fmt.Sprintf("%s.nodata.x%d.plain.test.", c.behaviour, nr))
					found := len(got)
					if strings.HasPrefix(got[0], "EAI_") {
						found = 0
					}
					key := libc.Name + " " + c.behaviour
					n := counts[key]
					n[i] = found
					counts[key] = n
					isOld := libc.Musl() && libc.Name < "musl 1.2.4"
					if isOld && (found > 0) != c.old[i] {
						t.Errorf("%s: %s = %v; want an address: %v", libc.Name, c.behaviour, got, c.old[i])
					}
					if with && !isOld && n[1] < n[0] {
						t.Errorf("%s: %s = %d addresses; want %d, as without muslsafe", libc.Name, c.behaviour, n[1], n[0])
					}
				}
			}
		})
	}
	t.Logf("addresses without and with muslsafe: %v", counts)
}

// TestSearchDot has a node whose resolv.conf says "search .".
func TestSearchDot(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "nameserver 127.0.0.1\nsearch .\noptions ndots:5\n")
	lab.Dnsmasq(t, public)
	for _, with := range []bool{false, true} {
		t.Run(fmt.Sprintf("muslsafe=%v", with), func(t *testing.T) {
			line := map[bool]string{false: "", true: "muslsafe {\n dot\n }"}[with]
			lab.CoreDNS(t, ". {\n bind 127.0.0.1\n "+line+"\n forward . 127.0.0.3\n}\n", nil)
			var wg sync.WaitGroup
			for _, libc := range lab.Libcs(t) {
				wg.Go(func() {
					want := web
					if !with && libc.Musl() && libc.Name < "musl 1.2.4" {
						want = "EAI_AGAIN"
					}
					got, took := libc.Lookup(t, "www.example.org")
					if !slices.Equal(got, []string{want}) || with && took > patience {
						t.Errorf("%s: %v after %v; want %s", libc.Name, got, took, want)
					}
				})
			}
			wg.Wait()
		})
	}
}
