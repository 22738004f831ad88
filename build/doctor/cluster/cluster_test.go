package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// readState returns the state of a cluster with objects, as documents in YAML.
func readState(t *testing.T, objects string) State {
	t.Helper()
	s := State{Version: "v1.36.3", Nodes: []Node{}, Namespaces: []Namespace{}, Services: []Service{}, Pods: NewPods()}
	d := yaml.NewDecoder(strings.NewReader(objects))
	for {
		var o map[string]any
		err := d.Decode(&o)
		if errors.Is(err, io.EOF) {
			return s
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, objects)
		}
		switch kind := o["kind"]; kind {
		case nil: // nothing behind the last line between documents
		case "Node":
			s.Nodes = append(s.Nodes, as[Node](t, o))
		case "Namespace":
			s.Namespaces = append(s.Namespaces, as[Namespace](t, o))
		case "Service":
			s.Services = append(s.Services, as[Service](t, o))
		case "Deployment", "DaemonSet":
			s.Workloads = append(s.Workloads, as[Workload](t, o))
		case "ConfigMap":
			s.ConfigMaps = append(s.ConfigMaps, as[ConfigMap](t, o))
		case "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy":
			s.Policies = append(s.Policies, as[Policy](t, o))
		case "Pod":
			s.Pods.Add(as[Pod](t, o))
		default:
			t.Fatalf("objects of kind %v are not read", kind)
		}
	}
}

// as makes a value of an object, by its JSON.
func as[T any](t *testing.T, o map[string]any) (v T) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// coreDNS returns the cluster DNS of kubeadm with a Corefile.
func coreDNS(corefile string) string {
	return `
kind: Service
metadata: {name: kube-dns, namespace: kube-system, labels: {k8s-app: kube-dns}}
spec: {clusterIP: 10.96.0.10, clusterIPs: [10.96.0.10], selector: {k8s-app: kube-dns}, ports: [{port: 53}]}
---
kind: Deployment
metadata: {name: coredns, namespace: kube-system}
spec:
  replicas: 2
  template:
    metadata: {labels: {k8s-app: kube-dns}}
    spec:
      containers: [{image: registry.example.com/coredns:v1.15.0}]
      volumes: [{configMap: {name: coredns}}]
status: {readyReplicas: 1}
---
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data:
  Corefile: |
    ` + strings.ReplaceAll(strings.TrimSpace(corefile), "\n", "\n    ") + "\n---\n"
}

// with returns a Corefile that has muslsafe with properties, and nothing to complain of.
func with(properties string) string {
	return ".:53 {\n    muslsafe {\n        " + properties + "\n    }\n    kubernetes cluster.local\n    forward . 192.0.2.53\n}"
}

// findings writes what was found without its reasons.
func findings(r Report) (all []string) {
	for _, f := range r.Findings {
		all = append(all, fmt.Sprintf("%s %s: %s: %s", f.Level, f.Rule, f.Where, f.What))
	}
	return all
}

// findingCase is a cluster and what is found there.
type findingCase struct {
	about   string
	objects string
	probes  []Probe
	want    []string
}

func checkFindings(t *testing.T, tests []findingCase) {
	t.Helper()
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			s := readState(t, tc.objects)
			s.Probes = tc.probes
			r := Examine(s)
			if got := findings(r); !slices.Equal(got, tc.want) {
				t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
			}
			for _, f := range r.Findings {
				if f.Why == "" || f.Instead == "" {
					t.Errorf("%+v; want a reason and an alternative", f)
				}
			}
			if len(r.Lacking) > 0 {
				t.Errorf("lacking %v", r.Lacking)
			}
		})
	}
}

// probeOn is what doctor finds on a node.
func probeOn(name string, domains ...string) Probe {
	return Probe{
		Node: name, Servers: []string{"10.96.0.10:53"}, Ndots: 5,
		Search: append([]string{"default.svc.cluster.local", "svc.cluster.local", "cluster.local"}, domains...),
	}
}

// onePod returns the pod of a document.
func onePod(t *testing.T, text string) Pod {
	t.Helper()
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return as[Pod](t, o)
}
