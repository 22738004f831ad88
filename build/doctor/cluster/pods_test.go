package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// podWith is a pod with settings for DNS, in the style of YAML for a line.
func podWith(name, spec string) string {
	return fmt.Sprintf("kind: Pod\nmetadata: {name: %s, namespace: dnscheck}\nspec: {%s}\n---\n", name, spec)
}

func TestPods(t *testing.T) {
	of := func(rule string) string { return rule + ": 1 pod of dnscheck/web: " }
	own := func(options string) string { return podWith("web", "dnsConfig: {"+options+"}") }
	long := strings.Repeat("x", 50) + ".example.com"
	ours := coreDNS(with("ttl 30"))
	checkFindings(t, []findingCase{
		{"as it comes", ours + podWith("web", ""), nil, nil},
		{"ndots 4", ours + own(`options: [{name: ndots, value: "4"}]`), nil, nil},
		{"ndots 3", ours + own(`options: [{name: ndots, value: "3"}]`), nil, []string{
			"advice " + of("ndots") + "ndots is 3: musl never searches for names with 3 dots or more, such as db-0.db.dnscheck.svc"}},
		{"ndots 1", ours + own(`options: [{name: ndots, value: "1"}]`), nil, []string{
			"hazard " + of("ndots") + "ndots is 1: musl never searches for names with a dot, such as web.dnscheck"}},
		{"ndots 0", ours + own(`options: [{name: ndots, value: "0"}]`), nil, []string{
			"hazard " + of("ndots") + "ndots is 0: musl never searches for names with any number of dots, or none, such as web"}},
		{"ndots 1 with absolute", coreDNS(with("absolute")) + own(`options: [{name: ndots, value: "1"}]`), nil, nil},
		{"ndots 0 with absolute, which does not help names of one label", coreDNS(with("absolute")) + own(`options: [{name: ndots, value: "0"}]`), nil, []string{
			"hazard " + of("ndots") + "ndots is 0: musl never searches for names with any number of dots, or none, such as web"}},
		{"no policy, and no ndots", ours + podWith("web", "dnsPolicy: None, dnsConfig: {nameservers: [10.96.0.10], searches: [svc.cluster.local]}"), nil, []string{
			"hazard " + of("ndots") + "ndots is 1: musl never searches for names with a dot, such as web.dnscheck"}},
		{"nothing to search", ours + podWith("web", "dnsPolicy: None, dnsConfig: {nameservers: [10.96.0.10]}"), nil, nil},
		{"the DNS of the node", ours + podWith("web", "dnsPolicy: Default"), []Probe{probeOn("node-1", "example.com")}, nil},
		{"the network of the node", ours + podWith("web", "hostNetwork: true"), []Probe{probeOn("node-1", "example.com")}, nil},

		{"a search line of 254 octets", ours + own("searches: ["+strings.Repeat("y", 125)+", "+long+"]"), nil, []string{
			"advice " + of("search-of-pods") + "muslsafe does not know the search domain " + strings.Repeat("y", 125) + " " + long}},
		{"a search line of 255", ours + own("searches: ["+strings.Repeat("y", 126)+", "+long+"]"), nil, []string{
			"hazard " + of("search-line") + "the search line has 255 octets, with 5 domains: musl does not read it",
			"advice " + of("search-of-pods") + "muslsafe does not know the search domain " + strings.Repeat("y", 126) + " " + long}},
		{"a search line that is too long with those of the node", ours + own("searches: ["+long+"]"), []Probe{probeOn("node-1", strings.Repeat("z", 150))}, []string{
			"hazard " + of("search-line") + "the search line has 279 octets, with 5 domains: musl does not read it",
			"advice " + of("search-of-pods") + "muslsafe does not know the search domain " + long}},
	})
}

func TestPodServers(t *testing.T) {
	of := func(rule string) string { return rule + ": 1 pod of dnscheck/web: " }
	own := func(config string) string { return podWith("web", "dnsConfig: {"+config+"}") }
	ours := coreDNS(with("ttl 30"))
	checkFindings(t, []findingCase{
		{"one more", ours + own("nameservers: [192.0.2.53]"), nil, []string{
			"hazard " + of("nameservers") + "musl asks 10.96.0.10, 192.0.2.53 at the same time, and takes the first answer"}},
		{"a fourth, which nobody reads", ours + own(`nameservers: [192.0.2.1, 192.0.2.2, "2001:db8::53"]`), nil, []string{
			"hazard " + of("nameservers") + "musl asks 10.96.0.10, 192.0.2.1, 192.0.2.2 at the same time, and takes the first answer"}},
		{"Services", ours + service("dns", "other", "", "10.96.0.53") + own("nameservers: [10.96.0.53]"), nil, []string{
			"advice " + of("nameservers") + "musl asks 10.96.0.10, 10.96.0.53 at the same time, and takes the first answer"}},
		{"the same once more", ours + own("nameservers: [10.96.0.10]"), nil, nil},
		{"one of its own", ours + podWith("web", `dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.53], options: [{name: ndots, value: "5"}]}`), nil, nil},

		{"a lone dot", ours + own(`searches: ["."]`), nil, []string{"hazard " + of("search-dot") + "there is a lone dot in the search list"}},
		{"a lone dot with dot", coreDNS(with("dot")) + own(`searches: ["."]`), nil, nil},
		{"no attempts", ours + own(`options: [{name: attempts, value: "0"}]`), nil, []string{"hazard " + of("attempts") + "attempts is 0: musl divides by it, and the program crashes"}},
		{"no time", ours + own(`options: [{name: timeout, value: "0"}]`), nil, []string{"hazard " + of("timeout") + "timeout is 0: musl gives up before it asks"}},
		{"options without a meaning for musl", ours + own(`options: [{name: single-request-reopen}, {name: use-vc}]`), nil, nil},

		{"a search domain that muslsafe knows", coreDNS(with("search example.com")) + own("searches: [Example.com.]"), nil, nil},
		{"that of the node", ours + own("searches: [example.com]"), []Probe{probeOn("node-1", "example.com")}, nil},
		{"another namespace", ours + own("searches: [shop.svc.cluster.local]"), nil, nil},
		{"without muslsafe there is no list", coreDNS(". {\n    forward . 192.0.2.53\n}") + own("searches: [example.com]"), nil,
			[]string{`hazard muslsafe-missing: namespace kube-system, ConfigMap coredns, Corefile:1: server block "." has no muslsafe`}},
	})
}

