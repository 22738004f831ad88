package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// values is the part of the chart's values that these tests compare.
type values struct {
	Image   struct{ Repository, Tag string }
	Servers []struct {
		Zones []struct {
			Scheme, Zone string
			TCP          bool `json:"use_tcp"`
		}
		Port    int
		Plugins []struct {
			Name        string
			Parameters  any // a number too
			ConfigBlock string
		}
	}
	ReadinessProbe     core.Probe
	PodSecurityContext *core.PodSecurityContext
	SecurityContext    *core.SecurityContext
}

// TestHelm compares the values for the chart of CoreDNS with the example that they stand for, and what they let a pod do
// with the base.
func TestHelm(t *testing.T) {
	_, template := workload(t, render(t, "overlays/upstream"))
	for name, example := range map[string]string{"replace": "in-cluster", "upstream": "upstream"} {
		t.Run(name, func(t *testing.T) {
			var v values
			if err := yaml.Unmarshal([]byte(lab.ReadFile(t, root+"/build/helm/"+name+".yaml")), &v); err != nil {
				t.Fatal(err)
			}
			want := tokens(lab.ReadFile(t, root+"/corefile-examples/"+example+"/Corefile"))
			if got := tokens(v.corefile()); !slices.Equal(got, want) {
				t.Errorf("Corefile %v; want that of example %s, %v", got, example, want)
			}
			probe := template.Spec.Containers[0].ReadinessProbe
			if v.ReadinessProbe.PeriodSeconds != probe.PeriodSeconds || v.ReadinessProbe.FailureThreshold != probe.FailureThreshold {
				t.Errorf("readinessProbe %+v; want the times of the base, %+v", v.ReadinessProbe, probe)
			}
			if got, want := asYAML(t, v.PodSecurityContext), asYAML(t, template.Spec.SecurityContext); got != want {
				t.Errorf("podSecurityContext:\n%s\nwant that of the base:\n%s", got, want)
			}
			if got, want := asYAML(t, v.SecurityContext), asYAML(t, template.Spec.Containers[0].SecurityContext); got != want {
				t.Errorf("securityContext:\n%s\nwant that of the base:\n%s", got, want)
			}
		})
	}
}

// chartValues returns the names of the values that the chart has by default, two levels deep.
func chartValues(t *testing.T) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for line := range strings.Lines(lab.ReadFile(t, "testdata/chart-values.txt")) {
		if !strings.HasPrefix(line, "#") {
			names[strings.TrimSpace(line)] = true
		}
	}
	return names
}

// TestHelmNames holds that the chart knows the names of the values. It ignores the ones that it does not know, and dnsPolicy where
// the server is not that of a cluster.
func TestHelmNames(t *testing.T) {
	known := chartValues(t)
	known["k8sAppLabelOverride"] = true // which the chart has in a comment
	for _, file := range []string{"replace", "upstream"} {
		var values map[string]any
		if err := yaml.UnmarshalStrict([]byte(lab.ReadFile(t, root+"/build/helm/"+file+".yaml")), &values); err != nil {
			t.Fatal(err)
		}
		for key, value := range values {
			if !known[key] {
				t.Errorf("%s.yaml has %s, which the chart does not know", file, key)
			}
			below, _ := value.(map[string]any)
			for name := range below {
				if takesNames(known, key) && !known[key+"."+name] {
					t.Errorf("%s.yaml has %s.%s, which the chart does not know", file, key, name)
				}
			}
		}
		if values["isClusterService"] != true {
			t.Errorf("%s.yaml has isClusterService %v; want true, or pods get dnsPolicy ClusterFirst", file, values["isClusterService"])
		}
	}
}

// takesNames reports whether a value has names of its own by default. Others are copied into the objects as they are.
func takesNames(known map[string]bool, key string) bool {
	for name := range known {
		if strings.HasPrefix(name, key+".") {
			return true
		}
	}
	return false
}

// TestHelmChartConfig compares what the page for RKE2 takes from the values with the same example.
func TestHelmChartConfig(t *testing.T) {
	given, _ := execute(t, root+"/build/kustomize/platforms/k3s-rke2.md")
	content, _, err := unstructured.NestedString(parse(t, given[0])[0].Object, "spec", "valuesContent")
	if err != nil {
		t.Fatal(err)
	}
	var v values
	if err := yaml.UnmarshalStrict([]byte(content), &v); err != nil {
		t.Fatalf("%v in:\n%s", err, content)
	}
	if got, want := tokens(v.corefile()), tokens(lab.ReadFile(t, root+"/corefile-examples/in-cluster/Corefile")); !slices.Equal(got, want) {
		t.Errorf("Corefile %v; want that of example in-cluster, %v", got, want)
	}
	if v.Image.Repository != "muslsafe/coredns" || v.PodSecurityContext == nil || v.SecurityContext == nil {
		t.Errorf("values without image or security context:\n%s", content)
	}
}

// corefile is what the chart makes of the values: a block for each server, a line or block for each plugin.
func (v values) corefile() string {
	var b strings.Builder
	for _, s := range v.Servers {
		for _, z := range s.Zones {
			fmt.Fprintf(&b, "%s%s:%d ", z.Scheme, z.Zone, s.Port)
		}
		b.WriteString("{\n")
		for _, p := range s.Plugins {
			b.WriteString(p.Name)
			if p.Parameters != nil {
				fmt.Fprintf(&b, " %v", p.Parameters)
			}
			if p.ConfigBlock != "" {
				fmt.Fprintf(&b, " {\n%s\n}", p.ConfigBlock)
			}
			b.WriteString("\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// tokens returns the words of a Corefile without its comments and the scheme that is the default; a line ends with a
// word of its own.
func tokens(corefile string) []string {
	var list []string
	for line := range strings.Lines(corefile) {
		line, _, _ = strings.Cut(strings.TrimPrefix(line, "dns://"), "#")
		if words := strings.Fields(line); len(words) > 0 {
			list = append(append(list, words...), ";")
		}
	}
	return list
}

func asYAML(t *testing.T, v any) string {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
