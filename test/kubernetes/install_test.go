package kubernetes

import (
	"fmt"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// installNone leaves the cluster with the DNS it came with.
func installNone(t *testing.T, c *cluster) string {
	c.managedDNS(t, stock(t))
	return world.ClusterDNS
}

func installReplace(t *testing.T, c *cluster) string {
	p := newPod(t, "muslsafe", oursIP, world.NodeResolvConf)
	objects := render(t, "overlays/replace")
	c.install(t, p, objects)
	c.selects(t, "kube-dns", objects)
	p.serve(t, world.ClusterDNS)
	return world.ClusterDNS
}

func installNodeFront(t *testing.T, c *cluster) string {
	ip(t, "route", "del", "local", "169.254.20.0/24", "dev", "lo") // the manifest is to give the address
	t.Cleanup(func() {
		ip(t, "addr", "del", "169.254.20.10/32", "dev", "lo")
		ip(t, "route", "add", "local", "169.254.20.0/24", "dev", "lo")
	})
	managed := c.managedDNS(t, stock(t))
	objects := render(t, "overlays/node-front")
	c.apply(t, objects)
	managed.serve(t, c.serviceIP(t, meta.NamespaceSystem, "muslsafe-upstream"))
	_, template := workload(t, objects)
	for range 2 { // a second pod finds the address there
		initialize(t, template.Spec)
	}
	c.install(t, &pod{addr: node}, objects)
	return "169.254.20.10"
}

// installCilium asks the pod by its own address, to which Cilium would redirect.
func installCilium(t *testing.T, c *cluster) string {
	managed := c.managedDNS(t, stock(t))
	objects := render(t, "overlays/node-front-cilium")
	c.apply(t, objects)
	managed.serve(t, c.serviceIP(t, meta.NamespaceSystem, "muslsafe-upstream"))
	c.install(t, newPod(t, "muslsafe", oursIP, world.NodeResolvConf), objects)
	return oursIP
}

func installUpstream(t *testing.T, c *cluster) string {
	addr := c.installService(t, "overlays/upstream")
	c.managedDNS(t, corefileOfEKS(t, addr))
	return world.ClusterDNS
}

// corefileOfEKS is that of the page for EKS, with muslsafe at addr.
func corefileOfEKS(t *testing.T, addr string) string {
	t.Helper()
	_, dir := execute(t, root+"/build/kustomize/platforms/eks.md")
	var values struct{ Corefile string }
	if err := yaml.UnmarshalStrict([]byte(lab.ReadFile(t, dir+"/coredns.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(values.Corefile, documentedIP, addr, 1)
}

func installStub(t *testing.T, c *cluster) string {
	addr := c.installService(t, "overlays/stub")
	given, _ := execute(t, root+"/build/kustomize/platforms/aks.md")
	custom := pick[core.ConfigMap](t, parse(t, given[0]), "ConfigMap", "coredns-custom").Data["muslsafe.server"]
	c.managedDNS(t, stock(t)+strings.Replace(custom, documentedIP, addr, 1))
	return world.ClusterDNS
}

// installService installs an overlay that serves at the address of a Service, and returns it.
func (c *cluster) installService(t *testing.T, overlay string) string {
	t.Helper()
	objects := render(t, overlay)
	p := newPod(t, "muslsafe", oursIP, world.NodeResolvConf)
	c.install(t, p, objects)
	namespace, _ := workload(t, objects)
	addr := c.serviceIP(t, namespace, "muslsafe")
	p.serve(t, addr)
	return addr
}

// install applies the objects and runs a pod of them until it is ready, lives and has metrics.
func (c *cluster) install(t *testing.T, p *pod, objects []*unstructured.Unstructured) *lab.Process {
	t.Helper()
	c.apply(t, objects)
	namespace, template := workload(t, objects)
	container := template.Spec.Containers[0]
	server := c.run(t, p, namespace, template.Spec)
	for _, probe := range []*core.Probe{container.StartupProbe, container.ReadinessProbe, container.LivenessProbe, scrape(template)} {
		eventually(t, probe.HTTPGet.Path, func() error {
			if err := ask(p, container, probe); err != nil {
				return fmt.Errorf("%w:\n%s", err, server.Log())
			}
			return nil
		})
	}
	return server
}

// scrape is how Prometheus asks a pod that has its annotations.
func scrape(template core.PodTemplateSpec) *core.Probe {
	probe := new(core.Probe)
	if template.Annotations["prometheus.io/scrape"] == "true" {
		probe.HTTPGet = &core.HTTPGetAction{Path: "/metrics", Port: intstr.Parse(template.Annotations["prometheus.io/port"])}
	}
	return probe
}

// selects fails the test if a Service of kube-system would not find the pods of the objects.
func (c *cluster) selects(t *testing.T, service string, objects []*unstructured.Unstructured) {
	t.Helper()
	s, err := c.client.CoreV1().Services(meta.NamespaceSystem).Get(t.Context(), service, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	namespace, template := workload(t, objects)
	if namespace != s.Namespace || !labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(template.Labels)) {
		t.Errorf("pods in %s with labels %v; want those that %v selects in %s", namespace, template.Labels, s.Spec.Selector, s.Namespace)
	}
}

// stock is the Corefile that a cluster comes with: that of replace, without muslsafe.
func stock(t *testing.T) string {
	t.Helper()
	return strings.Replace(lab.ReadFile(t, root+"/corefile-examples/in-cluster/Corefile"), "    muslsafe\n", "", 1)
}

// managedDNS runs the DNS that a cluster comes with, in a pod that Service kube-dns finds.
func (c *cluster) managedDNS(t *testing.T, corefile string) *pod {
	t.Helper()
	objects := parse(t, strings.NewReplacer("name: muslsafe", "name: coredns", "Name: muslsafe", "Name: coredns").
		Replace(toYAML(t, render(t, "overlays/replace"))))
	for _, o := range objects {
		if o.GetKind() == "ConfigMap" {
			o.Object["data"] = map[string]any{"Corefile": corefile}
		}
	}
	p := newPod(t, "coredns", managedIP, world.NodeResolvConf)
	c.install(t, p, objects)
	p.serve(t, world.ClusterDNS)
	return p
}
