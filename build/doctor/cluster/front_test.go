package cluster

import (
	"slices"
	"strings"
	"testing"
)

// nodeLocal is NodeLocal DNSCache with a Corefile.
func nodeLocal(corefile string) string {
	return `
kind: DaemonSet
metadata: {name: node-local-dns, namespace: kube-system, labels: {k8s-app: node-local-dns}}
spec: {template: {spec: {volumes: [{configMap: {name: node-local-dns}}]}}}
---
kind: ConfigMap
metadata: {name: node-local-dns, namespace: kube-system}
data:
  Corefile: |
    ` + strings.ReplaceAll(corefile, "\n", "\n    ") + "\n---\n"
}

// cilium is the agent of Cilium with a setting.
func cilium(setting string) string {
	return `
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system, labels: {k8s-app: cilium}}
---
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {` + setting + "}\n---\n"
}

const ztunnel = "kind: DaemonSet\nmetadata: {name: ztunnel, namespace: istio-system}\n---\n"

func TestFronts(t *testing.T) {
	tests := []struct {
		about, objects string
		probes         []Probe
		want           []string
		means          string // in what the last one means
	}{
		{"nothing", coreDNS(with("ttl 30")), []Probe{probeOn("node-1")}, nil, ""},
		{"NodeLocal DNSCache", nodeLocal(". {\n}"), nil, []string{"NodeLocal DNSCache"}, "a Corefile of its own"},
		{"that of kubespray", "kind: DaemonSet\nmetadata: {name: nodelocaldns, namespace: kube-system}\n", nil, []string{"NodeLocal DNSCache"}, ""},
		{"muslsafe on the nodes", "kind: DaemonSet\nmetadata: {name: muslsafe-node}\nspec: {template: {metadata: {labels: {app.kubernetes.io/instance: node-front}}}}\n", nil, []string{"muslsafe"}, "every query"},
		{"Cilium", cilium(""), nil, []string{"Cilium"}, "DNS rules"},
		{"Cilium of GKE", "kind: DaemonSet\nmetadata: {name: anetd, namespace: kube-system}\n", nil, []string{"Cilium"}, ""},
		{"Istio ambient", ztunnel + "kind: Namespace\nmetadata: {name: shop, labels: {istio.io/dataplane-mode: ambient}}\n", nil, []string{"Istio ambient"}, "in the mesh: shop"},
		{"Istio ambient without DNS", ztunnel + "kind: DaemonSet\nmetadata: {name: istio-cni-node, namespace: istio-system}\n---\n" +
			"kind: ConfigMap\nmetadata: {name: istio-cni-config, namespace: istio-system}\ndata: {AMBIENT_DNS_CAPTURE: \"false\"}\n", nil, []string{"Istio ambient"}, "does not capture DNS"},
		{"AKS LocalDNS", "kind: Node\nmetadata: {name: aks-1, labels: {kubernetes.azure.com/localdns-state: enabled}}\n", nil, []string{"AKS LocalDNS"}, "node pool"},
		{"LocalDNS switched off", "kind: Node\nmetadata: {name: aks-1, labels: {kubernetes.azure.com/localdns-state: disabled}}\n", nil, nil, ""},
		{"a known address", coreDNS(with("ttl 30")), []Probe{{Node: "node-1", Servers: []string{"169.254.20.10:53"}}}, []string{"name server 169.254.20.10"}, "on the node"},
		{"an unknown address, twice", coreDNS(with("ttl 30")), []Probe{{Node: "node-1", Servers: []string{"192.0.2.7:53"}}, {Node: "node-2", Servers: []string{"192.0.2.7:53"}}},
			[]string{"name server 192.0.2.7"}, "is not the Service kube-system/kube-dns"},
		{"one that a pod has chosen", coreDNS(with("ttl 30")), []Probe{{Node: "node-1", Pod: "shop/web", Servers: []string{"192.0.2.7:53"}}}, nil, ""},
	}
	for _, tc := range tests {
		s := readState(t, tc.objects)
		s.Probes = tc.probes
		var got []string
		last := ""
		for _, f := range Examine(s).Fronts {
			got, last = append(got, f.Kind), f.Means
		}
		if !slices.Equal(got, tc.want) || !strings.Contains(last, tc.means) {
			t.Errorf("%s: %q, %q; want %q, %q", tc.about, got, last, tc.want, tc.means)
		}
	}
}

func TestBypasses(t *testing.T) {
	past := func(level, to string) string {
		return level + " front-bypass: DaemonSet kube-system/node-local-dns: it forwards . to " + to + ", past the cluster DNS"
	}
	upstream := service("kube-system", "kube-dns-upstream", "", "10.96.0.11")
	ours := coreDNS(with("ttl 30"))
	checkFindings(t, []findingCase{
		{"to the resolvers of the node", ours + nodeLocal(". {\n    forward . /etc/resolv.conf\n}"), nil, []string{past("hazard", "/etc/resolv.conf")}},
		{"to what NodeLocal DNSCache puts in", ours + nodeLocal(". {\n    forward . __PILLAR__UPSTREAM__SERVERS__\n}"), nil, []string{past("hazard", "__PILLAR__UPSTREAM__SERVERS__")}},
		{"without muslsafe behind it", coreDNS(". {\n    forward . 192.0.2.53\n}") + nodeLocal(". {\n    forward . 192.0.2.53\n}"), nil, []string{
			`hazard muslsafe-missing: namespace kube-system, ConfigMap coredns, Corefile:1: server block "." has no muslsafe`, past("advice", "192.0.2.53")}},
		{"to the cluster DNS", ours + nodeLocal(". {\n    forward . __PILLAR__CLUSTER__DNS__\n}"), nil, nil},
		{"to a Service of it", ours + upstream + nodeLocal(". {\n    forward . dns://10.96.0.11:53\n}"), nil, nil},
		{"names of the cluster alone", ours + nodeLocal("cluster.local {\n    forward . 192.0.2.53\n}"), nil, nil},
		{"muslsafe in front", ours + nodeLocal(". {\n    muslsafe\n    forward . 192.0.2.53\n}"), nil, nil},
		{"where to is not known", ours + nodeLocal(". {\n    forward . {$DOCTOR_TEST_NO_SUCH_VARIABLE}\n}"), nil, nil},
		{"its own hazards", ours + nodeLocal(". {\n    template ANY AAAA {\n        rcode NXDOMAIN\n    }\n    forward . __PILLAR__CLUSTER__DNS__\n}"), nil, []string{
			`hazard template-nxdomain: namespace kube-system, ConfigMap node-local-dns, Corefile:2: "template ANY AAAA" says that names do not exist`,
			`advice template-soa: namespace kube-system, ConfigMap node-local-dns, Corefile:2: "template ANY AAAA" answers without an SOA record`}},
	})
}
