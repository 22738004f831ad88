package kubernetes

import (
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// TestSelectors compares what selects pods with the pods: those of the same overlay, not those of another one, and not
// those of the cluster's DNS.
func TestSelectors(t *testing.T) {
	for overlay := range overlays {
		objects := render(t, "overlays/"+overlay)
		_, template := workload(t, objects)
		others := []labels.Set{{"k8s-app": "kube-dns"}}
		for other := range overlays {
			if !strings.HasPrefix(other, "node-front") || !strings.HasPrefix(overlay, "node-front") {
				_, theirs := workload(t, render(t, "overlays/"+other))
				others = append(others, theirs.Labels)
			}
		}
		found := selectors(t, objects)
		if len(found) < 1 {
			t.Errorf("%s: no selectors", overlay)
		}
		for about, selector := range found {
			if !selector.Matches(labels.Set(template.Labels)) {
				t.Errorf("%s: %s %v; want it to select %v", overlay, about, selector, template.Labels)
			}
			for _, set := range others {
				if !labels.Equals(set, template.Labels) && selector.Matches(set) {
					t.Errorf("%s: %s %v selects %v", overlay, about, selector, set)
				}
			}
		}
	}
}

// selectors returns what selects the pods of an overlay, by where it stands.
func selectors(t *testing.T, objects []*unstructured.Unstructured) map[string]labels.Selector {
	t.Helper()
	found := map[string]labels.Selector{}
	add := func(about string, s *meta.LabelSelector) {
		selector, err := meta.LabelSelectorAsSelector(s)
		if err != nil {
			t.Fatal(err)
		}
		found[about] = selector
	}
	for _, o := range objects {
		switch about := o.GetKind() + " " + o.GetName(); o.GetKind() {
		case "Service":
			if o.GetName() != "muslsafe-upstream" { // that is for the pods of the cluster's DNS
				add(about, &meta.LabelSelector{MatchLabels: pick[core.Service](t, objects, "Service", o.GetName()).Spec.Selector})
			}
		case "PodDisruptionBudget":
			add(about, pick[policy.PodDisruptionBudget](t, objects, o.GetKind(), "").Spec.Selector)
		case "Deployment":
			add(about, pick[apps.Deployment](t, objects, o.GetKind(), "").Spec.Selector)
		case "DaemonSet":
			add(about, pick[apps.DaemonSet](t, objects, o.GetKind(), "").Spec.Selector)
		case "CiliumLocalRedirectPolicy":
			backend, _, err := unstructured.NestedStringMap(o.Object, "spec", "redirectBackend", "localEndpointSelector", "matchLabels")
			if err != nil {
				t.Fatal(err)
			}
			add(about, &meta.LabelSelector{MatchLabels: backend})
		}
	}
	_, template := workload(t, objects)
	for _, c := range template.Spec.TopologySpreadConstraints {
		add("spread over "+c.TopologyKey, c.LabelSelector)
	}
	return found
}
