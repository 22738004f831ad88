package kubernetes

import (
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestExamples runs the examples that need a Kubernetes API, with the rights of the manifests.
func TestExamples(t *testing.T) {
	for _, e := range lab.Examples(t, root, true) {
		t.Run(e.Name, func(t *testing.T) {
			c := startCluster(t)
			t.Setenv("KUBERNETES_SERVICE_HOST", apiHost)
			t.Setenv("KUBERNETES_SERVICE_PORT", apiPort)
			c.apply(t, render(t, "overlays/replace"))
			c.credentials(t, "/run/secrets", "kube-system", "muslsafe")
			e.Furnish(t, func(t *testing.T, manifests string) { c.apply(t, parse(t, manifests)) })
			lab.CoreDNS(t, e.Corefile, nil)
			lab.Ask(t, e.Cases)
		})
	}
}
