package cluster

import (
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	names "github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// podsPage is that of the overlay for the pods of single namespaces, from the pages of the platforms.
const podsPage = "../overlays/pods/README.md"

// pods are the servers of that overlay.
var pods = shape{
	about: "pods", namespace: "muslsafe-pods", workload: "deployment/muslsafe",
	selector: "app.kubernetes.io/instance=pods", config: "muslsafe-",
}

// TestPods installs the overlay by the commands of its page, and goes back by those. Pods that are started meanwhile find
// every name, in a rolling restart too. Those from before and after ask the DNS of the cluster, and are as broken as ever.
func TestPods(t *testing.T) {
	w := start(t)
	w.startDeployment(t)
	w.wantWeb(t, "")
	w.shell(t, section(t, podsPage, "Install"), nil)
	server := w.kubectl(t, "-n", pods.namespace, "get", "service", "muslsafe", "-o", "jsonpath={.spec.clusterIP}")
	w.wantWeb(t, server)
	victims := w.newVictims(t, "pods-")
	w.lookAll(t, victims, nil)
	w.lookAll(t, w.victims, unfixed)
	w.doctorBeside(t, victims[1], server, nil)
	w.doctorBeside(t, w.victims[1], names.ClusterDNS, unfixed)

	out := w.output(t, section(t, podsPage, "Check"))
	for _, want := range []string{
		`"nameservers":["` + server + `"]`, `"searches":["dnscheck.svc.cluster.local","svc.cluster.local","cluster.local","corp.example.com"]`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("a new pod would have %s; want %s in it", out, want)
		}
	}
	if got := strings.Count(out, "["+server+"]"); got != len(victims)+1 {
		t.Errorf("%d pods have the name server %s; want the %d new ones, and that of the Deployment:\n%s", got, server, len(victims), out)
	}
	t.Run("rolling restart", func(t *testing.T) { w.change(t, pods, victims, changes[0]) })

	w.shell(t, section(t, podsPage, "Roll back"), nil)
	w.wantWeb(t, "")
	w.left(t, pods.namespace, pods.selector, 0)
	w.lookAll(t, w.newVictims(t, "later-"), unfixed)
	if out := w.kubectl(t, "get", "namespace", node.Namespace, "-o", "jsonpath={.metadata.labels}"); strings.Contains(out, "muslsafe") {
		t.Errorf("the namespace has the labels %s; want those from before", out)
	}
}

// startDeployment starts a Deployment of a pod with musl, which the commands of the page start again.
func (w *world) startDeployment(t *testing.T) {
	t.Helper()
	w.kubectl(t, "-n", node.Namespace, "create", "deployment", "web", "--image="+node.VictimImage("musl-1.2.5"))
	t.Cleanup(func() { w.kubectl(t, "-n", node.Namespace, "delete", "deployment", "web") })
	w.kubectl(t, "-n", node.Namespace, "patch", "deployment", "web", "-p",
		`{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":0,"containers":[{"name":"victim","imagePullPolicy":"Never"}]}}}}`)
}

// wantWeb waits until the one pod of the Deployment is new, and compares its name server; that of the cluster is none.
func (w *world) wantWeb(t *testing.T, server string) {
	t.Helper()
	w.kubectl(t, "-n", node.Namespace, "rollout", "status", "deployment/web", "--timeout=2m")
	w.left(t, node.Namespace, "app=web", 1)
	got := w.kubectl(t, "-n", node.Namespace, "get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].spec.dnsConfig.nameservers[0]}")
	if got != server {
		t.Errorf("the pod of the Deployment has the name server %q; want %q", got, server)
	}
}
