package kubernetes

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// labelled are a namespace that wants the DNS of the overlay pods and one that does not, and the accounts of their pods.
const labelled = `apiVersion: v1
kind: Namespace
metadata: {name: "on", labels: {muslsafe.dev/dns: "on"}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: "on"}
---
apiVersion: v1
kind: Namespace
metadata: {name: "off", labels: {muslsafe.dev/dns: "off"}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: "off"}
`

// ownPods are pods that keep the DNS that they have, each by one thing.
var ownPods = []struct {
	about     string
	namespace string
	change    func(p *core.Pod)
}{
	{"in another namespace", "off", func(*core.Pod) {}},
	{"with a name server", "on", func(p *core.Pod) {
		p.Spec.DNSPolicy, p.Spec.DNSConfig = core.DNSNone, &core.PodDNSConfig{Nameservers: []string{"192.0.2.53"}}
	}},
	{"with ndots", "on", func(p *core.Pod) {
		one := "1"
		p.Spec.DNSConfig = &core.PodDNSConfig{Options: []core.PodDNSConfigOption{{Name: "ndots", Value: &one}}}
	}},
	{"with an empty dnsConfig", "on", func(p *core.Pod) { p.Spec.DNSConfig = &core.PodDNSConfig{} }},
	{"with the DNS of the node", "on", func(p *core.Pod) { p.Spec.DNSPolicy = core.DNSDefault }},
	{"in the network of the node", "on", func(p *core.Pod) { p.Spec.HostNetwork = true }},
	{"in the network of the node, with the DNS of the cluster", "on", func(p *core.Pod) {
		p.Spec.HostNetwork, p.Spec.DNSPolicy = true, core.DNSClusterFirstWithHostNet
	}},
	{"that refuses", "on", func(p *core.Pod) { p.Labels = map[string]string{"muslsafe.dev/dns": "off"} }},
	{"that is static", "on", func(p *core.Pod) {
		p.Annotations = map[string]string{core.MirrorPodAnnotationKey: "x"}
		p.Spec.NodeName = "node"
	}},
}

// TestPodsPolicy creates pods under the policy of the overlay pods: they get the address of its Service, and the search list
// that a kubelet would give them. What has a DNS of its own keeps it.
func TestPodsPolicy(t *testing.T) {
	c := startPolicy(t)
	c.awaitPolicy(t)
	for about, change := range map[string]func(p *core.Pod){
		"a pod":                       func(*core.Pod) {},
		"a pod of a controller":       func(p *core.Pod) { p.Name, p.GenerateName = "", "web-" },
		"a pod with other labels":     func(p *core.Pod) { p.Labels = map[string]string{"muslsafe.dev/dns": "on"} },
		"a pod that says the default": func(p *core.Pod) { p.Spec.DNSPolicy = core.DNSClusterFirst },
	} {
		t.Run(about, func(t *testing.T) { c.wantOurs(t, change, "cluster.local") })
	}
	for _, own := range ownPods {
		t.Run("a pod "+own.about, func(t *testing.T) {
			want := webPod(own.change)
			got := c.createPod(t, own.namespace, own.change)
			policy := want.Spec.DNSPolicy
			if policy == "" {
				policy = core.DNSClusterFirst
			}
			if got.Spec.DNSPolicy != policy || !equality.Semantic.DeepEqual(got.Spec.DNSConfig, want.Spec.DNSConfig) {
				t.Errorf("%s %+v; want %s %+v", got.Spec.DNSPolicy, got.Spec.DNSConfig, policy, want.Spec.DNSConfig)
			}
		})
	}
}

// TestPodsPolicyFails takes away what the policy needs: pods are admitted all the same, and keep the DNS of the cluster.
func TestPodsPolicyFails(t *testing.T) {
	c := startPolicy(t)
	c.awaitPolicy(t)
	t.Run("another cluster domain, and an invalid one", func(t *testing.T) {
		c.annotate(t, "cluster-domain", "k8s.example.net")
		c.await(t, func() error { return c.ours(t, func(*core.Pod) {}, "k8s.example.net") })
		c.annotate(t, "cluster-domain", "k8s_example")
		c.await(t, func() error { return c.untouched(t) })
		c.annotate(t, "cluster-domain", "cluster.local")
	})
	t.Run("invalid search domains", func(t *testing.T) {
		c.annotate(t, "searches", " Corp.example.com  no_domain, -x 192.0.2.53/24\n")
		c.await(t, func() error { return c.ours(t, func(*core.Pod) {}, "cluster.local") })
	})
	services := c.client.CoreV1().Services("muslsafe-pods")
	t.Run("a Service without an address", func(t *testing.T) {
		s, err := services.Get(t.Context(), "muslsafe", meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := services.Delete(t.Context(), "muslsafe", meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		s.ResourceVersion, s.Spec.ClusterIP, s.Spec.ClusterIPs = "", core.ClusterIPNone, nil
		if _, err := services.Create(t.Context(), s, meta.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		c.await(t, func() error { return c.untouched(t) })
	})
	t.Run("no Service", func(t *testing.T) {
		if err := services.Delete(t.Context(), "muslsafe", meta.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		c.await(t, func() error { return c.untouched(t) })
	})
}

// TestPodsByKubectl applies the overlay with a component by kubectl. As the reader's kustomization has a namespace, kustomize writes
// it into the policy too: it does not know that this kind is in no namespace. kubectl and the API do.
func TestPodsByKubectl(t *testing.T) {
	c := startPolicy(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	objects := renderComponent(t, "pods", "hpa")
	if policy := pick[unstructured.Unstructured](t, objects, "MutatingAdmissionPolicy", ""); policy.GetNamespace() == "" {
		t.Error("kustomize knows the kind by now; want this test to be about something")
	}
	cmd := exec.Command(lab.LookPath(t, filepath.Join(cache, "muslsafe", "kubectl")), "--server", "https://"+net.JoinHostPort(apiHost, apiPort),
		"--certificate-authority", c.ca, "--token", "admin", "apply", "-f", "-")
	cmd.Stdin = strings.NewReader(toYAML(t, objects))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	c.awaitPolicy(t)
}
