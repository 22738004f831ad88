package kubernetes

import (
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// The addresses of the pods of a test, and that of the cluster's DNS.
const (
	clientIP, managedIP, oursIP = "198.51.100.2", "198.51.100.3", "198.51.100.4"
	clusterDNS                  = "10.96.0.10"
)

// nodeResolvConf is the resolv.conf of the node, which its DNS pods share.
const nodeResolvConf = "nameserver 192.0.2.53\nsearch corp.example.com\n"

// company is the DNS of the nodes: it has two public names, of which one denies AAAA, and for its own domain it has one
// name and no NXDOMAIN.
const company = `
corp.example.com {
    bind 192.0.2.53
    template IN A corp.example.com {
        match ^db[.]corp[.]example[.]com[.]$
        answer "{{ .Name }} 60 IN A 192.0.2.20"
        fallthrough
    }
    template IN ANY corp.example.com {
        authority "corp.example.com. 60 IN SOA ns.corp.example.com. hostmaster.corp.example.com. 1 7200 1800 86400 60"
    }
}
example.org {
    bind 192.0.2.53
    template IN AAAA broken.example.org {
        rcode NXDOMAIN
        authority "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 7200 1800 86400 60"
    }
    file example.org.zone
}
. {
    bind 192.0.2.53
    template IN ANY . {
        rcode NXDOMAIN
        authority ". 60 IN SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"
    }
}
`

const companyZone = `@ 60 IN SOA ns hostmaster 1 7200 1800 86400 60
www    60 IN A 192.0.2.80
broken 60 IN A 192.0.2.81
`

// names that pods look up, each with the address that every libc must find.
var names = []struct{ name, addr string }{
	{"httpd", "10.96.7.7"},
	{"httpd.dnscheck", "10.96.7.7"},
	{"httpd.dnscheck.svc.cluster.local", "10.96.7.7"},
	{"httpd.dnscheck.svc.cluster.local.", "10.96.7.7"},
	{"web-0.web", "192.0.2.10"},
	{"ext", "192.0.2.80"},
	{"www.example.org", "192.0.2.80"},
	{"broken.example.org", "192.0.2.81"},
	{"db.corp.example.com", "192.0.2.20"},
	{"db", "192.0.2.20"},
}

// shapes are the ways to install muslsafe. Each starts what it takes in a new cluster and returns the nameserver of
// the cluster's pods.
var shapes = []struct {
	about   string
	install func(t *testing.T, c *cluster) (nameserver string)
	breaks  []string // names that musl does not find
}{
	{"none", installNone, []string{"httpd.dnscheck.svc.cluster.local", "www.example.org", "broken.example.org", "db.corp.example.com"}},
	{"replace", installReplace, nil},
	{"node-front", installNodeFront, nil},
	{"node-front-cilium", installCilium, nil},
	{"upstream", installUpstream, nil},
	// A stub zone sees what ends in the search domain, and no other name.
	{"stub", installStub, []string{"broken.example.org"}},
}

// TestShapes looks names up in a pod, with real libcs and through each shape.
func TestShapes(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.about, func(t *testing.T) {
			startNode(t)
			c := startCluster(t)
			lab.ResolvConf(t, nodeResolvConf)
			lab.CoreDNS(t, company, map[string]string{"example.org.zone": companyZone})
			c.define(t)
			c.apply(t, parse(t, lab.ReadFile(t, "testdata/world.yaml")))
			client := newPod(t, "client", clientIP, podResolvConf(shape.install(t, c)))
			for _, l := range lab.Libcs(t) {
				for _, n := range names {
					t.Run(l.Name+" "+n.name, func(t *testing.T) {
						a := client.look(t, l, n.name)
						found := a.Err == "OK" && slices.Equal(a.Addrs, []string{n.addr})
						if broken := l.Musl() && slices.Contains(shape.breaks, n.name); found == broken {
							t.Errorf("%s = %s %v; want %s: %v", n.name, a.Err, a.Addrs, n.addr, !broken)
						}
					})
				}
			}
		})
	}
}

// podResolvConf is the resolv.conf that a kubelet gives to a pod in namespace dnscheck.
func podResolvConf(nameserver string) string {
	return "search dnscheck.svc.cluster.local svc.cluster.local cluster.local corp.example.com\nnameserver " +
		nameserver + "\noptions ndots:5\n"
}
