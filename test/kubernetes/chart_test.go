//go:build chart

package kubernetes

import (
	"flag"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// These tests need the chart, which is not in this repository: make chart fetches it.
var (
	helm  = flag.String("helm", "helm", "the program")
	chart = flag.String("chart", "", "the folder of the chart of CoreDNS")
)

// TestChart renders the chart with the values, by the command that they document, and gives the objects to a Kubernetes API.
// The Corefile must be that of the example, and pods must have the rights of the base and the resolvers of the node.
func TestChart(t *testing.T) {
	_, base := workload(t, render(t, "overlays/upstream"))
	for name, tc := range map[string]struct{ example, service string }{
		"replace":  {"in-cluster", "kube-dns"},
		"upstream": {"upstream", "muslsafe-coredns"},
	} {
		t.Run(name, func(t *testing.T) {
			objects := template(t, name)
			config := pick[core.ConfigMap](t, objects, "ConfigMap", "")
			want := tokens(lab.ReadFile(t, root+"/corefile-examples/"+tc.example+"/Corefile"))
			if got := tokens(config.Data["Corefile"]); !slices.Equal(got, want) {
				t.Errorf("Corefile %v; want that of example %s, %v", got, tc.example, want)
			}
			namespace, made := workload(t, objects)
			if made.Spec.DNSPolicy != core.DNSDefault {
				t.Errorf("dnsPolicy %q; want %s, as the DNS of the cluster may be the one that asks", made.Spec.DNSPolicy, core.DNSDefault)
			}
			if got, want := asYAML(t, made.Spec.SecurityContext), asYAML(t, base.Spec.SecurityContext); got != want {
				t.Errorf("security context of the pod:\n%s\nwant that of the base:\n%s", got, want)
			}
			if got, want := asYAML(t, made.Spec.Containers[0].SecurityContext), asYAML(t, base.Spec.Containers[0].SecurityContext); got != want {
				t.Errorf("security context of the container:\n%s\nwant that of the base:\n%s", got, want)
			}
			if image := made.Spec.Containers[0].Image; image != "muslsafe/coredns:latest" {
				t.Errorf("image %s; want ours", image)
			}
			service := pick[core.Service](t, objects, "Service", tc.service)
			for key, value := range service.Spec.Selector {
				if made.Labels[key] != value {
					t.Errorf("the Service selects %v, and pods have %v", service.Spec.Selector, made.Labels)
				}
			}
			c := startCluster(t)
			c.define(t)
			c.furnish(t, namespace)
			c.apply(t, objects)
			c.apply(t, objects, meta.DryRunAll)
			c.admit(t, objects)
		})
	}
}

// furnish makes the namespace as build/kustomize has it, which the values for upstream share.
func (c *cluster) furnish(t *testing.T, namespace string) {
	t.Helper()
	if namespace == meta.NamespaceSystem {
		return
	}
	for _, o := range render(t, "namespace") {
		if o.GetKind() != "Namespace" {
			o.SetNamespace(namespace)
		}
		c.apply(t, []*unstructured.Unstructured{o})
	}
	account := &core.ServiceAccount{ObjectMeta: meta.ObjectMeta{Name: "default", Namespace: namespace}} // its controller makes it
	if _, err := c.client.CoreV1().ServiceAccounts(namespace).Create(t.Context(), account, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// documented is the command in the comment at the top of the values.
var documented = regexp.MustCompile(`#   helm install (\w+) oci://\S+ (--namespace (\S+)[^\\]*) \\\n#     (.*)\n`)

// template runs the documented command, with "template" for "install" and the folder of the chart for its address.
func template(t *testing.T, name string) []*unstructured.Unstructured {
	t.Helper()
	m := documented.FindStringSubmatch(lab.ReadFile(t, root+"/build/helm/"+name+".yaml"))
	if m == nil {
		t.Fatalf("%s.yaml documents no command", name)
	}
	cmd := exec.Command(*helm, append([]string{"template", m[1], *chart}, strings.Fields(m[2]+" "+m[4])...)...)
	cmd.Dir = root
	var notices strings.Builder
	cmd.Stderr = &notices
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, &notices)
	}
	text := strings.TrimPrefix(string(out), "---\n")
	objects := parse(t, regexp.MustCompile(`(?m)^# Source: .*\n`).ReplaceAllString(text, ""))
	return slices.DeleteFunc(objects, func(o *unstructured.Unstructured) bool { return len(o.Object) == 0 })
}

// TestChartValues compares the names in testdata with those of the chart.
func TestChartValues(t *testing.T) {
	var values map[string]any
	if err := yaml.Unmarshal([]byte(lab.ReadFile(t, *chart+"/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for key, value := range values {
		want[key] = true
		below, _ := value.(map[string]any)
		for name := range below {
			want[key+"."+name] = true
		}
	}
	if got := chartValues(t); !maps.Equal(got, want) {
		t.Errorf("testdata/chart-values.txt differs from the chart; want\n%s", strings.Join(slices.Sorted(maps.Keys(want)), "\n"))
	}
	if version := fmt.Sprint(chartVersion(t)); !strings.Contains(lab.ReadFile(t, "testdata/chart-values.txt"), "coredns "+version+",") {
		t.Errorf("testdata/chart-values.txt is not about version %s", version)
	}
}

func chartVersion(t *testing.T) any {
	t.Helper()
	var about map[string]any
	if err := yaml.Unmarshal([]byte(lab.ReadFile(t, *chart+"/Chart.yaml")), &about); err != nil {
		t.Fatal(err)
	}
	return about["version"]
}
