//go:build rollouts

package cluster

import (
	"flag"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
)

var (
	modes = flag.String("modes", "nftables,iptables", "modes of kube-proxy, separated by commas")
	runs  = flag.Int("runs", 1, "how often each change is made")
	out   = flag.String("results", "", "folder for results.json and results.md, where earlier results stay for what is not measured")
)

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

// renew replaces the servers if one has been started again: a kubelet waits longer each time before it does so.
func (w *world) renew(t *testing.T, s shape) {
	t.Helper()
	if slices.ContainsFunc(w.servers(t, s), func(p core.Pod) bool { return p.Status.ContainerStatuses[0].RestartCount > 0 }) {
		restart(t, w, s)
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
				if c.outage > 0 {
					w.renew(t, s)
				}
				r, underWay := w.change(t, s, victims, c)
				results.add(t, row{Mode: mode, Shape: s.about, Change: c.about}, r, underWay)
			})
		}
	}
}
