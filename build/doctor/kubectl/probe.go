package kubectl

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/cluster"
)

// A Probing is how doctor is run in a cluster.
type Probing struct {
	Kubectl
	Image string
	Names []string
	Wait  time.Duration // for a pod
	Say   func(done, all int)
}

// period is how often pods are looked at.
const period = time.Second

// logLimit bounds what is read of a pod: an image may write anything.
const logLimit = "--limit-bytes=16777216"

// cleanupTime bounds how long the removal of pods may take.
const cleanupTime = 30 * time.Second

func (p Probing) args() []string { return append([]string{"--json", "--"}, p.Names...) }

// newRun returns a name for one run.
func newRun() string { return fmt.Sprintf("%08x", rand.Uint32()) }

// OnNodes runs doctor in a pod on each node, and removes the pods, whatever comes: also when ctx is over.
func (p Probing) OnNodes(ctx context.Context, nodes []string) (probes []cluster.Probe, err error) {
	if len(nodes) == 0 {
		return nil, nil
	}
	run := newRun()
	defer func() {
		if left := p.remove(ctx, run); left != nil {
			err = cmp.Or(left, err)
		}
	}()
	if _, err := p.Output(ctx, cluster.Manifest(run, p.Image, nodes, p.args()), "create", "--filename=-"); err != nil {
		return nil, fmt.Errorf("the pods of doctor cannot be made: %w", err)
	}
	w := &watch{Probing: p, run: run, nodes: nodes, done: make(map[string]cluster.Probe)}
	if err := w.await(ctx); err != nil {
		return nil, err
	}
	for i := range nodes {
		probes = append(probes, w.done[w.pod(i)])
	}
	return probes, nil
}

// remove removes the pods of a run. No interrupt keeps it from that.
func (p Probing) remove(ctx context.Context, run string) error {
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP) // kubectl inherits this
	defer signal.Reset(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	selector := "--selector=" + cluster.RunLabel + "=" + run
	// kubectl delete would catch an interrupt while it waits.
	_, err := p.Output(ctx, nil, "delete", "pods", selector, "--now", "--wait=false", "--ignore-not-found")
	if err == nil {
		err = p.awaitNone(ctx, selector)
	}
	if err == nil {
		return nil
	}
	where := ""
	if p.Namespace != "" {
		where = " --namespace=" + p.Namespace
	}
	return fmt.Errorf("pods of doctor may be left (%w); remove them: kubectl delete pods%s %s", err, where, selector)
}

// awaitNone waits until no pods are left.
func (p Probing) awaitNone(ctx context.Context, selector string) error {
	for {
		out, err := p.Output(ctx, nil, "get", "pods", selector, "--output=name")
		if err != nil || strings.TrimSpace(string(out)) == "" {
			return err
		}
		if err := sleep(ctx); err != nil {
			return fmt.Errorf("they are still there after %v", cleanupTime)
		}
	}
}

// watch waits for the pods of a run.
type watch struct {
	Probing
	run   string
	nodes []string
	last  map[string]cluster.Pod
	done  map[string]cluster.Probe // by the name of the pod
}

func (w *watch) pod(i int) string { return fmt.Sprintf("muslsafe-doctor-%s-%d", w.run, i) }

// await reads the log of each pod that has ended, until all have, or time is over.
func (w *watch) await(ctx context.Context) error {
	deadline := time.Now().Add(w.Wait)
	for {
		pods, err := listed[cluster.Pod](ctx, w.Kubectl, "pods", "--selector="+cluster.RunLabel+"="+w.run)
		if err != nil {
			return err
		}
		w.last = make(map[string]cluster.Pod)
		for _, p := range pods {
			w.last[p.Metadata.Name] = p
		}
		late := time.Now().After(deadline)
		for i, node := range w.nodes {
			if err := w.look(ctx, w.pod(i), node, late); err != nil {
				return err
			}
		}
		w.Say(len(w.done), len(w.nodes))
		if len(w.done) == len(w.nodes) {
			return nil
		}
		if err := sleep(ctx); err != nil {
			return err
		}
	}
}

