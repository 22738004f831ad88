package cluster

import (
	"context"
	"strings"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	names "github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

func nothing(*testing.T, *world, shape) {}

func installReplace(t *testing.T, w *world, _ shape) {
	w.shell(t, section(t, "kubeadm.md", "Install"), nil)
	w.left(t, "kube-system", kubeadm.selector, 0)
}

func removeReplace(t *testing.T, w *world, s shape) {
	w.shell(t, section(t, "kubeadm.md", "Roll back"), nil)
	w.left(t, s.namespace, s.selector, 0)
}

// installNodeFront does by hand what kubeadm and systemctl would: the kubelets get another configuration, and start again.
func installNodeFront(t *testing.T, w *world, _ shape) {
	commands, _, found := strings.Cut(section(t, "kubeadm.md", "On every node"), "kubectl -n kube-system edit configmap kubelet-config")
	if !found {
		t.Fatal("the page says nothing of kubelets any more")
	}
	w.shell(t, commands, nil)
	w.tellKubelets(t, "169.254.20.10")
}

func removeNodeFront(t *testing.T, w *world, s shape) {
	w.tellKubelets(t, names.ClusterDNS)
	w.shell(t, "kubectl delete -k build/kustomize/overlays/node-front", nil)
	w.left(t, s.namespace, s.selector, 0)
}

// tellKubelets changes the name server that pods are given.
func (w *world) tellKubelets(t *testing.T, addr string) {
	t.Helper()
	for _, n := range w.Nodes {
		if err := n.Kubelet(addr); err != nil {
			t.Fatal(err)
		}
	}
}

// addon does what EKS does with the values of its add-on: CoreDNS gets the Corefile.
const addon = `#!/bin/sh -eu
sed '1d; s/^  //' coredns.yaml >Corefile
kubectl -n kube-system create configmap coredns --from-file=Corefile --dry-run=client -o yaml |
	kubectl apply --server-side --force-conflicts -f -
kubectl -n kube-system rollout restart deployment/coredns
kubectl -n kube-system rollout status deployment/coredns
`

func installUpstream(t *testing.T, w *world, _ shape) {
	w.shell(t, section(t, "eks.md", "Add-on: upstream"), map[string]string{"aws": addon})
	w.awaitRollout(t, kubeadm)
}

// removeUpstream does as the page says: the line forward as it was, and the overlay goes.
func removeUpstream(t *testing.T, w *world, _ shape) {
	w.restoreCoreDNS(t)
	w.shell(t, "kubectl delete -k build/kustomize/overlays/upstream", nil)
}

func installStub(t *testing.T, w *world, _ shape) {
	w.shell(t, section(t, "aks.md", "Install"), nil)
	w.awaitRollout(t, kubeadm)
}

func removeStub(t *testing.T, w *world, _ shape) {
	w.shell(t, section(t, "aks.md", "Roll back"), nil)
	w.awaitRollout(t, kubeadm)
	w.kubectl(t, "-n", "kube-system", "delete", "configmap", "coredns-custom")
}

// restoreCoreDNS gives CoreDNS the Corefile of kubeadm.
func (w *world) restoreCoreDNS(t *testing.T) {
	t.Helper()
	if err := w.Apply(names.CoreDNS); err != nil {
		t.Fatal(err)
	}
	w.kubectl(t, "-n", "kube-system", "rollout", "restart", kubeadm.workload)
	w.awaitRollout(t, kubeadm)
}

// awaitRollout waits until a workload has what it was told to, and the old pods are gone.
func (w *world) awaitRollout(t *testing.T, s shape) {
	t.Helper()
	w.kubectl(t, "-n", s.namespace, "rollout", "status", s.workload, "--timeout=2m")
	w.left(t, s.namespace, s.selector, 2)
}

// rewrite changes the Corefile of a shape, and starts its pods anew. It returns what goes back.
func (w *world) rewrite(t *testing.T, s shape, change func(corefile string) string) (undo func()) {
	t.Helper()
	old := w.setCorefile(t, s, change)
	w.kubectl(t, "-n", s.namespace, "rollout", "restart", s.workload)
	w.awaitRollout(t, s)
	return func() {
		w.setCorefile(t, s, func(string) string { return old })
		w.kubectl(t, "-n", s.namespace, "rollout", "restart", s.workload)
		w.awaitRollout(t, s)
	}
}

// setCorefile changes the Corefile of a shape in its ConfigMap, and returns the one before.
func (w *world) setCorefile(t *testing.T, s shape, change func(corefile string) string) (old string) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it is called when a test ends, too
	maps := w.Client.CoreV1().ConfigMaps(s.namespace)
	list, err := maps.List(ctx, meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list.Items {
		old = m.Data["Corefile"]
		if old == "" || !strings.HasPrefix(m.Name, s.config) || s.about == replace.about && strings.HasPrefix(m.Name, nodeFront.config) {
			continue
		}
		m.Data["Corefile"] = change(old)
		if m.Data["Corefile"] == old {
			t.Fatalf("the change of %s changes nothing:\n%s", m.Name, old)
		}
		if _, err := maps.Update(ctx, &m, meta.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		return old
	}
	t.Fatalf("%s has no ConfigMap", s.about)
	return ""
}
