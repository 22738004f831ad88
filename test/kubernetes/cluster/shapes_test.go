package cluster

import (
	"slices"
	"sync"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	names "github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// shape is a way to have muslsafe in a cluster, or something to compare it with.
type shape struct {
	about     string
	namespace string
	workload  string
	selector  string
	config    string // what the name of its ConfigMap begins with
	install   func(t *testing.T, w *world, s shape)
	remove    func(t *testing.T, w *world, s shape)
	front     bool     // pods ask it at 169.254.20.10
	stock     bool     // it has no muslsafe
	breaks    []string // names that musl does not find
}

// unfixed are the names that musl does not find with a search domain that has no NXDOMAIN, and one that denies AAAA.
var unfixed = []string{"httpd.dnscheck.svc.cluster.local", "www.example.org", "broken.example.org", "db.corp.example.com"}

var (
	kubeadm = shape{
		about: "stock CoreDNS, as kubeadm installs it", namespace: "kube-system", workload: "deployment/coredns",
		selector: "k8s-app=kube-dns,!app.kubernetes.io/name", config: "coredns", install: nothing, remove: nothing, stock: true,
		breaks: unfixed,
	}
	replace = shape{
		about: "replace", namespace: "kube-system", workload: "deployment/muslsafe",
		selector: "app.kubernetes.io/instance=replace", config: "muslsafe-", install: installReplace, remove: removeReplace,
	}
	nodeFront = shape{
		about: "node-front", namespace: "kube-system", workload: "daemonset/muslsafe-node",
		selector: "app.kubernetes.io/instance=node-front", config: "muslsafe-node-", install: installNodeFront, remove: removeNodeFront,
		front: true,
	}
	upstream = shape{
		about: "upstream", namespace: "muslsafe", workload: "deployment/muslsafe",
		selector: "app.kubernetes.io/instance=upstream", config: "muslsafe-", install: installUpstream, remove: removeUpstream,
	}
	// A stub zone sees what ends in the search domain, and no other name.
	stub = shape{
		about: "stub", namespace: "muslsafe-stub", workload: "deployment/muslsafe",
		selector: "app.kubernetes.io/instance=stub", config: "muslsafe-", install: installStub, remove: removeStub,
		breaks: []string{"broken.example.org"},
	}
)

// quick are the changes that are made in TestShapes. TestRollouts makes all of them.
var quick = map[string][]string{
	"replace":    {"rolling restart", "drain of a node", "kill -9 of a server"},
	"node-front": {"rolling restart"},
}

// TestShapes installs each shape by the commands of its page, and goes back by those: names that musl did not find before
// are found meanwhile, and not after. Doctor says the same of them.
func TestShapes(t *testing.T) {
	w := start(t)
	w.lookAll(t, w.victims, unfixed)
	w.doctor(t, kubeadm, w.victims)
	for _, s := range []shape{replace, nodeFront, upstream, stub} {
		t.Run(s.about, func(t *testing.T) {
			s.install(t, w, s)
			victims := w.asking(t, s)
			w.lookAll(t, victims, s.breaks)
			w.doctor(t, s, victims)
			for _, c := range changes {
				if slices.Contains(quick[s.about], c.about) {
					t.Run(c.about, func(t *testing.T) { w.change(t, s, victims, c) })
				}
			}
			if s.about == replace.about {
				t.Run("autoscaler", func(t *testing.T) { w.autoscale(t, s, victims) })
			}
			s.remove(t, w, s)
			w.lookAll(t, w.victims, unfixed)
		})
	}
}

// asking returns the pods that ask a shape.
func (w *world) asking(t *testing.T, s shape) []node.Victim {
	t.Helper()
	if !s.front {
		return w.victims
	}
	return w.newVictims(t, "front-") // what a kubelet tells of a name server, it tells to new pods
}

// newVictims starts pods that end with the test.
func (w *world) newVictims(t *testing.T, prefix string) []node.Victim {
	t.Helper()
	victims, err := w.StartVictims(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, v := range victims {
			w.kubectl(t, "-n", node.Namespace, "delete", "pod", v.Pod, "--now")
		}
	})
	return victims
}

// lookAll looks all names up in all pods: glibc finds each, and so does musl but for some.
func (w *world) lookAll(t *testing.T, victims []node.Victim, breaks []string) {
	t.Helper()
	var wg sync.WaitGroup
	for _, v := range victims {
		for _, program := range v.Programs() {
			wg.Go(func() {
				for _, n := range names.Names {
					l := look(t, v, program, n.Name, n.Addr)
					if broken := v.Musl() && slices.Contains(breaks, n.Name); l.ok == broken {
						t.Errorf("%s, %s: %s = %q; want %s: %v", v.Libc, program, n.Name, l.text, n.Addr, !broken)
					}
				}
			})
		}
	}
	wg.Wait()
}
