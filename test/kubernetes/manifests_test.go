package kubernetes

import (
	"path/filepath"
	"regexp"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// overlays are those of build/kustomize, each with the example whose Corefile it serves.
var overlays = map[string]string{
	"replace":           "in-cluster",
	"node-front":        "node-local",
	"node-front-cilium": "node-local",
	"upstream":          "upstream",
	"stub":              "stub",
	"pods":              "in-cluster",
}

// TestCorefiles compares the Corefile of each overlay with that of an example, and finds all overlays.
func TestCorefiles(t *testing.T) {
	folders, err := filepath.Glob(root + "/build/kustomize/overlays/*")
	if err != nil || len(folders) != len(overlays) {
		t.Errorf("overlays %v, %v; want %d", folders, err, len(overlays))
	}
	for overlay, example := range overlays {
		t.Run(overlay, func(t *testing.T) {
			config := pick[core.ConfigMap](t, render(t, "overlays/"+overlay), "ConfigMap", "")
			if want := lab.ReadFile(t, root+"/corefile-examples/"+example+"/Corefile"); config.Data["Corefile"] != want {
				t.Errorf("Corefile of %s is not that of example %s:\n%s", overlay, example, config.Data["Corefile"])
			}
		})
	}
}

// TestTogether finds no object in two overlays, so that a cluster can have both, and one of them can be deleted. Only
// node-front-cilium is meant to replace node-front.
func TestTogether(t *testing.T) {
	owner := map[string]string{}
	for overlay := range overlays {
		if overlay == "node-front-cilium" {
			continue
		}
		for _, o := range render(t, "overlays/"+overlay) {
			name := o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
			if other, ok := owner[name]; ok {
				t.Errorf("%s is in %s and in %s", name, overlay, other)
			}
			owner[name] = overlay
		}
	}
}

// TestBase finds nothing in the base that belongs to a cluster: no address, no domain, no namespace.
func TestBase(t *testing.T) {
	constant := regexp.MustCompile(`\d+\.\d+\.\d+\.\d+|cluster\.local|\.(com|org|net)\b|namespace:|k8s-app`)
	files, err := filepath.Glob(root + "/build/kustomize/base/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no base: %v", err)
	}
	for _, file := range files {
		if found := constant.FindString(lab.ReadFile(t, file)); found != "" {
			t.Errorf("%s has %q, which is that of a cluster", file, found)
		}
	}
}

// TestApply applies each overlay to an API of its own, twice, with strict validation: the second time changes nothing.
// The API admits a pod of it, under the Pod Security Standard of its namespace.
func TestApply(t *testing.T) {
	for overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			c := startCluster(t)
			c.define(t)
			objects := render(t, "overlays/"+overlay)
			applied := c.apply(t, objects)
			for i, again := range c.apply(t, objects, meta.DryRunAll) {
				before, after := withoutTimes(applied[i]), withoutTimes(again)
				if !equality.Semantic.DeepEqual(before, after) {
					t.Errorf("%s %s is changed by a second apply:\n%v\n%v", again.GetKind(), again.GetName(), before, after)
				}
			}
			c.admit(t, objects)
		})
	}
}

// define adds what a cluster has and an API server by itself has not: the kinds of Cilium, and a quota for critical
// pods in kube-system.
func (c *cluster) define(t *testing.T) {
	t.Helper()
	c.apply(t, parse(t, lab.ReadFile(t, "testdata/ciliumlocalredirectpolicies.yaml")))
	c.apply(t, parse(t, criticalPods))
	eventually(t, "the API serves cilium.io", func() error {
		_, err := c.client.Discovery().ServerResourcesForGroupVersion("cilium.io/v2")
		return err
	})
	c.mapper.Reset()
}

// withoutTimes returns the object without the record of who applied it when.
func withoutTimes(o *unstructured.Unstructured) *unstructured.Unstructured {
	o = o.DeepCopy()
	o.SetManagedFields(nil)
	return o
}

const criticalPods = `apiVersion: v1
kind: ResourceQuota
metadata: {name: critical-pods, namespace: kube-system}
spec:
  hard: {pods: "100"}
  scopeSelector:
    matchExpressions:
    - {scopeName: PriorityClass, operator: In, values: [system-node-critical, system-cluster-critical]}
`

// admit lets the API judge a pod of the workload among the objects, as its controller would make it.
func (c *cluster) admit(t *testing.T, objects []*unstructured.Unstructured) {
	t.Helper()
	namespace, template := workload(t, objects)
	c.count(t, namespace)
	p := &core.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	p.Name = "admitted"
	_, err := c.client.CoreV1().Pods(namespace).Create(t.Context(), p, meta.CreateOptions{DryRun: []string{meta.DryRunAll}})
	if err != nil {
		t.Error(err)
	}
}

// count does what the controller of quotas does: it says that nothing is used so far.
func (c *cluster) count(t *testing.T, namespace string) {
	t.Helper()
	quotas, err := c.client.CoreV1().ResourceQuotas(namespace).List(t.Context(), meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range quotas.Items {
		q.Status.Hard, q.Status.Used = q.Spec.Hard, core.ResourceList{core.ResourcePods: resource.MustParse("0")}
		if _, err := c.client.CoreV1().ResourceQuotas(namespace).UpdateStatus(t.Context(), &q, meta.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
}

// workload returns what the one Deployment or DaemonSet among the objects makes pods of.
func workload(t *testing.T, objects []*unstructured.Unstructured) (namespace string, template core.PodTemplateSpec) {
	t.Helper()
	for _, o := range objects {
		switch o.GetKind() {
		case "Deployment":
			return o.GetNamespace(), pick[apps.Deployment](t, objects, "Deployment", "").Spec.Template
		case "DaemonSet":
			return o.GetNamespace(), pick[apps.DaemonSet](t, objects, "DaemonSet", "").Spec.Template
		}
	}
	t.Fatal("no workload")
	return "", template
}
