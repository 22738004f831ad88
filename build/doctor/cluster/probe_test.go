package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestReadProbe(t *testing.T) {
	const good = `{"servers":["10.96.0.10:53"],"search":["default.svc.cluster.local"],"ndots":5,"names":[{"name":"x","status":"healthy","lookups":[],"hazards":[]}],"later":1}`
	p, err := ReadProbe([]byte(good))
	if err != nil || p.Servers[0] != "10.96.0.10:53" || p.Ndots != 5 || p.Names[0].Status != "healthy" {
		t.Errorf("ReadProbe = %+v, %v", p, err)
	}
	among := "doctor: something else went wrong\n" + strings.ReplaceAll(good, `"later":1}`, "\"later\":1\n}") + "\ndoctor: and that\n"
	if p, err := ReadProbe([]byte(among)); err != nil || p.Ndots != 5 {
		t.Errorf("among errors: %+v, %v", p, err)
	}
	for log, want := range map[string]string{
		"":                    "is the image one of doctor",
		"{}":                  "no names in it",
		"exec format error\n": "doctor says: exec format error",
		"doctor: open /etc/resolv.conf: no such file or directory": "doctor says: doctor: open /etc/resolv.conf",
		good[:40]: "cannot be read",
	} {
		if _, err := ReadProbe([]byte(log)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", log, err, want)
		}
	}
}

func TestTargets(t *testing.T) {
	s := readState(t, `
kind: Node
metadata: {name: node-1}
status: {conditions: [{type: Ready, status: "True"}], nodeInfo: {operatingSystem: linux}}
---
kind: Node
metadata: {name: node-2}
status: {conditions: [{type: Ready, status: Unknown}], nodeInfo: {operatingSystem: linux}}
---
kind: Node
metadata: {name: win-1}
status: {conditions: [{type: Ready, status: "True"}], nodeInfo: {operatingSystem: windows}}
---
kind: Node
metadata: {name: virtual-1, labels: {type: virtual-kubelet}}
status: {conditions: [{type: Ready, status: "True"}], nodeInfo: {operatingSystem: linux}}
`)
	tests := []struct {
		names   []string
		targets []string
		others  int
		err     string
	}{
		{nil, []string{"node-1"}, 3, ""},
		{[]string{"node-1"}, []string{"node-1"}, 0, ""},
		{[]string{"node-2"}, nil, 1, ""},
		{[]string{"node-1", "node-3"}, nil, 0, `no node "node-3"; expect one of node-1, node-2, win-1, virtual-1`},
	}
	for _, tc := range tests {
		targets, others, err := Targets(s.Nodes, tc.names)
		if !slices.Equal(targets, tc.targets) || len(others) != tc.others || fmt.Sprint(err) != tc.err && (err != nil || tc.err != "") {
			t.Errorf("Targets(%q) = %q, %v, %v; want %q, %d others, %q", tc.names, targets, others, err, tc.targets, tc.others, tc.err)
		}
	}
}

func TestNodes(t *testing.T) {
	differ := func(level string) string {
		return level + " search-differs: nodes node-3: their search domains (example.net) are not those of most nodes (example.com)"
	}
	probes := []Probe{probeOn("node-3", "example.net"), probeOn("node-1", "example.com"), probeOn("node-2", "example.com"), {Node: "node-4", Error: "it is not ready"}}
	missing := `hazard muslsafe-missing: namespace kube-system, ConfigMap coredns, Corefile:1: server block "." has no muslsafe`
	checkFindings(t, []findingCase{
		{"all the same", coreDNS(with("ttl 30")), probes[1:3], nil},
		{"one differs", coreDNS(with("ttl 30")), probes, []string{differ("hazard")}},
		{"one differs, without muslsafe", coreDNS(". {\n    forward . 192.0.2.53\n}"), probes, []string{missing, differ("advice")}},
		{"all are listed", coreDNS(with("search example.com example.net")), probes, nil},
		{"one is not", coreDNS(with("search example.com")), probes, []string{
			"hazard search-unlisted: Service kube-system/kube-dns: the search domain example.net of the nodes is not in the list of muslsafe (example.com)"}},
		{"a file lists them", coreDNS(with("search /etc/node/resolv.conf")), probes[1:3], nil},
		{"what a pod says of itself is not of its node", coreDNS(with("ttl 30")), []Probe{probes[1], {Node: "node-1", Pod: "shop/web", Search: []string{"example.net"}}}, nil},
	})
	views := views(probes)
	if len(views) != 2 || fmt.Sprint(views[0].Nodes) != "[node-1 node-2]" || fmt.Sprint(nodeSearch(views)) != "[example.com example.net]" {
		t.Errorf("views %+v; want those of most nodes first", views)
	}
}

