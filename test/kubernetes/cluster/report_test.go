package cluster

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

var write = flag.Bool("write", false, "write the sessions into the page of doctor cluster anew")

// reportPage shows what doctor cluster says of this cluster.
const reportPage = root + "/build/doctor/cluster/README.md"

var console = lab.Fence("console")

// TestReport runs the sessions of the page: those with stock CoreDNS first, and the last one with muslsafe in replace.
func TestReport(t *testing.T) {
	w := start(t)
	text := lab.ReadFile(t, reportPage)
	const last = 3
	if n := len(console.FindAllString(text, -1)); n != last+1 {
		t.Fatalf("%d sessions in the page; want the report, a probe, a pod, and a probe with muslsafe", n)
	}
	got := text
	for i := range last + 1 {
		if i == last {
			installReplace(t, w, replace)
			defer removeReplace(t, w, replace)
		}
		at := console.FindAllStringSubmatchIndex(got, -1)[i]
		got = got[:at[2]] + w.replay(t, got[at[2]:at[3]]) + got[at[3]:]
	}
	if *write {
		lab.WriteFile(t, reportPage, got)
		return
	}
	if got != text {
		t.Errorf("the sessions are now:\n%s", strings.Join(console.FindAllString(got, -1), "\n"))
	}
	w.noDoctors(t)
}

// replay runs the commands of a session, and returns it with what they write now.
func (w *world) replay(t *testing.T, session string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(session) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		out, err := w.doctorCommand(command).CombinedOutput()
		if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
			t.Fatal(err)
		}
		b.WriteString(line + string(out))
	}
	return b.String()
}

// doctorCommand is a command line with doctor and kubectl in the path, in a process group of its own.
func (w *world) doctorCommand(command string) *exec.Cmd {
	cmd := exec.Command("sh", "-c", "exec "+command)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+w.Kubeconfig, "PATH="+w.Programs()+":"+w.Path())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// noDoctors holds that no pod of doctor is left.
func (w *world) noDoctors(t *testing.T) {
	t.Helper()
	if out := w.kubectl(t, "get", "pods", "--all-namespaces", "--selector=muslsafe-doctor/run", "--output=name"); out != "" {
		t.Errorf("left: %s", out)
	}
}

// probe is doctor cluster with pods of its own, or beside one.
const probe = "doctor cluster --image=" + node.DoctorImage

