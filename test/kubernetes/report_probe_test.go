package kubernetes

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestReportFails has what keeps doctor from any report, as a real kubectl says it.
func TestReportFails(t *testing.T) {
	c, admin := startReported(t)
	tests := []struct {
		about, kubeconfig string
		args              []string
		want              string
	}{
		{"a token that nobody knows", c.kubeconfig(t, "nobody"), nil, "You must be logged in to the server"},
		{"no such context", admin, []string{"--context", "nope"}, `context "nope" does not exist`},
		{"no such file", "/nonexistent/kubeconfig", nil, "/nonexistent/kubeconfig"},
		{"no such node", admin, []string{"--probe", "--node", "node-9"}, `no node "node-9"; expect one of aks-1`},
		{"no such pod", admin, []string{"--probe-pod", "nosuch"}, `pods "nosuch" not found`},
		{"a pod that does not run", admin, []string{"--probe-pod", "web"}, "pod web is pending; expect one that is running"},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			status, _, errs := reported(t, tc.kubeconfig, tc.args...)
			if status != 2 || !strings.Contains(errs, tc.want) || strings.Count(errs, "\n") != 1 {
				t.Errorf("status %d, %q; want 2 and one line with %q", status, errs, tc.want)
			}
		})
	}
}

// TestReportCleansUp holds that pods of doctor are removed that never run, as here is no kubelet: when their time is over, and
// when doctor is interrupted, even twice, as a terminal does it, which interrupts kubectl as well.
func TestReportCleansUp(t *testing.T) {
	c, admin := startReported(t)
	c.ready(t, "aks-1")
	c.restrict(t, "dnscheck")
	status, r, errs := reported(t, admin, "--probe", "--wait", "1s")
	if status != 1 || len(r.Probes) != 1 || r.Probes[0].Node != "aks-1" || !strings.Contains(r.Probes[0].Error, "no result within 1s") {
		t.Errorf("status %d, %+v, %s; want that the pod does not start", status, r.Probes, errs)
	}
	if n := c.doctors(t); n != 0 {
		t.Errorf("%d pods of doctor are left", n)
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(sig.String(), func(t *testing.T) { c.interrupt(t, admin, sig) })
	}
}

// TestReportKilled holds that what doctor leaves when it is killed ends by itself, and is removed by the command of the page.
func TestReportKilled(t *testing.T) {
	c, admin := startReported(t)
	c.ready(t, "aks-1")
	cmd := reportCommand(t, admin, "--probe")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.awaitDoctor(t)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed
	pods, err := c.client.CoreV1().Pods("").List(t.Context(), meta.ListOptions{LabelSelector: "muslsafe-doctor/run"})
	if err != nil || len(pods.Items) != 1 || *pods.Items[0].Spec.ActiveDeadlineSeconds != 600 {
		t.Fatalf("pods %v, %v; want one that ends after 10 minutes", pods, err)
	}
	removal := regexp.MustCompile("`(kubectl delete pods [^`]+)`").FindStringSubmatch(lab.ReadFile(t, clusterPage))
	if removal == nil {
		t.Fatal("the page does not say how to remove pods")
	}
	remove := exec.Command("sh", "-c", removal[1])
	remove.Env = append(cmd.Env, "KUBECONFIG="+admin)
	if out, err := remove.CombinedOutput(); err != nil || c.doctors(t) != 0 {
		t.Errorf("%s: %v: %s; %d pods are left", removal[1], err, out, c.doctors(t))
	}
}

// awaitDoctor waits for a pod of doctor.
func (c *cluster) awaitDoctor(t *testing.T) {
	t.Helper()
	eventually(t, "a pod of doctor is there", func() error {
		if c.doctors(t) == 0 {
			return errors.New("there is none")
		}
		return nil
	})
}

// interrupt interrupts doctor as soon as its pods are there.
func (c *cluster) interrupt(t *testing.T, kubeconfig string, sig syscall.Signal) {
	t.Helper()
	cmd := reportCommand(t, kubeconfig, "--probe")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.awaitDoctor(t)
	for range 2 {
		if err := syscall.Kill(-cmd.Process.Pid, sig); err != nil {
			t.Fatal(err)
		}
	}
	err := cmd.Wait()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 2 || errs.String() != "doctor: interrupted\n" {
		t.Errorf("%v, %q; want status 2, and that it was interrupted", err, &errs)
	}
	if n := c.doctors(t); n != 0 {
		t.Errorf("%d pods of doctor are left", n)
	}
}

// doctors counts the pods of doctor.
func (c *cluster) doctors(t *testing.T) int {
	t.Helper()
	pods, err := c.client.CoreV1().Pods("").List(t.Context(), meta.ListOptions{LabelSelector: "muslsafe-doctor/run"})
	if err != nil {
		t.Fatal(err)
	}
	return len(pods.Items)
}

// ready makes a node ready, which is otherwise for its kubelet to do.
func (c *cluster) ready(t *testing.T, name string) {
	t.Helper()
	patch := `{"status":{"conditions":[{"type":"Ready","status":"True"}],"nodeInfo":{"operatingSystem":"linux"}}}`
	if _, err := c.client.CoreV1().Nodes().PatchStatus(t.Context(), name, []byte(patch)); err != nil {
		t.Fatal(err)
	}
}

// restrict lets a namespace admit nothing but what the Pod Security Standard restricted does.
func (c *cluster) restrict(t *testing.T, name string) {
	t.Helper()
	n, err := c.client.CoreV1().Namespaces().Get(t.Context(), name, meta.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	n.Labels["pod-security.kubernetes.io/enforce"] = "restricted"
	if _, err := c.client.CoreV1().Namespaces().Update(t.Context(), n, meta.UpdateOptions{}); err != nil {
		t.Fatal(fmt.Errorf("namespace %s: %w", name, err))
	}
}
