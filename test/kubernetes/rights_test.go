package kubernetes

import (
	"slices"
	"testing"

	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// TestRights takes the rights of the ClusterRole away, one at a time, from a new pod: none is there for nothing, and
// without it the pod says what it lacks and does not become ready.
func TestRights(t *testing.T) {
	startNode(t)
	c := startCluster(t)
	objects := render(t, "overlays/replace")
	namespace, template := workload(t, objects)
	role := pick[rbac.ClusterRole](t, objects, "ClusterRole", "")
	for i, rule := range role.Rules {
		for _, resource := range rule.Resources {
			t.Run(resource, func(t *testing.T) {
				lesser := role.DeepCopy()
				lesser.Rules[i].Resources = slices.DeleteFunc(lesser.Rules[i].Resources, func(r string) bool { return r == resource })
				if len(lesser.Rules[i].Resources) == 0 {
					lesser.Rules = slices.Delete(lesser.Rules, i, i+1)
				}
				c.apply(t, replaceRole(t, objects, lesser))
				p := newPod(t, "muslsafe", oursIP, nodeResolvConf)
				server := c.run(t, p, namespace, template.Spec)
				server.Await(t, `"system:serviceaccount:kube-system:muslsafe" cannot list resource "`+resource+`"`)
				if err := ask(p, template.Spec.Containers[0], template.Spec.Containers[0].ReadinessProbe); err == nil {
					t.Errorf("ready without the right to %s", resource)
				}
			})
		}
	}
}

// replaceRole returns the objects with another ClusterRole.
func replaceRole(t *testing.T, objects []*unstructured.Unstructured, role *rbac.ClusterRole) []*unstructured.Unstructured {
	t.Helper()
	replaced := slices.Clone(objects)
	for i, o := range objects {
		if o.GetKind() == "ClusterRole" {
			fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(role)
			if err != nil {
				t.Fatal(err)
			}
			replaced[i] = &unstructured.Unstructured{Object: fields}
		}
	}
	return replaced
}
