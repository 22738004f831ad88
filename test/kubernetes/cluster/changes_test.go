package cluster

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
)

// change is something that happens to the servers of a shape while they are asked.
type change struct {
	about   string
	outage  time.Duration // from the first query that may be lost to the last; none in a planned change
	daemons bool          // it makes sense for a DaemonSet
	do      func(t *testing.T, w *world, s shape)
}

var changes = []change{
	{"rolling restart", 0, true, restart},
	{"scale down and up", 0, false, scale},
	{"drain of a node", 0, false, drain},
	{"another image", 0, true, image},
	{"edit of the Corefile", 0, true, edit},
	{"broken Corefile, and undo", 0, true, broken},
	{"kill -9 of a server", 5 * time.Second, true, kill},      // the kubelet starts it again at once
	{"a server hangs for 15 s", 12 * time.Second, true, hang}, // the probes of node-front take the longest
}

func restart(t *testing.T, w *world, s shape) {
	w.kubectl(t, "-n", s.namespace, "rollout", "restart", s.workload)
	w.awaitRollout(t, s)
}

func scale(t *testing.T, w *world, s shape) {
	for _, replicas := range []int{1, 2} {
		w.kubectl(t, "-n", s.namespace, "scale", s.workload, "--replicas="+strconv.Itoa(replicas))
		w.kubectl(t, "-n", s.namespace, "rollout", "status", s.workload, "--timeout=2m")
		w.left(t, s.namespace, s.selector, replicas)
	}
}

// drain takes the servers of the shape off a node, which after an earlier drain has all of them, and leaves the other pods
// there: those that look names up, and those of the DNS in front, which loses queries by itself.
func drain(t *testing.T, w *world, s shape) {
	from := w.servers(t, s)[0].Spec.NodeName
	w.kubectl(t, "drain", from, "--ignore-daemonsets", "--pod-selector="+s.selector, "--timeout=2m")
	w.awaitRollout(t, s)
	w.kubectl(t, "uncordon", from)
}

func image(t *testing.T, w *world, s shape) {
	next := node.NextImage
	if w.servers(t, s)[0].Spec.Containers[0].Image == next {
		next = node.CoreDNSImage
	}
	w.kubectl(t, "-n", s.namespace, "set", "image", s.workload, "coredns="+next)
	w.awaitRollout(t, s)
}

// edit waits until every server has read the new Corefile, which takes a kubelet and the plugin reload some time.
func edit(t *testing.T, w *world, s shape) {
	began := time.Now().Format(time.RFC3339)
	w.setCorefile(t, s, func(corefile string) string {
		if strings.Contains(corefile, "cache 30") { // a comment would be no change to reload
			return strings.ReplaceAll(corefile, "cache 30", "cache 29")
		}
		return strings.ReplaceAll(corefile, "cache 29", "cache 30")
	})
	for _, p := range w.servers(t, s) {
		eventually(t, p.Name+" has the new Corefile", func() error {
			if !strings.Contains(w.kubectl(t, "-n", s.namespace, "logs", "--since-time="+began, p.Name), "Reloading complete") {
				return fmt.Errorf("%s says nothing of it", p.Name)
			}
			time.Sleep(time.Second)
			return nil
		})
	}
}

// broken rolls out a ConfigMap in which no server can read anything, and goes back, as one does with kustomize.
func broken(t *testing.T, w *world, s shape) {
	w.kubectl(t, "-n", s.namespace, "create", "configmap", "broken", "--from-literal=Corefile=.:53 {\n nonsense\n}\n")
	t.Cleanup(func() { w.kubectl(t, "-n", s.namespace, "delete", "configmap", "broken") })
	w.kubectl(t, "-n", s.namespace, "patch", s.workload, "-p",
		`{"spec":{"template":{"spec":{"volumes":[{"name":"config","configMap":{"name":"broken"}}]}}}}`)
	time.Sleep(10 * time.Second) // a new server starts and ends a few times
	if !slices.ContainsFunc(w.servers(t, s), func(p core.Pod) bool { return !node.Ready(&p) }) {
		t.Error("every server is ready with a broken Corefile")
	}
	w.kubectl(t, "-n", s.namespace, "rollout", "undo", s.workload)
	w.awaitRollout(t, s)
}

func kill(t *testing.T, w *world, s shape) {
	w.signal(t, s, syscall.SIGKILL)
	time.Sleep(5 * time.Second)
	w.awaitRollout(t, s)
}

func hang(t *testing.T, w *world, s shape) {
	resume := w.signal(t, s, syscall.SIGSTOP)
	time.Sleep(15 * time.Second)
	resume(syscall.SIGCONT)
	time.Sleep(3 * time.Second)
	w.awaitRollout(t, s)
}

// servers returns the pods of a shape.
func (w *world) servers(t *testing.T, s shape) []core.Pod {
	t.Helper()
	pods, err := w.Client.CoreV1().Pods(s.namespace).List(t.Context(), meta.ListOptions{LabelSelector: s.selector})
	if err != nil {
		t.Fatal(err)
	}
	return pods.Items
}

// signal sends a signal to a server, and returns what sends it another one.
func (w *world) signal(t *testing.T, s shape, sig syscall.Signal) (again func(syscall.Signal)) {
	t.Helper()
	pod := w.servers(t, s)[0]
	pid := process(t, string(pod.UID))
	again = func(sig syscall.Signal) {
		if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) { // its kubelet may have ended it
			t.Error(err)
		}
	}
	again(sig)
	return again
}

// process returns the number of the server in a pod.
func process(t *testing.T, uid string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		command, _ := os.ReadFile(file) // it may have ended meanwhile
		group, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cgroup"))
		if bytes.HasPrefix(command, []byte("/coredns\x00")) && bytes.Contains(group, []byte("pod"+uid)) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no server in pod %s", uid)
	return 0
}
