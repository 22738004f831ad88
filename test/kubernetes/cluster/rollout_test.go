package cluster

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node/victim/load"
)

var (
	full  = flag.Bool("full", false, "all changes of all shapes, and of stock CoreDNS")
	modes = flag.String("modes", "nftables", "modes of kube-proxy, separated by commas")
	runs  = flag.Int("runs", 1, "how often each change is made")
	out   = flag.String("results", "", "folder for results.json and results.md, where earlier results stay for what is not measured")
)

// asked is what the pods do meanwhile, all together: 50 kept sockets ask every 100 ms, and every library looks names up.
// Every name exists, with and without muslsafe.
var asked = load.Load{
	Sockets: 50 / 5,
	Every:   100 * time.Millisecond,
	Queries: []string{"httpd.dnscheck.svc.cluster.local.", "q*.load.example.org.", "q*.corp.example.com."},
	Lookups: []string{"httpd.dnscheck", "q*.load.example.org.", "q*.corp.example.com."},
	Pause:   200 * time.Millisecond,
}

// quick are the changes that are made where -full is not given.
var quick = map[string][]string{
	"replace":    {"rolling restart", "drain of a node", "kill -9 of a server"},
	"node-front": {"rolling restart", "broken Corefile, and undo"},
}

// TestRollouts changes the servers of each shape while pods ask them. A planned change loses nothing.
func TestRollouts(t *testing.T) {
	w := start(t)
	results := newResults(t)
	for _, mode := range strings.Split(*modes, ",") {
		for _, n := range w.Nodes {
			if err := n.Proxy(mode); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range []shape{kubeadm, nodeLocal, replace, nodeFront, upstream, stub} {
			if *full || quick[s.about] != nil {
				t.Run(mode+"/"+s.about, func(t *testing.T) { w.rollOut(t, mode, s, results) })
			}
		}
	}
}

// rollOut makes the changes of one shape.
func (w *world) rollOut(t *testing.T, mode string, s shape, results *results) {
	s.install(t, w, s)
	t.Cleanup(func() { s.remove(t, w, s) })
	victims := w.asking(t, s)
	for _, c := range changes {
		if s.front && !c.daemons || !*full && !slices.Contains(quick[s.about], c.about) {
			continue
		}
		for range *runs {
			t.Run(c.about, func(t *testing.T) {
				r := w.during(t, victims, func() { c.do(t, w, s) })
				t.Logf("lost %d of %d queries, the slowest took %v; %d of %d lookups failed, the slowest took %v",
					r.Lost, r.Asked, r.Slowest, r.Failed, r.Lookups, r.SlowestLookup)
				if ours := s.about != kubeadm.about && s.about != nodeLocal.about; ours && c.planned && r.Lost+r.Failed > 0 {
					t.Errorf("a planned change lost something:\n%s", strings.Join(r.Losses, "\n"))
				}
				results.add(row{Mode: mode, Shape: s.about, Change: c.about, Planned: c.planned}, r)
			})
		}
	}
}

// during makes a change while pods ask, from a moment before until a moment after.
func (w *world) during(t *testing.T, victims []node.Victim, change func()) (sum load.Result) {
	t.Helper()
	for _, v := range victims {
		if err := v.Begin(asked); err != nil {
			t.Fatal(err)
		}
	}
	defer func() { // also when the change fails
		for _, v := range victims {
			r, err := v.End()
			if err != nil {
				t.Error(err)
			}
			sum.Add(r)
		}
	}()
	time.Sleep(2 * time.Second)
	change()
	time.Sleep(2 * time.Second)
	return sum
}