// look looks at one pod that is not done.
func (w *watch) look(ctx context.Context, name, node string, late bool) error {
	if _, ok := w.done[name]; ok {
		return nil
	}
	pod, ok := w.last[name]
	outcome := cluster.OutcomeOf(pod, cluster.ContainerName)
	probe := cluster.Probe{Node: node}
	switch {
	case !ok:
		probe.Error = "its pod is gone: something else has removed it"
	case outcome.Stuck != "":
		probe.Error = oneLine(outcome.Stuck)
	case outcome.Ended:
		var err error
		if probe, err = w.log(ctx, name, cluster.ContainerName); err != nil {
			return err
		}
		probe.Node = node
	case late:
		probe.Error = fmt.Sprintf("no result within %v: %s", w.Wait, oneLine(cluster.Waiting(pod, cluster.ContainerName)))
	default:
		return nil
	}
	w.done[name] = probe
	return nil
}

// log reads what doctor wrote. That it makes no sense is a result.
func (p Probing) log(ctx context.Context, pod, container string) (cluster.Probe, error) {
	out, err := p.Output(ctx, nil, "logs", pod, "--container="+container, logLimit)
	switch {
	case ctx.Err() != nil:
		return cluster.Probe{}, err
	case err != nil:
		return cluster.Probe{Error: err.Error()}, nil
	}
	probe, err := cluster.ReadProbe(out)
	if err != nil {
		return cluster.Probe{Error: err.Error()}, nil
	}
	return probe, nil
}

// InPod runs doctor in an ephemeral container of a pod. The container ends, and stays in the list of the pod as long as
// that lives: Kubernetes cannot remove one.
func (p Probing) InPod(ctx context.Context, name string) (cluster.Probe, error) {
	pod, _, err := Get[cluster.Pod](ctx, p.Kubectl, "pods", name)
	if err != nil {
		return cluster.Probe{}, err
	}
	if pod.Status.Phase != "Running" {
		return cluster.Probe{}, fmt.Errorf("pod %s is %s; expect one that is running", name, strings.ToLower(cmp.Or(pod.Status.Phase, "not there")))
	}
	container := cluster.ContainerName + "-" + newRun()
	if _, err := p.Output(ctx, nil, append([]string{"debug", name, "--quiet", "--profile=" + cluster.Profile(pod), "--container=" + container,
		"--image=" + p.Image, "--image-pull-policy=IfNotPresent", "--arguments-only", "--"}, p.args()...)...); err != nil {
		return cluster.Probe{}, fmt.Errorf("doctor cannot be run in pod %s: %w", name, err)
	}
	probe, err := p.awaitContainer(ctx, name, container)
	probe.Node, probe.Pod = pod.Spec.NodeName, pod.Metadata.Namespace+"/"+name
	return probe, err
}

func (p Probing) awaitContainer(ctx context.Context, name, container string) (cluster.Probe, error) {
	for deadline := time.Now().Add(p.Wait); ; {
		pod, _, err := Get[cluster.Pod](ctx, p.Kubectl, "pods", name)
		if err != nil {
			return cluster.Probe{}, err
		}
		switch outcome := cluster.OutcomeOf(pod, container); {
		case outcome.Ended:
			return p.log(ctx, name, container)
		case outcome.Stuck != "":
			return cluster.Probe{Error: oneLine(outcome.Stuck)}, nil
		case time.Now().After(deadline):
			return cluster.Probe{Error: fmt.Sprintf("no result within %v: %s", p.Wait, oneLine(cluster.Waiting(pod, container)))}, nil
		}
		if err := sleep(ctx); err != nil {
			return cluster.Probe{}, err
		}
	}
}

// sleep waits until pods are looked at again.
func sleep(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(period):
		return nil
	}
}

// oneLine writes a text of several lines in one.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func decode[T any](text []byte) (v T, err error) {
	if err := json.Unmarshal(text, &v); err != nil {
		return v, fmt.Errorf("kubectl: %w", err)
	}
	return v, nil
}
