package kubernetes

import (
	"fmt"
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
	t.Run("another cluster domain, and one that is none", func(t *testing.T) {
		c.annotate(t, "cluster-domain", "k8s.example.net")
		c.await(t, func() error { return c.ours(t, func(*core.Pod) {}, "k8s.example.net") })
		c.annotate(t, "cluster-domain", "k8s_example")
		c.await(t, func() error { return c.untouched(t) })
		c.annotate(t, "cluster-domain", "cluster.local")
	})
	t.Run("a search domain that is none", func(t *testing.T) {
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

// TestPodsByKubectl applies what a reader keeps who adds a component, by kubectl. There, kustomize writes a namespace into the
// policy, of whose kind it does not know that it is in none; kubectl and the API do.
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

// startPolicy starts an API with the overlay pods, and namespaces.
func startPolicy(t *testing.T) *cluster {
	t.Helper()
	c := startCluster(t)
	c.define(t)
	c.apply(t, parse(t, labelled))
	c.apply(t, render(t, "overlays/pods"))
	c.annotate(t, "searches", "corp.example.com")
	return c
}

// awaitPolicy waits until the API server has read the policy and what it depends on.
func (c *cluster) awaitPolicy(t *testing.T) {
	t.Helper()
	c.await(t, func() error { return c.ours(t, func(*core.Pod) {}, "cluster.local") })
}

func (c *cluster) await(t *testing.T, try func() error) {
	t.Helper()
	eventually(t, "the policy", try)
}

// annotate changes an annotation of the Service.
func (c *cluster) annotate(t *testing.T, name, value string) {
	t.Helper()
	services := c.client.CoreV1().Services("muslsafe-pods")
	s, err := services.Get(t.Context(), "muslsafe", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	meta.SetMetaDataAnnotation(&s.ObjectMeta, "muslsafe.dev/"+name, value)
	if _, err := services.Update(t.Context(), s, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// webPod is a pod with a change.
func webPod(change func(p *core.Pod)) *core.Pod {
	p := &core.Pod{ObjectMeta: meta.ObjectMeta{Name: "web"}, Spec: core.PodSpec{Containers: []core.Container{{Name: "web", Image: "web"}}}}
	change(p)
	return p
}

// createPod returns what the API makes of a pod.
func (c *cluster) createPod(t *testing.T, namespace string, change func(p *core.Pod)) *core.Pod {
	t.Helper()
	p, err := c.client.CoreV1().Pods(namespace).Create(t.Context(), webPod(change), meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (c *cluster) wantOurs(t *testing.T, change func(p *core.Pod), domain string) {
	t.Helper()
	if err := c.ours(t, change, domain); err != nil {
		t.Error(err)
	}
}

// ours returns an error unless a pod gets the DNS of the overlay.
func (c *cluster) ours(t *testing.T, change func(p *core.Pod), domain string) error {
	t.Helper()
	five := "5"
	want := &core.PodDNSConfig{
		Nameservers: []string{c.serviceIP(t, "muslsafe-pods", "muslsafe")},
		Searches:    strings.Fields(fmt.Sprintf("on.svc.%[1]s svc.%[1]s %[1]s corp.example.com", domain)),
		Options:     []core.PodDNSConfigOption{{Name: "ndots", Value: &five}},
	}
	p := c.createPod(t, "on", change)
	if p.Spec.DNSPolicy != core.DNSNone || !equality.Semantic.DeepEqual(p.Spec.DNSConfig, want) {
		return fmt.Errorf("%s %+v; want None %+v", p.Spec.DNSPolicy, p.Spec.DNSConfig, want)
	}
	return nil
}

// untouched returns an error unless a pod keeps the DNS of the cluster.
func (c *cluster) untouched(t *testing.T) error {
	t.Helper()
	if p := c.createPod(t, "on", func(*core.Pod) {}); p.Spec.DNSPolicy != core.DNSClusterFirst || p.Spec.DNSConfig != nil {
		return fmt.Errorf("%s %+v; want ClusterFirst, and nothing else", p.Spec.DNSPolicy, p.Spec.DNSConfig)
	}
	return nil
}

// installPods asks the Service as the pods do that the policy gives its address to.
func installPods(t *testing.T, c *cluster) string {
	c.managedDNS(t, stock(t))
	return c.installService(t, "overlays/pods")
}