// Pods are sorted by their settings, and known by what made them.
func TestGroups(t *testing.T) {
	made := func(name, kind, owner, labels string) string {
		return fmt.Sprintf("kind: Pod\nmetadata: {name: %s, namespace: shop, labels: {%s}, ownerReferences: [{kind: %s, name: %s}]}\n---\n", name, labels, kind, owner)
	}
	s := readState(t, made("web-7f9c-1", "ReplicaSet", "web-7f9c", "pod-template-hash: 7f9c")+made("web-7f9c-2", "ReplicaSet", "web-7f9c", "pod-template-hash: 7f9c")+
		made("db-0", "StatefulSet", "db", "")+made("static-node-1", "Node", "node-1", "")+podWith("alone", "dnsPolicy: ClusterFirst")+
		podWith("host", "hostNetwork: true")+podWith("host2", "hostNetwork: true, dnsPolicy: ClusterFirstWithHostNet")+
		podWith("own", "dnsConfig: {searches: [dnscheck.svc.example.net]}")+
		"kind: Pod\nmetadata: {name: over}\nstatus: {phase: Succeeded}\n---\n"+
		"kind: Pod\nmetadata: {name: ending, deletionTimestamp: '2026-11-22T02:10:00Z'}\nstatus: {phase: Running}\n---\n"+
		"kind: Pod\nmetadata: {name: doctor, labels: {"+RunLabel+": x}}\n")
	var got []string
	for _, g := range Examine(s).Pods {
		got = append(got, fmt.Sprintf("%d %s %v %v %v: %s", g.Count, g.Policy, g.HostNetwork, g.Searches, g.Owners, g.Asks))
	}
	want := []string{
		"5 ClusterFirst false [] [dnscheck/alone shop/db shop/static-node-1 shop/web]: the cluster DNS",
		"1 ClusterFirst true [] [dnscheck/host]: the DNS of the node, because of hostNetwork: no names of the cluster",
		"1 ClusterFirst false [NAMESPACE.svc.example.net] [dnscheck/own]: the cluster DNS",
		"1 ClusterFirstWithHostNet true [] [dnscheck/host2]: the cluster DNS",
	}
	if !slices.Equal(got, want) || s.Pods.Count() != 8 {
		t.Errorf("%d pods\n%s\nwant 8\n%s", s.Pods.Count(), strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if none := (*Pods)(nil); len(none.Groups()) != 0 || none.Count() != 0 {
		t.Error("pods that cannot be read are some")
	}
}

// A probe says whom pods ask that do not say it themselves.
func TestAsks(t *testing.T) {
	s := readState(t, coreDNS(with("ttl 30"))+podWith("web", "")+podWith("db", "dnsConfig: {nameservers: [192.0.2.53]}")+podWith("own", "dnsPolicy: None, dnsConfig: {nameservers: [192.0.2.53]}"))
	tests := []struct {
		probes []Probe
		want   string
	}{
		{nil, "the cluster DNS, and others; the cluster DNS; 192.0.2.53"},
		{[]Probe{probeOn("node-1")}, "the cluster DNS, and others; the cluster DNS; 192.0.2.53"},
		{[]Probe{{Node: "node-1", Servers: []string{"169.254.20.10:53"}}}, "169.254.20.10, as the kubelets say, and others; 169.254.20.10, as the kubelets say; 192.0.2.53"},
		{[]Probe{{Node: "node-1", Pod: "dnscheck/own", Servers: []string{"192.0.2.53:53"}}}, "the cluster DNS, and others; the cluster DNS; 192.0.2.53"},
	}
	for _, tc := range tests {
		s.Probes = tc.probes
		var got []string
		for _, g := range Examine(s).Pods {
			got = append(got, g.Asks)
		}
		if got := strings.Join(got, "; "); got != tc.want {
			t.Errorf("%+v: %s; want %s", tc.probes, got, tc.want)
		}
	}
}
