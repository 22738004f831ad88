package cluster

import (
	"testing"

	names "github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
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

// TestNodeLocal follows the page for NodeLocal DNSCache, from stock CoreDNS in its place, and back: it forwards to muslsafe, and
// then muslsafe has its address.
func TestNodeLocal(t *testing.T) {
	w := start(t)
	nodeLocal.install(t, w, nodeLocal)
	dir := t.TempDir()
	victims := w.newVictims(t, "local-")
	w.lookAll(t, victims, unfixed)

	w.shellIn(t, dir, section(t, "nodelocaldns.md", "Install: upstream"), nil)
	w.lookAll(t, victims, nil)
	w.shellIn(t, dir, section(t, "nodelocaldns.md", "Roll back"), nil)
	w.left(t, upstream.namespace, upstream.selector, 0)
	w.lookAll(t, victims, unfixed)

	w.shellIn(t, dir, section(t, "nodelocaldns.md", "Install: node-front"), nil)
	w.kubectl(t, "-n", nodeFront.namespace, "rollout", "status", nodeFront.workload, "--timeout=2m")
	w.lookAll(t, victims, nil)
	w.tellKubelets(t, names.ClusterDNS)
	w.shellIn(t, dir, "kubectl delete -k build/kustomize/overlays/node-front", nil)
	w.left(t, nodeFront.namespace, nodeFront.selector, 0)
	w.kubectl(t, "-n", nodeLocal.namespace, "delete", "service/kube-dns-upstream", "configmap/node-local-dns")
}
