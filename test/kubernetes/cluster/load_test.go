package cluster

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node/victim/load"
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

// change makes a change while pods ask. A planned one of a shape of ours loses nothing but what was under way when kube-proxy
// forgot a flow.
func (w *world) change(t *testing.T, s shape, victims []node.Victim, c change) (r load.Result, underWay int) {
	t.Helper()
	began := time.Now()
	r = w.during(t, victims, func() { c.do(t, w, s) })
	flushes := flushesSince(t, began)
	var lost strings.Builder
	for _, l := range r.Losses {
		if slices.ContainsFunc(flushes, func(f flush) bool { return f.meets(l.At, r.Slowest) }) {
			underWay++
			continue
		}
		fmt.Fprintf(&lost, "%s %s\n", l.At.Format(time.StampMilli), l.What)
	}
	t.Logf("lost %d of %d queries, the slowest took %v; %d of %d lookups failed, the slowest took %v; %d were under way when kube-proxy forgot a flow",
		r.Lost, r.Asked, r.Slowest, r.Failed, r.Lookups, r.SlowestLookup, underWay)
	if !s.stock && c.planned && (lost.Len() > 0 || underWay > chance) {
		t.Errorf("a planned change lost something:\n%skube-proxy forgot flows at %v", &lost, flushes)
	}
	return r, underWay
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
