package kubernetes

import (
	"fmt"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
