package cluster

import (
	"strings"
	"testing"

	names "github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// TestTemplate blunts AAAA with NXDOMAIN, as Corefiles of clusters without IPv6 do: musl finds nothing at all, nor with
// muslsafe that only reports, and everything once it does more.
func TestTemplate(t *testing.T) {
	w := start(t)
	var all []string
	for _, n := range names.Names {
		all = append(all, n.Name)
	}
	t.Cleanup(w.rewrite(t, kubeadm, blunt))
	w.lookAll(t, w.victims, all)

	replace.install(t, w, replace)
	t.Cleanup(func() { replace.remove(t, w, replace) })
	w.rewrite(t, replace, func(corefile string) string {
		return strings.Replace(blunt(corefile), "    muslsafe\n", "    muslsafe {\n        report\n    }\n", 1)
	})
	w.lookAll(t, w.victims, all)
	w.rewrite(t, replace, func(corefile string) string { return strings.Replace(corefile, "        report\n", "", 1) })
	w.lookAll(t, w.victims, nil)
}

// blunt adds the template to a Corefile.
func blunt(corefile string) string {
	return strings.Replace(corefile, "kubernetes cluster.local", "template ANY AAAA {\n        rcode NXDOMAIN\n    }\n    kubernetes cluster.local", 1)
}
