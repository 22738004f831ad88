package packets

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// behind is what stands behind muslsafe, with the place of the upstream.
const behind = `
	rewrite name exact old.example.org www.example.org
	template IN AAAA v4only.example.org {
		rcode NXDOMAIN
	}
	forward . %s {
		max_fails 0
	}
`

// The search domains of all nodes, and of those alone whose search domain is healthy: only such ones give complete its proofs.
const (
	domains = "search example.com corp.example.com wild.example.com refused.example.com broken.test"
	healthy = "search example.com"
)

// The addresses of the lab.
const (
	clientTap   = "127.0.0.1:53" // where clients ask
	recorded    = "127.0.0.8:53" // the CoreDNS behind
	upstreamTap = "127.0.0.2:53" // where that asks
	internet    = "127.0.0.3:53" // dnsmasq
	cluster     = "127.0.0.4:53" // CoreDNS with the cluster zone
	company     = "127.0.0.5:53" // unbound
)

const internetConfig = `listen-address=127.0.0.3
local=/org/
local=/com/
local=/net/
local=/arpa/
local=/dnscheck/
host-record=www.example.org,192.0.2.80
host-record=v4only.example.org,192.0.2.81
host-record=six.example.org,2001:db8::6
host-record=both.example.org,192.0.2.82,2001:db8::82
cname=alias.example.org,www.example.org
cname=alias-of-alias.example.org,alias.example.org
host-record=db.example.com,192.0.2.83
mx-host=example.org,mail.example.org,10
txt-record=example.org,v=spf1 -all
txt-record=web.dnscheck.svc.cluster.local.example.com,not an address
srv-host=_sip._tcp.example.org,www.example.org,5060
caa-record=example.org,0,issue,ca.example.net
naptr-record=example.org,100,10,S,SIP+D2U,,_sip._udp.example.org
`

// companyConfig has a domain that never says NXDOMAIN, one with a wildcard, one that is refused, one that fails, a load
// balancer that fails for AAAA, and a host with many addresses.
const companyConfig = `interface: 127.0.0.5
rrset-roundrobin: no
local-zone: "corp.example.com." always_nodata
local-zone: "wild.example.com." redirect
local-data: "wild.example.com. 60 A 203.0.113.66"
local-zone: "refused.example.com." always_refuse
local-zone: "lb.test." typetransparent
local-data: "lb.test. 60 A 192.0.2.84"
local-zone: "many.example.net." static
`

const companyForward = "forward-zone:\n name: \".\"\n forward-addr: 127.0.0.3\n"

const clusterZone = `$ORIGIN cluster.local.
@                  5 IN SOA ns.dns hostmaster 1 7200 1800 86400 5
web.dnscheck.svc   5 IN A   10.96.7.7
db.redis.svc       5 IN A   10.96.7.9
_http._tcp.web.dnscheck.svc 5 IN SRV 0 100 80 web.dnscheck.svc
`

// chainOfAliases is too long for 512 octets.
func chainOfAliases() string {
	var lines strings.Builder
	name := func(i int) string { return fmt.Sprintf("%d-%s.example.net", i, strings.Repeat("x", 50)) }
	for i := range 9 {
		fmt.Fprintf(&lines, "cname=%s,%s\n", name(i), name(i+1))
	}
	return fmt.Sprintf("cname=chain.example.net,%s\n%shost-record=%s,192.0.2.85\n", name(0), lines.String(), name(9))
}

func manyAddresses() string {
	var lines strings.Builder
	for i := range 90 {
		fmt.Fprintf(&lines, "local-data: \"many.example.net. 60 A 198.51.100.%d\"\n", i+1)
	}
	return lines.String()
}

// serverOf returns which upstream knows a name.
func serverOf(name string) string {
	for _, zone := range []string{"corp.example.com.", "wild.example.com.", "refused.example.com.", "broken.test.", "lb.test.", "many.example.net."} {
		if dns.IsSubDomain(zone, name) {
			return company
		}
	}
	if dns.IsSubDomain("cluster.local.", name) {
		return cluster
	}
	return internet
}
