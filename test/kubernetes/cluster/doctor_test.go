package cluster

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	names "github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// overview is the page that says how to check an installation.
const overview = root + "/build/kustomize/README.md"

// block returns the block of a page that has a text in it.
func block(t *testing.T, page, language, text string) string {
	t.Helper()
	for _, b := range lab.Fenced(t, page, language) {
		if strings.Contains(b, text) {
			return b
		}
	}
	t.Fatalf("%s does not show %q any more", page, text)
	return ""
}

// doctor runs doctor by the commands of the pages, in a pod of its own and beside a program: it finds what musl does not find.
func (w *world) doctor(t *testing.T, s shape, victims []node.Victim) {
	t.Helper()
	if s.namespace == upstream.namespace {
		w.doctorBesideServer(t, s)
	}
	if !s.front {
		w.doctorInPod(t, names.ClusterDNS, s.breaks)
		w.doctorBeside(t, victims[1], names.ClusterDNS, s.breaks)
		return
	}
	w.doctorInPod(t, nodeAddress, s.breaks)
	w.doctorBeside(t, victims[1], nodeAddress, s.breaks)
	w.doctorBeside(t, w.victims[1], names.ClusterDNS, kubeadm.breaks) // a pod from before has its old name server
	w.doctorBesideWeb(t)
}

// nodeAddress is where node-front serves.
const nodeAddress = "169.254.20.10"

// output runs commands of a page and returns what they write.
func (w *world) output(t *testing.T, script string) string {
	t.Helper()
	cmd := w.Shell(t.TempDir(), script)
	var trace strings.Builder
	cmd.Stderr = &trace
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s%s", err, out, &trace)
	}
	return string(out)
}

// doctorInPod runs doctor in a pod of its own, word for word. Of the names of the pages some break, or none.
func (w *world) doctorInPod(t *testing.T, server string, breaks []string) {
	t.Helper()
	healthy, status := "www.example.org: healthy\n", "0"
	if slices.Contains(breaks, "www.example.org") {
		healthy, status = "www.example.org: 1 hazard\n", "1"
	}
	out := w.output(t, block(t, overview, "sh", "kubectl run doctor "))
	for _, text := range []string{healthy, "\n" + status + `pod "doctor" deleted`, "\nserver " + server + ":53, search default.svc.cluster.local "} {
		if !strings.Contains(out, text) {
			t.Errorf("%s: want %q in:\n%s", overview, text, out)
		}
	}
}

var verdict = regexp.MustCompile(`(?m)^(\S+): (healthy|\d+ hazards?)`)

// doctorBeside runs doctor in an ephemeral container of a pod, for all names.
func (w *world) doctorBeside(t *testing.T, v node.Victim, server string, breaks []string) {
	t.Helper()
	pod, err := w.Client.CoreV1().Pods(node.Namespace).Get(t.Context(), v.Pod, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("doctor-%d", len(pod.Spec.EphemeralContainers))
	var all []string
	for _, n := range names.Names {
		all = append(all, n.Name)
	}
	out := w.output(t, strings.NewReplacer("web", v.Pod, "--container=doctor", "--container="+name, `"doctor"`, `"`+name+`"`,
		"www.example.org", strings.Join(all, " ")).Replace(beside(t)))
	said := map[string]string{}
	for _, m := range verdict.FindAllStringSubmatch(out, -1) {
		said[m[1]] = m[2]
	}
	for _, n := range all {
		if broken := slices.Contains(breaks, n); said[n] == "" || (said[n] == "healthy") == broken {
			t.Errorf("%s in %s: doctor says %q; want that it breaks: %v", n, v.Pod, said[n], broken)
		}
	}
	status := "\n0"
	if len(breaks) > 0 {
		status = "\n1"
	}
	want := "\nserver " + server + ":53, search dnscheck.svc.cluster.local svc.cluster.local cluster.local corp.example.com, ndots 5\n"
	if !strings.Contains(out, want) || !strings.HasSuffix(out, status) {
		t.Errorf("doctor says in %s:\n%s\nwant %q, and %q at the end", v.Pod, out, want, status)
	}
}

// beside is the block of the page for a pod that runs.
func beside(t *testing.T) string { return block(t, overview, "sh", "kubectl -n dnscheck debug web ") }

// doctorBesideWeb makes the pod of the page, which brings a resolv.conf of its own, and runs doctor beside it, word for word.
func (w *world) doctorBesideWeb(t *testing.T) {
	t.Helper()
	manifest := block(t, overview, "yaml", "kind: Pod\n")
	if err := w.Apply(strings.Replace(manifest, "registry.example.com/web", node.VictimImage("musl-1.2.5"), 1)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.kubectl(t, "-n", node.Namespace, "delete", "pod", "web", "--now") })
	w.kubectl(t, "-n", node.Namespace, "wait", "--for=condition=Ready", "pod/web", "--timeout=2m")
	out := w.output(t, beside(t))
	const want = "\nserver " + nodeAddress + ":53, search dnscheck.svc.cluster.local svc.cluster.local cluster.local, ndots 5\n"
	if !strings.Contains(out, want) || !strings.HasSuffix(out, "\nwww.example.org: healthy\n0") {
		t.Errorf("doctor says:\n%s\nwant the resolv.conf of the pod, %q, and 0 at the end", out, want)
	}
}

// doctorBesideServer runs doctor beside a server, which has the resolv.conf of its node, in a namespace that enforces the Pod
// Security Standard restricted. A pod of its own is refused there.
func (w *world) doctorBesideServer(t *testing.T, s shape) {
	t.Helper()
	run := strings.Replace(block(t, overview, "sh", "kubectl run doctor "), "kubectl run", "kubectl -n "+s.namespace+" run", 1)
	if out, err := w.Shell(t.TempDir(), run).CombinedOutput(); err == nil || !strings.Contains(string(out), `violates PodSecurity "restricted`) {
		t.Errorf("a pod of its own: %v: %s", err, out)
	}
	pod := w.servers(t, s)[0].Name
	out := w.output(t, strings.NewReplacer("-n "+node.Namespace, "-n "+s.namespace, "web", pod).Replace(beside(t)))
	want := "\nserver " + names.CompanyIP + ":53, search corp.example.com, ndots 1\n"
	if !strings.Contains(out, want) || !strings.HasSuffix(out, "\n0") {
		t.Errorf("doctor says:\n%s\nwant the resolv.conf of the node, %q, and 0 at the end", out, want)
	}
}