func TestDomainsOfNode(t *testing.T) {
	for search, want := range map[string]string{
		"default.svc.cluster.local svc.cluster.local cluster.local example.com example.net": "example.com example.net",
		"default.svc.cluster.local svc.cluster.local cluster.local":                         "",
		"example.com":     "example.com",
		"svc.example.com": "svc.example.com",
		"":                "",
	} {
		if got := strings.Join(domainsOfNode(strings.Fields(search)), " "); got != want {
			t.Errorf("domainsOfNode(%q) = %q; want %q", search, got, want)
		}
	}
}

func TestOutcome(t *testing.T) {
	tests := []struct {
		about, status string
		want          Outcome
		waiting       string
	}{
		{"new", "{}", Outcome{}, "its container still runs, or has not started"},
		{"no room", "{conditions: [{type: PodScheduled, status: 'False', message: too many pods}]}", Outcome{}, "it is not scheduled: too many pods"},
		{"the first failure to pull", "{containerStatuses: [{name: doctor, state: {waiting: {reason: ErrImagePull, message: no such image}}}]}", Outcome{}, "ErrImagePull no such image"},
		{"the second", "{containerStatuses: [{name: doctor, state: {waiting: {reason: ImagePullBackOff, message: Back-off}}}]}", Outcome{Stuck: "ImagePullBackOff: Back-off"}, "ImagePullBackOff Back-off"},
		{"another container", "{containerStatuses: [{name: proxy, state: {terminated: {exitCode: 1}}}]}", Outcome{}, "its container still runs, or has not started"},
		{"ended", "{containerStatuses: [{name: proxy, state: {running: {}}}, {name: doctor, state: {terminated: {exitCode: 1}}}]}", Outcome{Ended: true}, "its container still runs, or has not started"},
		{"ended, ephemeral", "{ephemeralContainerStatuses: [{name: doctor, state: {terminated: {exitCode: 0}}}]}", Outcome{Ended: true}, "its container still runs, or has not started"},
		{"another program", "{containerStatuses: [{name: doctor, state: {terminated: {exitCode: 128, reason: StartError, message: no such file}}}]}", Outcome{Stuck: "StartError: no such file"}, "its container still runs, or has not started"},
		{"evicted", "{phase: Failed, reason: Evicted, message: disk pressure}", Outcome{Stuck: "Evicted: disk pressure"}, "its container still runs, or has not started"},
	}
	for _, tc := range tests {
		var pods []Pod
		s := "kind: Pod\nmetadata: {name: p}\nstatus: " + tc.status
		pods = append(pods, onePod(t, s))
		if got := OutcomeOf(pods[0], ContainerName); got != tc.want {
			t.Errorf("%s: %+v; want %+v", tc.about, got, tc.want)
		}
		if got := Waiting(pods[0], ContainerName); got != tc.waiting {
			t.Errorf("%s: waits for %q; want %q", tc.about, got, tc.waiting)
		}
	}
}

func TestProfile(t *testing.T) {
	for context, want := range map[string]string{
		"{}": "restricted", "{runAsUser: 0}": "baseline", "{runAsUser: 1000}": "restricted", "{runAsUser: 0, runAsNonRoot: true}": "restricted",
	} {
		if got := Profile(onePod(t, "kind: Pod\nspec: {securityContext: "+context+"}")); got != want {
			t.Errorf("Profile(%s) = %s; want %s", context, got, want)
		}
	}
}

// TestManifest reads the pods as a cluster does; that one admits and runs them is for the tests with a cluster.
func TestManifest(t *testing.T) {
	var list struct{ Items []Pod }
	if err := json.Unmarshal(Manifest("1234abcd", "doctor:v1", []string{"node-1", "node-2"}, []string{"--json", "--", "x"}), &list); err != nil {
		t.Fatal(err)
	}
	for i, p := range list.Items {
		if p.Metadata.Name != fmt.Sprintf("muslsafe-doctor-1234abcd-%d", i) || p.Metadata.Labels[RunLabel] != "1234abcd" || p.Spec.Containers[0].Image != "doctor:v1" {
			t.Errorf("pod %+v", p)
		}
	}
	if len(list.Items) != 2 {
		t.Errorf("%d pods; want 2", len(list.Items))
	}
}
