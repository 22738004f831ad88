package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	autoscaling "k8s.io/api/autoscaling/v2"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// components is the page with the components, from the pages of the platforms.
const components = "../README.md"

// autoscale adds the component hpa to a shape by the commands of its page. Under load the autoscaler adds servers, which an
// apply leaves there. Without it, it takes them away, and nothing is lost.
func (w *world) autoscale(t *testing.T, s shape, victims []node.Victim) {
	t.Cleanup(func() { w.kubectl(t, "-n", s.namespace, "delete", "hpa", "muslsafe") })
	mine := reader(t, s)
	w.inFolder(t, mine, ofShape(s).Replace(section(t, components, "Scale")))
	if got := w.replicas(t, s); got != 2 {
		t.Errorf("%d replicas after the component was added; want the 2 that were there", got)
	}
	more := asked
	more.Every /= 5
	r := w.during(t, more, victims, func() {
		grown := w.awaitScale(t, s, func(replicas int) bool { return replicas > 2 })
		w.inFolder(t, mine, "kubectl apply -k .")
		if got := w.replicas(t, s); got < grown {
			t.Errorf("%d replicas after an apply; want the %d of the autoscaler", got, grown)
		}
	})
	t.Logf("of 2 servers under %d queries, %d were lost; the slowest took %v", r.Asked, r.Lost, r.Slowest)
	w.kubectl(t, "-n", s.namespace, "patch", "hpa", "muslsafe", "-p", hasty)
	less := asked // which may take more than two servers on a slow machine
	less.Every, less.Pause = 4*less.Every, 4*less.Pause
	w.changeUnder(t, less, s, victims, change{about: "less load", do: func(t *testing.T, w *world, s shape) {
		w.awaitScale(t, s, func(replicas int) bool { return replicas == 2 })
		w.awaitRollout(t, s)
	}})
}

// hasty takes servers away sooner than the component, which waits for 10 minutes.
const hasty = `{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":5,"policies":[{"type":"Pods","value":1,"periodSeconds":5}]}}}}`

// ofShape puts another shape in the place of the one on the page.
func ofShape(s shape) *strings.Replacer {
	return strings.NewReplacer("overlays/"+replace.about, "overlays/"+s.about, replace.namespace, s.namespace)
}

// reader makes the folder of a reader, beside a checkout.
func reader(t *testing.T, s shape) string {
	t.Helper()
	dir := t.TempDir()
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(checkout, filepath.Join(dir, "coredns-muslsafe")); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, "mine")
	if err := os.Mkdir(mine, 0o755); err != nil {
		t.Fatal(err)
	}
	lab.WriteFile(t, filepath.Join(mine, "kustomization.yaml"), ofShape(s).Replace(fenced(t, components, "Scale", "yaml")))
	return mine
}

// inFolder runs commands of a page in a folder.
func (w *world) inFolder(t *testing.T, dir, script string) {
	t.Helper()
	if err := node.Run(w.Shell(dir, script)); err != nil {
		t.Fatal(err)
	}
}

// replicas is how many servers a shape is to have.
func (w *world) replicas(t *testing.T, s shape) int {
	t.Helper()
	_, name, _ := strings.Cut(s.workload, "/")
	scale, err := w.Client.AppsV1().Deployments(s.namespace).GetScale(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return int(scale.Spec.Replicas)
}

// awaitScale waits until the autoscaler wants some number of servers, and all of them serve.
func (w *world) awaitScale(t *testing.T, s shape, want func(replicas int) bool) (replicas int) {
	t.Helper()
	began, said := time.Now(), ""
	eventually(t, "the autoscaler acts", func() error {
		hpa, err := w.Client.AutoscalingV2().HorizontalPodAutoscalers(s.namespace).Get(t.Context(), "muslsafe", meta.GetOptions{})
		if err != nil {
			return err
		}
		replicas, said = int(hpa.Status.DesiredReplicas), reasons(hpa)
		if !want(replicas) {
			return fmt.Errorf("%d replicas: %s", replicas, said)
		}
		return nil
	})
	t.Logf("the autoscaler wants %d replicas after %v: %s", replicas, time.Since(began), said)
	w.kubectl(t, "-n", s.namespace, "rollout", "status", s.workload, "--timeout=2m")
	return replicas
}

// reasons says what an autoscaler says of itself.
func reasons(hpa *autoscaling.HorizontalPodAutoscaler) string {
	var list []string
	for _, m := range hpa.Status.CurrentMetrics {
		if m.Resource == nil || m.Resource.Current.AverageUtilization == nil {
			continue // there are no figures yet
		}
		list = append(list, fmt.Sprintf("%s at %d %%", m.Resource.Name, *m.Resource.Current.AverageUtilization))
	}
	for _, c := range hpa.Status.Conditions {
		list = append(list, c.Message)
	}
	return strings.Join(list, "; ")
}
