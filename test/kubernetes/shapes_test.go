package kubernetes

import (
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// The addresses of the pods of a test.
const clientIP, managedIP, oursIP = "198.51.100.2", "198.51.100.3", "198.51.100.4"

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
	{"pods", installPods, nil},
	// A stub zone sees what ends in the search domain, and no other name.
	{"stub", installStub, []string{"broken.example.org"}},
}

// TestShapes looks names up in a pod, with real libcs and through each shape.
func TestShapes(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.about, func(t *testing.T) {
			startNode(t)
			c := startCluster(t)
			lab.ResolvConf(t, world.NodeResolvConf)
			lab.CoreDNS(t, world.Company, map[string]string{"example.org.zone": world.CompanyZone})
			c.define(t)
			c.apply(t, parse(t, world.Manifests))
			client := newPod(t, "client", clientIP, podResolvConf(shape.install(t, c)))
			for _, l := range lab.Libcs(t) {
				for _, n := range world.Names {
					t.Run(l.Name+" "+n.Name, func(t *testing.T) {
						a := client.look(t, l, n.Name)
						found := a.Err == "OK" && slices.Equal(a.Addrs, []string{n.Addr})
						if broken := l.Musl() && slices.Contains(shape.breaks, n.Name); found == broken {
							t.Errorf("%s = %s %v; want %s: %v", n.Name, a.Err, a.Addrs, n.Addr, !broken)
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
