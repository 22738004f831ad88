package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func service(namespace, name, labels, ip string) string {
	return fmt.Sprintf("kind: Service\nmetadata: {name: %s, namespace: %s, labels: {%s}}\nspec: {clusterIP: %s, ports: [{port: 53}]}\n---\n", name, namespace, labels, ip)
}

func TestDNSService(t *testing.T) {
	label := "k8s-app: kube-dns"
	tests := []struct{ about, objects, want string }{
		{"kubeadm", service("kube-system", "kube-dns", label, "10.96.0.10"), "kube-system/kube-dns"},
		{"OpenShift", service("openshift-dns", "dns-default", "", "172.30.0.10"), "openshift-dns/dns-default"},
		{"a chart", service("kube-system", "rke2-coredns-rke2-coredns", label, "10.43.0.10"), "kube-system/rke2-coredns-rke2-coredns"},
		{"no label", service("kube-system", "coredns", "", "10.96.0.10"), "kube-system/coredns"},
		{"beside that of NodeLocal DNSCache", service("kube-system", "kube-dns-upstream", label, "10.96.0.9") + service("kube-system", "kube-dns", label, "10.96.0.10"), "kube-system/kube-dns"},
		{"a name before a label", service("kube-system", "other", label, "10.96.0.9") + service("kube-system", "kube-dns", "", "10.96.0.10"), "kube-system/kube-dns"},
		{"headless", service("kube-system", "kube-dns", label, "None"), ""},
		{"elsewhere", service("dns", "kube-dns", label, "10.96.0.10"), ""},
		{"none", "", ""},
	}
	for _, tc := range tests {
		s := readState(t, tc.objects)
		d := findDNS(s)
		if d.Service != tc.want || (d.Found == Yes) != (tc.want != "") {
			t.Errorf("%s: Service %q, %s; want %q", tc.about, d.Service, d.Found, tc.want)
		}
	}
	if d := findDNS(State{}); d.Found != Unknown {
		t.Errorf("Services that cannot be read: %s; want that it is not known", d.Found)
	}
}

func TestDNSWorkloads(t *testing.T) {
	r := Examine(readState(t, coreDNS(with("ttl 30"))))
	want := DNSServer{Name: "Deployment kube-system/coredns", Images: []string{"registry.example.com/coredns:v1.15.0"}, Ready: 1, Desired: 2}
	if len(r.DNS.Workloads) != 1 || fmt.Sprint(r.DNS.Workloads[0]) != fmt.Sprint(want) {
		t.Errorf("workloads %+v; want %+v", r.DNS.Workloads, want)
	}
	if r.DNS.Muslsafe != Yes || r.DNS.ClusterDomain != "cluster.local" || !slices.Equal(r.DNS.Addresses, []string{"10.96.0.10"}) {
		t.Errorf("DNS %+v", r.DNS)
	}
	if r := Examine(readState(t, service("kube-system", "kube-dns", "", "10.96.0.10"))); r.DNS.Muslsafe != Unknown {
		t.Errorf("without a Corefile, muslsafe: %s; want that it is not known", r.DNS.Muslsafe)
	}
}

// Corefiles that cannot be read are said to be so, and the rest is judged.
func TestBrokenCorefile(t *testing.T) {
	r := Examine(readState(t, coreDNS(". {\n    errors")))
	if len(r.Lacking) != 1 || r.Lacking[0].What != "the Corefile in namespace kube-system" || r.DNS.Muslsafe != Unknown {
		t.Errorf("lacking %v, muslsafe %s; want the Corefile", r.Lacking, r.DNS.Muslsafe)
	}
}

func TestClusterDomain(t *testing.T) {
	s := readState(t, coreDNS(". {\n    muslsafe\n    kubernetes Corp.Example.org. in-addr.arpa\n}"))
	if got := Examine(s).DNS.ClusterDomain; got != "corp.example.org" {
		t.Errorf("by the Corefile: %q; want corp.example.org", got)
	}
	s.Probes = []Probe{{Node: "node-1", Search: []string{"default.svc.example.net", "svc.example.net", "example.net", "example.com"}}}
	r := Examine(s)
	if r.DNS.ClusterDomain != "example.net" || !slices.Equal(r.Nodes[0].Domains, []string{"example.com"}) {
		t.Errorf("by a pod: %q, of the node %q; want example.net and example.com", r.DNS.ClusterDomain, r.Nodes[0].Domains)
	}
}

