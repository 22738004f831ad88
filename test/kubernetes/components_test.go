package kubernetes

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apps "k8s.io/api/apps/v1"
	authorization "k8s.io/api/authorization/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestAutoscalers adds each autoscaler to each shape with a Deployment. The API takes all of it, and admits its pods. An apply
// leaves the number of servers alone.
func TestAutoscalers(t *testing.T) {
	c := startCluster(t)
	c.define(t)
	for _, overlay := range []string{"replace", "upstream", "stub", "pods"} {
		for _, component := range []string{"hpa", "proportional"} {
			t.Run(component+" of "+overlay, func(t *testing.T) {
				objects := renderComponent(t, overlay, component)
				if d := pick[apps.Deployment](t, objects, "Deployment", "muslsafe"); d.Spec.Replicas != nil {
					t.Errorf("%d replicas in the Deployment; want none, as an apply would go back to them", *d.Spec.Replicas)
				}
				c.apply(t, objects)
				namespace, _ := workload(t, objects)
				c.scale(t, namespace, 5)
				c.apply(t, objects)
				d, err := c.client.AppsV1().Deployments(namespace).Get(t.Context(), "muslsafe", meta.GetOptions{})
				if err != nil || *d.Spec.Replicas != 5 {
					t.Errorf("%d replicas after an apply, %v; want the 5 that an autoscaler has set", *d.Spec.Replicas, err)
				}
				for _, o := range objects {
					if o.GetKind() == "Deployment" {
						c.admit(t, []*unstructured.Unstructured{o})
					}
				}
				if component == "proportional" {
					c.mayScale(t, namespace)
				}
			})
		}
	}
}

// mayScale asks the API whether the account of the autoscaler may do what its program does.
func (c *cluster) mayScale(t *testing.T, namespace string) {
	t.Helper()
	for _, action := range []authorization.ResourceAttributes{
		{Verb: "list", Resource: "nodes"},
		{Verb: "watch", Resource: "nodes"},
		{Verb: "get", Resource: "configmaps", Name: "muslsafe-autoscaler", Namespace: namespace},
		{Verb: "get", Group: "apps", Resource: "deployments", Subresource: "scale", Name: "muslsafe", Namespace: namespace},
		{Verb: "update", Group: "apps", Resource: "deployments", Subresource: "scale", Name: "muslsafe", Namespace: namespace},
	} {
		review := &authorization.SubjectAccessReview{Spec: authorization.SubjectAccessReviewSpec{
			User: "system:serviceaccount:" + namespace + ":muslsafe-autoscaler", ResourceAttributes: &action,
		}}
		review, err := c.client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), review, meta.CreateOptions{})
		if err != nil || !review.Status.Allowed {
			t.Errorf("may not %s %s: %v", action.Verb, action.Resource, err)
		}
	}
}

