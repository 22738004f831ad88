//go:build chart

package kubernetes

import (
	"slices"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestChartServes looks names up in a pod, with real libcs and through a pod of the rendered chart: in the place of the
// cluster's DNS, and behind it.
func TestChartServes(t *testing.T) {
	for name, install := range map[string]func(t *testing.T, c *cluster){
		"replace": func(t *testing.T, c *cluster) {
			c.runChart(t, "replace").serve(t, world.ClusterDNS)
		},
		"upstream": func(t *testing.T, c *cluster) {
			p := c.runChart(t, "upstream")
			addr := c.serviceIP(t, "muslsafe", "muslsafe-coredns")
			p.serve(t, addr)
			c.managedDNS(t, corefileOfEKS(t, addr))
		},
	} {
		t.Run(name, func(t *testing.T) {
			startNode(t)
			c := startCluster(t)
			lab.ResolvConf(t, world.NodeResolvConf)
			lab.CoreDNS(t, world.Company, map[string]string{"example.org.zone": world.CompanyZone})
			c.define(t)
			c.apply(t, parse(t, world.Manifests))
			install(t, c)
			client := newPod(t, "client", clientIP, podResolvConf(world.ClusterDNS))
			for _, l := range lab.Libcs(t) {
				for _, n := range world.Names {
					if a := client.look(t, l, n.Name); a.Err != "OK" || !slices.Equal(a.Addrs, []string{n.Addr}) {
						t.Errorf("%s: %s = %s %v; want %s", l.Name, n.Name, a.Err, a.Addrs, n.Addr)
					}
				}
			}
		})
	}
}

// runChart applies the objects of the chart, and runs a pod of them until it is ready.
func (c *cluster) runChart(t *testing.T, name string) *pod {
	t.Helper()
	objects := template(t, name)
	namespace, made := workload(t, objects)
	c.furnish(t, namespace)
	c.apply(t, objects)
	if namespace == meta.NamespaceSystem {
		c.selects(t, "kube-dns", objects)
	} else {
		made.Spec.ServiceAccountName = "default" // as admission would write it
	}
	p := newPod(t, "muslsafe", oursIP, world.NodeResolvConf)
	server := c.run(t, p, namespace, made.Spec)
	eventually(t, "the pod is ready", func() error {
		return ask(p, made.Spec.Containers[0], made.Spec.Containers[0].ReadinessProbe)
	})
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(server.Log())
		}
	})
	return p
}