// TestReportInNamespace probes from a namespace that admits nothing but what satisfies the Pod Security Standard restricted.
func TestReportInNamespace(t *testing.T) {
	w := start(t)
	w.kubectl(t, "create", "namespace", "strict")
	t.Cleanup(func() { w.kubectl(t, "delete", "namespace", "strict") })
	w.kubectl(t, "label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
	eventually(t, "pods are admitted", func() error { return w.Kubectl("-n", "strict", "get", "serviceaccount", "default").Run() })
	out, err := w.doctorCommand(probe + " -n strict --probe httpd.dnscheck").CombinedOutput()
	if !bytes.Contains(out, []byte("\nhttpd.dnscheck from node-1, node-2: healthy\n")) {
		t.Errorf("%v: %s\nwant that the name is healthy on both nodes", err, out)
	}
	w.noDoctors(t)
}

// TestReportAsPlugin runs it by kubectl, which also asks it to complete its command line.
func TestReportAsPlugin(t *testing.T) {
	w := start(t)
	dir := t.TempDir()
	for _, name := range []string{"kubectl-muslsafe", "kubectl_complete-muslsafe"} {
		if err := os.Symlink(w.Programs()+"/doctor", dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	path := "env PATH=" + dir + ":$PATH "
	for command, want := range map[string]string{
		"kubectl muslsafe -n dnscheck":                                                  "\n1 hazard\n",
		"kubectl muslsafe trace --help":                                                 "\n  kubectl muslsafe trace NAME ",
		"kubectl __complete muslsafe --namespace kube-":                                 "\nkube-system\n",
		"kubectl __complete muslsafe -n dnscheck --probe-pod ''":                        "\nmusl-1-2-5\n",
		"kubectl muslsafe --context nope":                                               `context "nope" does not exist`,
		"kubectl muslsafe --kubeconfig /nonexistent":                                    "/nonexistent",
		"kubectl muslsafe -n dnscheck --probe-pod nosuch":                               `pods "nosuch" not found`,
		"kubectl muslsafe -n dnscheck --probe --node node-9 --image x":                  `no node "node-9"; expect one of node-1, node-2`,
		"kubectl muslsafe -n dnscheck --probe --node node-1 --image x --wait 3s --json": `"error": "`,
	} {
		out, _ := w.doctorCommand(path + command).CombinedOutput()
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%s: %s\nwant %q", command, out, want)
		}
	}
	w.noDoctors(t)
}

// TestReportBesideRoot runs doctor beside a program that runs as root, which the profile restricted of kubectl does not allow.
func TestReportBesideRoot(t *testing.T) {
	w := start(t)
	if err := w.Apply(fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: rooted, namespace: dnscheck}
spec:
  terminationGracePeriodSeconds: 0
  securityContext: {runAsUser: 0}
  dnsConfig: {options: [{name: ndots, value: "1"}]}
  containers: [{name: victim, image: %q, imagePullPolicy: Never}]
`, node.VictimImage("musl-1.2.5"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.kubectl(t, "-n", node.Namespace, "delete", "pod", "rooted", "--now") })
	w.kubectl(t, "-n", node.Namespace, "wait", "--for=condition=Ready", "pod/rooted", "--timeout=2m")
	out, err := w.doctorCommand(probe + " -n dnscheck --probe-pod rooted httpd.dnscheck").CombinedOutput()
	for _, want := range []string{
		"1 pod of dnscheck/rooted: hazard: ndots is 1", "\npod dnscheck/rooted: server 10.96.0.10:53, ", ", ndots 1\n",
		"\nhttpd.dnscheck from pod dnscheck/rooted: 1 hazard\n  ndots\n",
	} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("%v: %s\nwant %q", err, out, want)
		}
	}
}

// TestReportOfPoor reads what an account without any right may: the version, and what it lacks.
func TestReportOfPoor(t *testing.T) {
	w := start(t)
	w.kubectl(t, "-n", node.Namespace, "create", "serviceaccount", "poor")
	t.Cleanup(func() { w.kubectl(t, "-n", node.Namespace, "delete", "serviceaccount", "poor") })
	token := strings.TrimSpace(w.kubectl(t, "-n", node.Namespace, "create", "token", "poor"))
	kubeconfig := t.TempDir() + "/kubeconfig"
	text := lab.ReadFile(t, w.Kubeconfig)
	lab.WriteFile(t, kubeconfig, regexp.MustCompile(`token: \w+`).ReplaceAllString(text, "token: "+token))
	cmd := w.doctorCommand("doctor cluster --kubeconfig=" + kubeconfig)
	out, _ := cmd.CombinedOutput()
	for _, want := range []string{
		"\ncluster DNS   not known\n", "\ncould not be read\n", "\n    nodes: no right to list nodes at the cluster scope\n",
		"\n    pods: no right to list pods in the namespace \"default\"\n",
	} {
		if code := cmd.ProcessState.ExitCode(); code != 2 || !bytes.Contains(out, []byte(want)) {
			t.Errorf("status %d: %s\nwant 2, and %q", code, out, want)
		}
	}
}

// TestReportInterrupted interrupts doctor while its pods run.
func TestReportInterrupted(t *testing.T) {
	w := start(t)
	cmd := w.doctorCommand(probe + " --probe www.example.org")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a pod of doctor has begun", func() error {
		pods, err := w.Client.CoreV1().Pods("default").List(t.Context(), meta.ListOptions{LabelSelector: "muslsafe-doctor/run"})
		if err == nil && (len(pods.Items) == 0 || len(pods.Items[0].Status.ContainerStatuses) == 0) {
			err = errors.New("it has not")
		}
		return err
	})
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it may have come to its end before
	w.noDoctors(t)
}
