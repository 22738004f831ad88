package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/cluster"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/kubectl"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// clusterOptions are the flags of doctor cluster.
type clusterOptions struct {
	kubectl.Kubectl
	probe bool
	nodes []string
	pod   string
	image string
	wait  time.Duration
}

const clusterAbout = `Cluster reads a cluster by your own kubectl, with your context and your rights, and says what breaks lookups on musl there:
the cluster DNS and its Corefile, what stands in front of it, pods by their dnsPolicy and dnsConfig, policies of Cilium
with toFQDNs, and namespaces that are called like a top-level domain. What you have no right to read is named, and the rest is read.

It changes nothing unless told to. With --probe it runs doctor in a pod of its own on each node, which says what the search
domains of the nodes are and looks each NAME up, and removes the pods. With --probe-pod it does so in an ephemeral container
of a pod that runs, with the resolv.conf of that pod; Kubernetes keeps the ended container in the list of the pod.

The exit status is 0 if nothing breaks lookups, 1 if something does, and 2 if it could not be told, for lack of a right or of an answer.`

const clusterExamples = `  doctor cluster                                         what breaks lookups in the cluster of the current context
  doctor cluster --context staging --json
  doctor cluster --probe www.example.org                 with the search domains of all nodes, and lookups from each
  doctor cluster -n dnscheck --probe-pod web-0 www.example.org kubernetes.default`

// usualNames are looked up unless others are given: a Service by its short and its full name, and a name of the internet.
var usualNames = []string{"kubernetes.default", "kubernetes.default.svc.cluster.local", "www.example.org"}

func clusterCommand(o *options) *cobra.Command {
	var co clusterOptions
	c := &cobra.Command{
		Use:     "cluster [NAME...]",
		Short:   "Report what breaks lookups in a Kubernetes cluster, by your kubectl",
		Long:    clusterAbout,
		Example: clusterExamples,
		Args:    cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, names []string) error {
			if err := co.check(names); err != nil {
				return err
			}
			return reportCluster(cmd, o, &co, names)
		},
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	f := c.Flags()
	f.StringVar(&co.Kubeconfig, "kubeconfig", "", "kubeconfig `FILE`, in place of the usual one")
	f.StringVar(&co.Context, "context", "", "`CONTEXT` of the kubeconfig, in place of the current one")
	f.StringVarP(&co.Namespace, "namespace", "n", "", "`NAMESPACE` of the pods to look at, in place of all, and of those of --probe and --probe-pod")
	f.BoolVar(&co.probe, "probe", false, "run doctor in a pod on each node, and remove the pods")
	f.StringSliceVar(&co.nodes, "node", nil, "`NODE,...` to probe, in place of all")
	f.StringVar(&co.pod, "probe-pod", "", "run doctor in an ephemeral container of the pod `NAME`")
	f.StringVar(&co.image, "image", doctorImage(), "`IMAGE` of doctor for --probe and --probe-pod")
	f.DurationVar(&co.wait, "wait", 2*time.Minute, "how long a pod may take")
	co.completions(c)
	return c
}

// release is a version that has an image of its own.
var release = regexp.MustCompile(`^v\d+\.\d+\.\d+$`)

// doctorImage is the image that the project publishes for this version, or else the one that make image makes.
func doctorImage() string {
	if release.MatchString(version) {
		return "ghcr.io/muslsafe/doctor:" + version
	}
	return "muslsafe/doctor:latest"
}

// check refuses flags that would do nothing.
func (co *clusterOptions) check(names []string) error {
	co.pod = strings.TrimPrefix(strings.TrimPrefix(co.pod, "pods/"), "pod/") // as kubectl lists them
	switch {
	case len(names) > 0 && !co.probe && co.pod == "":
		return fmt.Errorf("%q is looked up in pods; expect --probe or --probe-pod POD with names", names[0])
	case len(co.nodes) > 0 && !co.probe:
		return errors.New("--node without --probe; expect both")
	case co.wait < time.Second || co.wait > time.Hour:
		return fmt.Errorf("invalid wait %v; expect 1s to 1h", co.wait)
	case co.image == "" || strings.ContainsAny(co.image, " \t\n"):
		return fmt.Errorf("invalid image %q; expect a name such as registry.example.com/muslsafe/doctor:v1.0.0", co.image)
	}
	return nil
}