// scale sets the number of servers as an autoscaler does.
func (c *cluster) scale(t *testing.T, namespace string, replicas int32) {
	t.Helper()
	deployments := c.client.AppsV1().Deployments(namespace)
	scale, err := deployments.GetScale(t.Context(), "muslsafe", meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	scale.Spec.Replicas = replicas
	if _, err := deployments.UpdateScale(t.Context(), "muslsafe", scale, meta.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// TestAutoscalerTargets compares what the autoscalers name with what there is.
func TestAutoscalerTargets(t *testing.T) {
	objects := renderComponent(t, "upstream", "hpa")
	hpa := pick[autoscaling.HorizontalPodAutoscaler](t, objects, "HorizontalPodAutoscaler", "")
	if ref := hpa.Spec.ScaleTargetRef; ref.Kind != "Deployment" || ref.Name != pick[apps.Deployment](t, objects, "Deployment", "").Name {
		t.Errorf("the autoscaler scales %v; want the Deployment", ref)
	}
	quota := pick[core.ResourceQuota](t, objects, "ResourceQuota", "").Spec.Hard[core.ResourcePods]
	if most := int64(hpa.Spec.MaxReplicas); most >= quota.Value() {
		t.Errorf("up to %d servers and a quota of %v pods; want room for a rollout", most, &quota)
	}

	objects = renderComponent(t, "upstream", "proportional")
	command := pick[apps.Deployment](t, objects, "Deployment", "muslsafe-autoscaler").Spec.Template.Spec.Containers[0].Command
	config := pick[core.ConfigMap](t, objects, "ConfigMap", "muslsafe-autoscaler")
	for _, flag := range []string{"--target=deployment/" + pick[apps.Deployment](t, objects, "Deployment", "muslsafe").Name, "--configmap=" + config.Name} {
		if !slices.Contains(command, flag) {
			t.Errorf("command %q; want %s in it", command, flag)
		}
	}
	if !json.Valid([]byte(config.Data["linear"])) {
		t.Errorf("linear is no JSON:\n%s", config.Data["linear"])
	}
}

// TestPrometheusOperator gives the objects for the operator to an API that has its kinds. They find the pods of every shape, and
// have the rules of build/observe.
func TestPrometheusOperator(t *testing.T) {
	c := startCluster(t)
	c.define(t)
	c.defineOperator(t)
	for overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			objects := renderComponent(t, overlay, "prometheus-operator")
			c.apply(t, objects)
			namespace, template := workload(t, objects)
			monitor := pick[podMonitor](t, objects, "PodMonitor", "")
			if monitor.Namespace != namespace || !labels.SelectorFromSet(monitor.Spec.Selector.MatchLabels).Matches(labels.Set(template.Labels)) {
				t.Errorf("the monitor selects %v in %s; want %v in %s", monitor.Spec.Selector.MatchLabels, monitor.Namespace, template.Labels, namespace)
			}
			if template.Annotations["prometheus.io/port"] == "" {
				t.Errorf("annotations %v; want a port, which the monitor takes from there", template.Annotations)
			}
		})
	}
	var rules map[string]any
	if err := yaml.UnmarshalStrict([]byte(lab.ReadFile(t, root+"/build/observe/rules.yaml")), &rules); err != nil {
		t.Fatal(err)
	}
	rule := pick[prometheusRule](t, renderComponent(t, "upstream", "prometheus-operator"), "PrometheusRule", "")
	if !equality.Semantic.DeepEqual(rule.Spec, rules) {
		t.Errorf("the PrometheusRule differs from build/observe/rules.yaml; want the same groups:\n%s", asYAML(t, rules))
	}
}

// podMonitor is what the tests read of one.
type podMonitor struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		Selector            meta.LabelSelector `json:"selector"`
		PodMetricsEndpoints []any              `json:"podMetricsEndpoints"`
	} `json:"spec"`
}

type prometheusRule struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            map[string]any `json:"spec"`
}

// defineOperator adds the kinds of the Prometheus operator.
func (c *cluster) defineOperator(t *testing.T) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/prometheus-operator/prometheus-operator").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, kinds := range []string{"podmonitors", "prometheusrules"} {
		file := filepath.Join(strings.TrimSpace(string(dir)), "example", "prometheus-operator-crd", "monitoring.coreos.com_"+kinds+".yaml")
		c.apply(t, parse(t, strings.TrimPrefix(lab.ReadFile(t, file), "---\n")))
	}
	eventually(t, "the API serves monitoring.coreos.com", func() error {
		_, err := c.client.Discovery().ServerResourcesForGroupVersion("monitoring.coreos.com/v1")
		return err
	})
	c.mapper.Reset()
}

// renderComponent renders what a reader of the overview keeps, with another overlay and component.
func renderComponent(t *testing.T, overlay, component string) []*unstructured.Unstructured {
	t.Helper()
	namespace, _ := workload(t, render(t, "overlays/"+overlay))
	for _, text := range lab.Fenced(t, root+"/build/kustomize/README.md", "yaml") {
		if strings.Contains(text, "components/hpa") {
			return renderDocumented(t, strings.NewReplacer("overlays/replace", "overlays/"+overlay,
				"components/hpa", "components/"+component, "kube-system", namespace).Replace(text))
		}
	}
	t.Fatal("the overview shows no component")
	return nil
}
