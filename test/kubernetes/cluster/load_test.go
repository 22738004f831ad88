package cluster

import (
	"slices"
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
// forgot a flow; an unplanned one, nothing for longer than the probes allow.
func (w *world) change(t *testing.T, s shape, victims []node.Victim, c change) (r load.Result, underWay int) {
	t.Helper()
	return w.changeUnder(t, asked, s, victims, c)
}

// changeUnder is change with another load.
func (w *world) changeUnder(t *testing.T, l load.Load, s shape, victims []node.Victim, c change) (r load.Result, underWay int) {
	t.Helper()
	began := time.Now()
	r = w.during(t, l, victims, func() { c.do(t, w, s) })
	flushes := flushesSince(t, began)
	longest := min(r.Slowest, time.Second) // what took longer was asked again by the DNS in front
	lost := slices.DeleteFunc(slices.Clone(r.Losses), func(l load.Loss) bool {
		return slices.ContainsFunc(flushes, func(f flush) bool { return f.meets(l.At, longest) })
	})
	underWay = len(r.Losses) - len(lost)
	gap := span(r.Losses)
	t.Logf("lost %d of %d queries within %v, the slowest took %v; %d of %d lookups failed, the slowest took %v; %d were under way when kube-proxy forgot a flow",
		r.Lost, r.Asked, gap, r.Slowest, r.Failed, r.Lookups, r.SlowestLookup, underWay)
	switch {
	case s.stock:
	case c.outage == 0 && (len(lost) > 0 || underWay > mayBeUnderWay(longest)):
		t.Errorf("a planned change lost %d, not counting those under way, of %v; kube-proxy forgot flows at %v", len(lost), r.Losses, flushes)
	case c.outage > 0 && gap > c.outage:
		t.Errorf("queries were lost for %v; want at most %v", gap, c.outage)
	}
	return r, underWay
}

// span is the time from the first loss to the last.
func span(losses []load.Loss) time.Duration {
	if len(losses) == 0 {
		return 0
	}
	byTime := func(a, b load.Loss) int { return a.At.Compare(b.At) }
	return slices.MaxFunc(losses, byTime).At.Sub(slices.MinFunc(losses, byTime).At)
}

// during makes a change while pods ask, from a moment before until a moment after.
func (w *world) during(t *testing.T, l load.Load, victims []node.Victim, change func()) (sum load.Result) {
	t.Helper()
	for _, v := range victims {
		if err := v.Begin(l); err != nil {
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
