package kubernetes

import (
	"slices"
	"testing"

	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// TestRights takes the rights of the ClusterRole away, one at a time, from a new pod: none is there for nothing, and
// without it the pod says what it lacks. Without a list it does not become ready.
func TestRights(t *testing.T) {
	startNode(t)
	c := startCluster(t)
	objects := render(t, "overlays/replace")
	namespace, template := workload(t, objects)
	role := pick[rbac.ClusterRole](t, objects, "ClusterRole", "")
	for _, right := range rights(role) {
		t.Run(right.verb+" "+right.resource, func(t *testing.T) {
			c.apply(t, replaceRole(t, objects, without(role, right)))
			p := newPod(t, "muslsafe", oursIP, world.NodeResolvConf)
			server := c.run(t, p, namespace, template.Spec)
			server.Await(t, `"system:serviceaccount:kube-system:muslsafe" cannot `+right.verb+` resource "`+right.resource+`"`)
			container := template.Spec.Containers[0]
			if err := ask(p, container, container.ReadinessProbe); right.verb == "list" && err == nil {
				t.Errorf("ready without the right to list %s", right.resource)
			}
		})
	}
}

// right is one verb on one resource.
type right struct{ group, resource, verb string }

// rights returns what a role allows.
func rights(role rbac.ClusterRole) []right {
	var list []right
	for _, rule := range role.Rules {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				list = append(list, right{rule.APIGroups[0], resource, verb})
			}
		}
	}
	return list
}

// without returns the role without one right.
func without(role rbac.ClusterRole, lacking right) *rbac.ClusterRole {
	lesser := &rbac.ClusterRole{TypeMeta: role.TypeMeta, ObjectMeta: role.ObjectMeta}
	for _, r := range rights(role) {
		if r != lacking {
			lesser.Rules = append(lesser.Rules, rbac.PolicyRule{
				APIGroups: []string{r.group}, Resources: []string{r.resource}, Verbs: []string{r.verb},
			})
		}
	}
	return lesser
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
