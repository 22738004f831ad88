package kubectl

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/cluster"
)

// A Reader reads a cluster. What it has no right to is noted, and the rest is read.
type Reader struct {
	Kubectl
	mu    sync.Mutex
	state cluster.State
	err   error // the first that is no lack of a right
}

// Read reads all that a report looks at. It fails if the API cannot be asked.
func Read(ctx context.Context, k Kubectl) (cluster.State, error) {
	version, err := k.version(ctx)
	if err != nil {
		return cluster.State{}, err
	}
	r := &Reader{Kubectl: k, state: cluster.State{Version: version}}
	together(
		func() { r.state.Nodes = list[cluster.Node](ctx, r, "nodes") },
		func() { r.state.Namespaces = list[cluster.Namespace](ctx, r, "namespaces") },
		func() { r.state.Services = everywhere[cluster.Service](ctx, r, "services") },
		func() { r.daemons(ctx) },
		func() { r.policies(ctx) },
		func() { r.pods(ctx) },
	)
	r.deployments(ctx)
	r.configMaps(ctx)
	slices.SortFunc(r.state.Lacking, func(a, b cluster.Lack) int { return compare(a.What+a.Why, b.What+b.Why) })
	return r.state, r.err
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// together runs functions at the same time.
func together(all ...func()) {
	var wg sync.WaitGroup
	for _, f := range all {
		wg.Go(f)
	}
	wg.Wait()
}

// version returns that of the API server. It is also how to learn whether there is one.
func (k Kubectl) version(ctx context.Context) (string, error) {
	type versions struct{ ServerVersion struct{ GitVersion string } }
	out, err := k.Output(ctx, nil, "version", "--output=json")
	if err != nil {
		return "", err
	}
	v, err := decode[versions](out)
	if err == nil && v.ServerVersion.GitVersion == "" {
		err = errors.New("kubectl does not say the version of the cluster; check that kubectl get nodes works")
	}
	return v.ServerVersion.GitVersion, err
}

// note keeps an error: a missing right is no reason to stop, and a kind that the cluster does not have is none at all.
func (r *Reader) note(what string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil, is(err, NotFound):
	case is(err, Forbidden):
		r.state.Lacking = append(r.state.Lacking, cluster.Lack{What: what, Why: err.Error()})
	case r.err == nil:
		r.err = err
	}
}

// list reads all objects of a kind. It returns nil if they cannot be read.
func list[T any](ctx context.Context, r *Reader, kind string, args ...string) []T {
	all, err := listed[T](ctx, r.Kubectl, append([]string{kind}, args...)...)
	r.note(kind, err)
	return all
}

func listed[T any](ctx context.Context, k Kubectl, args ...string) ([]T, error) {
	all := []T{}
	err := List(ctx, k, func(object T) { all = append(all, object) }, args...)
	if err != nil {
		return nil, err
	}
	return all, nil
}

// everywhere reads the objects of all namespaces, or without the right to that, those of kube-system.
func everywhere[T any](ctx context.Context, r *Reader, kind string) []T {
	all, err := listed[T](ctx, r.Kubectl, kind, "--all-namespaces")
	if !is(err, Forbidden) {
		r.note(kind, err)
		return all
	}
	r.note(kind+" of all namespaces", err)
	return list[T](ctx, r, kind, "--namespace=kube-system")
}

// daemons reads the DaemonSets.
func (r *Reader) daemons(ctx context.Context) {
	r.addWorkloads("DaemonSet", everywhere[cluster.Workload](ctx, r, "daemonsets.apps"))
}

// deployments reads the Deployments beside the cluster DNS.
func (r *Reader) deployments(ctx context.Context) {
	namespace := cluster.DNSNamespace(r.state.Services)
	r.addWorkloads("Deployment", list[cluster.Workload](ctx, r, "deployments.apps", "--namespace="+namespace))
}

// addWorkloads says of what kind they are, which the items of a list need not.
func (r *Reader) addWorkloads(kind string, all []cluster.Workload) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range all {
		w.Kind = kind
		r.state.Workloads = append(r.state.Workloads, w)
	}
}

// policies reads those of Cilium.
func (r *Reader) policies(ctx context.Context) {
	local := list[cluster.Policy](ctx, r, "ciliumnetworkpolicies.cilium.io", "--all-namespaces")
	r.state.Policies = append(local, list[cluster.Policy](ctx, r, "ciliumclusterwidenetworkpolicies.cilium.io")...)
}

// pods reads the pods of all namespaces or of the one that was asked for. Without the right to the former, it reads those
// of the namespace of the context.
func (r *Reader) pods(ctx context.Context) {
	pods := cluster.NewPods()
	scope := []string{"--all-namespaces"}
	if r.Namespace != "" {
		scope = nil
	}
	err := List(ctx, r.Kubectl, pods.Add, append([]string{"pods"}, scope...)...)
	if is(err, Forbidden) && scope != nil {
		r.note("pods of all namespaces", err)
		pods = cluster.NewPods()
		err = List(ctx, r.Kubectl, pods.Add, "pods")
	}
	r.note("pods", err)
	if err == nil {
		r.state.Pods = pods
	}
}

// configMaps reads those that matter, one by one: to list all is a right that few should have.
func (r *Reader) configMaps(ctx context.Context) {
	var all []func()
	for _, m := range cluster.Wanted(r.state) {
		all = append(all, func() {
			c, ok, err := Get[cluster.ConfigMap](ctx, r.Kubectl, "configmaps", m[1], "--namespace="+m[0], "--ignore-not-found")
			r.note(fmt.Sprintf("ConfigMap %s/%s", m[0], m[1]), err)
			if ok {
				r.mu.Lock()
				defer r.mu.Unlock()
				r.state.ConfigMaps = append(r.state.ConfigMaps, c)
			}
		})
	}
	together(all...)
	slices.SortFunc(r.state.ConfigMaps, func(a, b cluster.ConfigMap) int {
		return compare(a.Metadata.Namespace+"/"+a.Metadata.Name, b.Metadata.Namespace+"/"+b.Metadata.Name)
	})
}
