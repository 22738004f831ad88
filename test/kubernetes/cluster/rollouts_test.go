//go:build rollouts

package cluster

import (
	"flag"
	"strings"
	"testing"

	names "github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

var (
	modes = flag.String("modes", "nftables,iptables", "modes of kube-proxy, separated by commas")
	runs  = flag.Int("runs", 1, "how often each change is made")
	out   = flag.String("results", "", "folder for results.json and results.md, where earlier results stay for what is not measured")
)

var nodeLocal = shape{
	about: "stock CoreDNS, as NodeLocal DNSCache installs it", namespace: "kube-system", workload: "daemonset/node-local-dns",
	selector: "k8s-app=node-local-dns", config: "node-local-dns", install: installNodeLocal, remove: removeNodeLocal,
	front: true, stock: true,
}

func installNodeLocal(t *testing.T, w *world, s shape) {
	if err := w.Apply(names.NodeLocalDNS); err != nil {
		t.Fatal(err)
	}
	w.kubectl(t, "-n", s.namespace, "rollout", "status", s.workload)
	w.tellKubelets(t, "169.254.20.10")
}

func removeNodeLocal(t *testing.T, w *world, s shape) {
	w.tellKubelets(t, names.ClusterDNS)
	w.kubectl(t, "-n", s.namespace, "delete", s.workload, "service/kube-dns-upstream", "configmap/node-local-dns")
	w.left(t, s.namespace, s.selector, 0)
}

// TestRollouts makes every change of every shape, and of stock CoreDNS, in each mode of kube-proxy.
func TestRollouts(t *testing.T) {
	w := start(t)
	results := newResults(t)
	for mode := range strings.SplitSeq(*modes, ",") {
		for _, s := range []shape{kubeadm, nodeLocal, replace, nodeFront, upstream, stub} {
			t.Run(mode+"/"+s.about, func(t *testing.T) { w.rollOut(t, mode, s, results) })
		}
	}
}

// rollOut makes the changes of one shape.
func (w *world) rollOut(t *testing.T, mode string, s shape, results *results) {
	for _, n := range w.Nodes {
		if err := n.Proxy(mode); err != nil {
			t.Fatal(err)
		}
	}
	s.install(t, w, s)
	t.Cleanup(func() { s.remove(t, w, s) })
	victims := w.asking(t, s)
	for _, c := range changes {
		if s.front && !c.daemons {
			continue
		}
		for range *runs {
			t.Run(c.about, func(t *testing.T) {
				r, underWay := w.change(t, s, victims, c)
				results.add(row{Mode: mode, Shape: s.about, Change: c.about}, r, underWay)
			})
		}
	}
}