// reportCluster reads the cluster, asks in its pods if told to, and writes the report.
func reportCluster(cmd *cobra.Command, o *options, co *clusterOptions, names []string) error {
	log.SetOutput(io.Discard) // the parser of Corefiles would name files that are in no pod
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	read := progress(cmd.ErrOrStderr(), func() string { return "reading the cluster by kubectl" })
	state, err := kubectl.Read(ctx, co.Kubectl)
	read()
	if err != nil {
		return interrupted(ctx, err)
	}
	if len(names) == 0 {
		names = usualNames
	}
	if err := co.ask(ctx, cmd.ErrOrStderr(), &state, names); err != nil {
		return interrupted(ctx, err)
	}
	r := cluster.Examine(state)
	if o.json {
		err = encode(cmd.OutOrStdout(), r)
	} else {
		err = writeCluster(cmd.OutOrStdout(), r)
	}
	if err != nil {
		return err
	}
	return clusterStatus(r)
}

// interrupted says so in words.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return errors.New("interrupted")
	}
	return err
}

// ask runs doctor in the cluster.
func (co *clusterOptions) ask(ctx context.Context, errs io.Writer, state *cluster.State, names []string) error {
	if !co.probe && co.pod == "" {
		return nil
	}
	var done, all atomic.Int64
	stop := progress(errs, func() string { return fmt.Sprintf("asking in pods: %d of %d done", done.Load(), all.Load()) })
	defer stop()
	p := kubectl.Probing{Kubectl: co.Kubectl, Image: co.image, Names: names, Wait: co.wait, Say: func(d, a int) { done.Store(int64(d)); all.Store(int64(a)) }}
	state.Probes = []cluster.Probe{}
	if co.pod != "" {
		probe, err := p.InPod(ctx, co.pod)
		if err != nil {
			return err
		}
		state.Probes = append(state.Probes, probe)
	}
	if !co.probe {
		return nil
	}
	targets, others, err := co.targets(state.Nodes)
	if err != nil {
		return err
	}
	probes, err := p.OnNodes(ctx, targets)
	state.Probes = append(append(state.Probes, probes...), others...)
	return err
}

// targets returns the nodes on which doctor can run. Those that are given need not be listed.
func (co *clusterOptions) targets(nodes []cluster.Node) (targets []string, others []cluster.Probe, err error) {
	switch {
	case nodes != nil:
		return cluster.Targets(nodes, co.nodes)
	case len(co.nodes) > 0:
		return co.nodes, nil, nil
	}
	return nil, nil, errors.New("--probe needs the names of the nodes, and there is no right to list nodes; expect --node with some of them")
}

// clusterStatus sums up: a hazard is enough; a right that is missing, or a pod without an answer, leaves it open.
func clusterStatus(r cluster.Report) error {
	open := len(r.Lacking) > 0
	for _, p := range r.Probes {
		open = open || p.Error != ""
		for _, n := range p.Names {
			if n.Status == "hazards" {
				return status(hazards)
			}
			open = open || n.Status == "unclear"
		}
	}
	switch {
	case r.Level() == lint.Hazard:
		return status(hazards)
	case open:
		return status(unclear)
	}
	return nil
}

// completions lets the shell complete what the cluster has.
func (co *clusterOptions) completions(c *cobra.Command) {
	for flag, args := range map[string][]string{
		"context":   {"config", "get-contexts", "--output=name"},
		"namespace": {"get", "namespaces", "--output=name"},
		"node":      {"get", "nodes", "--output=name"},
		"probe-pod": {"get", "pods", "--output=name"},
	} {
		_ = c.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			out, err := co.Output(ctx, nil, args...)
			if err != nil {
				return nil, cobra.ShellCompDirectiveError
			}
			var names []string
			for name := range strings.FieldsSeq(string(out)) {
				names = append(names, name[strings.LastIndexByte(name, '/')+1:])
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		})
	}
}
