package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// The addresses of the pods of a test, and that of the cluster's DNS.
const (
	clientIP, managedIP, oursIP = "198.51.100.2", "198.51.100.3", "198.51.100.4"
	clusterDNS                  = "10.96.0.10"
)

// nodeResolvConf is the resolv.conf of the node, which its DNS pods share.
const nodeResolvConf = "nameserver 192.0.2.53\nsearch corp.example.com\n"

// company is the DNS of the nodes: it has two public names, of which one denies AAAA, and for its own domain it has one
// name and no NXDOMAIN.
const company = `
corp.example.com {
    bind 192.0.2.53
    template IN A corp.example.com {
        match ^db[.]corp[.]example[.]com[.]$
        answer "{{ .Name }} 60 IN A 192.0.2.20"
        fallthrough
    }
    template IN ANY corp.example.com {
        authority "corp.example.com. 60 IN SOA ns.corp.example.com. hostmaster.corp.example.com. 1 7200 1800 86400 60"
    }
}
example.org {
    bind 192.0.2.53
    template IN AAAA broken.example.org {
        rcode NXDOMAIN
        authority "example.org. 60 IN SOA ns.example.org. hostmaster.example.org. 1 7200 1800 86400 60"
    }
    file example.org.zone
}
. {
    bind 192.0.2.53
    template IN ANY . {
        rcode NXDOMAIN
        authority ". 60 IN SOA a.root-servers.net. nstld.verisign-grs.com. 1 1800 900 604800 86400"
    }
}
`

const companyZone = `@ 60 IN SOA ns hostmaster 1 7200 1800 86400 60
www    60 IN A 192.0.2.80
broken 60 IN A 192.0.2.81
`

// names that pods look up, each with the address that every libc must find.
var names = []struct{ name, addr string }{
	{"httpd", "10.96.7.7"},
	{"httpd.dnscheck", "10.96.7.7"},
	{"httpd.dnscheck.svc.cluster.local", "10.96.7.7"},
	{"httpd.dnscheck.svc.cluster.local.", "10.96.7.7"},
	{"web-0.web", "192.0.2.10"},
	{"ext", "192.0.2.80"},
	{"www.example.org", "192.0.2.80"},
	{"broken.example.org", "192.0.2.81"},
	{"db.corp.example.com", "192.0.2.20"},
	{"db", "192.0.2.20"},
}

// shapes are the ways to install muslsafe. Each starts what it takes in a new cluster and returns the nameserver of
// the cluster's pods.
var shapes = []struct {
	about   string
	install func(t *testing.T, c *cluster) (nameserver string)
	breaks  []string // names that musl does not find
}{
	{"none", installNone, []string{"httpd.dnscheck.svc.cluster.local", "www.example.org", "broken.example.org", "db.corp.example.com"}},
	{"replace", installReplace, nil},
	{"node-front", installNodeFront, nil},
	{"node-front-cilium", installCilium, nil},
	{"upstream", installUpstream, nil},
	// A stub zone sees what ends in the search domain, and no other name.
	{"stub", installStub, []string{"broken.example.org"}},
}

// TestShapes looks names up in a pod, with real libcs and through each shape.
func TestShapes(t *testing.T) {
	for _, shape := range shapes {
		t.Run(shape.about, func(t *testing.T) {
			startNode(t)
			c := startCluster(t)
			lab.ResolvConf(t, nodeResolvConf)
			lab.CoreDNS(t, company, map[string]string{"example.org.zone": companyZone})
			c.define(t)
			c.apply(t, parse(t, readFile(t, "testdata/world.yaml")))
			client := newPod(t, "client", clientIP, podResolvConf(shape.install(t, c)))
			for _, l := range lab.Libcs(t) {
				for _, n := range names {
					t.Run(l.Name+" "+n.name, func(t *testing.T) {
						a := client.look(t, l, n.name)
						found := a.Err == "OK" && slices.Equal(a.Addrs, []string{n.addr})
						if broken := l.Musl() && slices.Contains(shape.breaks, n.name); found == broken {
							t.Errorf("%s = %s %v; want %s: %v", n.name, a.Err, a.Addrs, n.addr, !broken)
						}
					})
				}
			}
		})
	}
}

// podResolvConf is the resolv.conf that a kubelet gives to a pod in namespace dnscheck.
func podResolvConf(nameserver string) string {
	return "search dnscheck.svc.cluster.local svc.cluster.local cluster.local corp.example.com\nnameserver " +
		nameserver + "\noptions ndots:5\n"
}

// installNone leaves the cluster with the DNS it came with.
func installNone(t *testing.T, c *cluster) string {
	c.managedDNS(t, stock(t))
	return clusterDNS
}

func installReplace(t *testing.T, c *cluster) string {
	p := newPod(t, "muslsafe", oursIP, nodeResolvConf)
	objects := render(t, "overlays/replace")
	c.install(t, p, objects)
	c.selects(t, "kube-dns", objects)
	p.serve(t, clusterDNS)
	return clusterDNS
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
	c.install(t, newPod(t, "muslsafe", oursIP, nodeResolvConf), objects)
	return oursIP
}

func installUpstream(t *testing.T, c *cluster) string {
	addr := c.installService(t, "overlays/upstream")
	c.managedDNS(t, corefileOfEKS(t, addr))
	return clusterDNS
}

// corefileOfEKS is that of the page for EKS, with muslsafe at addr.
func corefileOfEKS(t *testing.T, addr string) string {
	t.Helper()
	_, dir := execute(t, root+"/build/kustomize/platforms/eks.md")
	var values struct{ Corefile string }
	if err := yaml.UnmarshalStrict([]byte(readFile(t, dir+"/coredns.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	return strings.Replace(values.Corefile, documentedIP, addr, 1)
}

func installStub(t *testing.T, c *cluster) string {
	addr := c.installService(t, "overlays/stub")
	given, _ := execute(t, root+"/build/kustomize/platforms/aks.md")
	custom := pick[core.ConfigMap](t, parse(t, given[0]), "ConfigMap", "coredns-custom").Data["muslsafe.server"]
	c.managedDNS(t, stock(t)+strings.Replace(custom, documentedIP, addr, 1))
	return clusterDNS
}

// installService installs an overlay that serves at the address of a Service, and returns it.
func (c *cluster) installService(t *testing.T, overlay string) string {
	t.Helper()
	objects := render(t, overlay)
	p := newPod(t, "muslsafe", oursIP, nodeResolvConf)
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
	return strings.Replace(readFile(t, root+"/corefile-examples/in-cluster/Corefile"), "    muslsafe\n", "", 1)
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
	p := newPod(t, "coredns", managedIP, nodeResolvConf)
	c.install(t, p, objects)
	p.serve(t, clusterDNS)
	return p
}