func TestWanted(t *testing.T) {
	s := readState(t, coreDNS(". {\n}")+nodeLocal(". {\n}")+cilium("")+`
kind: DaemonSet
metadata: {name: istio-cni-node, namespace: istio-system}
---
kind: Deployment
metadata: {name: other, namespace: kube-system}
spec: {template: {spec: {volumes: [{configMap: {name: other}}]}}}
`)
	s.Workloads[0].Spec.Template.Spec.Volumes[0].Projected.Sources = []struct{ ConfigMap struct{ Name string } }{{struct{ Name string }{"coredns-custom"}}}
	want := [][2]string{
		{"istio-system", istioConfig}, {"kube-system", ciliumConfig}, {"kube-system", "coredns"}, {"kube-system", "coredns-custom"}, {"kube-system", "node-local-dns"},
	}
	if got := Wanted(s); !slices.Equal(got, want) {
		t.Errorf("wanted %v; want %v", got, want)
	}
}

func TestTwoServers(t *testing.T) {
	second := "kind: Deployment\nmetadata: {name: muslsafe, namespace: kube-system}\nspec: {template: {metadata: {labels: {k8s-app: kube-dns}}}}\n"
	checkFindings(t, []findingCase{
		{"the old one and the new one", coreDNS(with("ttl 30")) + second, nil,
			[]string{"advice two-servers: Service kube-system/kube-dns: several workloads answer for it: Deployment kube-system/coredns, Deployment kube-system/muslsafe"}},
		{"the old one scaled to nothing", coreDNS(with("ttl 30")) + second + "---\n" + `
kind: DaemonSet
metadata: {name: old, namespace: kube-system}
spec: {template: {metadata: {labels: {k8s-app: kube-dns}}}}
status: {desiredNumberScheduled: 0}
`, nil, []string{"advice two-servers: Service kube-system/kube-dns: several workloads answer for it: Deployment kube-system/coredns, Deployment kube-system/muslsafe"}},
	})
}

// Where muslsafe is in front of the cluster DNS or behind it, a Corefile without it is as it should be.
func TestMuslsafeElsewhere(t *testing.T) {
	stock := coreDNS(". {\n    forward . 10.96.0.53\n}")
	missing := `muslsafe-missing: namespace kube-system, ConfigMap coredns, Corefile:1: server block "." has no muslsafe`
	ours := "kind: Service\nmetadata: {name: muslsafe, namespace: muslsafe}\nspec: {clusterIP: 10.96.0.53, selector: {app.kubernetes.io/name: muslsafe}}\n---\n"
	front := `
kind: DaemonSet
metadata: {name: muslsafe-node, namespace: kube-system}
spec: {template: {metadata: {labels: {app.kubernetes.io/instance: node-front}}, spec: {volumes: [{configMap: {name: muslsafe-node}}]}}}
---
kind: ConfigMap
metadata: {name: muslsafe-node, namespace: kube-system}
data:
  Corefile: |
    . {
        muslsafe {
            complete
        }
        forward . /etc/resolv.conf
    }
---
`
	checkFindings(t, []findingCase{
		{"nowhere", stock, nil, []string{"hazard " + missing}},
		{"behind it", stock + ours, nil, []string{"advice " + missing}},
		{"a Service that it does not ask", stock + strings.ReplaceAll(ours, "10.96.0.53", "10.96.0.54"), nil, []string{"hazard " + missing}},
		{"in front of it, with complete", stock + front + policy("egress", "{matchName: example.org}", ""), nil, []string{"advice " + missing,
			"hazard tofqdns: CiliumNetworkPolicy shop/egress: toFQDNs allows example.org, which pods find by an alias: complete answers the first name of the search"}},
	})
	if r := Examine(readState(t, stock+front)); r.DNS.Muslsafe != No {
		t.Errorf("the cluster DNS has muslsafe: %s; want no", r.DNS.Muslsafe)
	}
}
