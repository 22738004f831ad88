package cluster

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// A flush is when kube-proxy removes the flows to a server that has said that it ends. Until then a kept socket asks that
// server, which still answers; from then on, another one. The answer to a query that is under way at this moment comes from an
// address that the client has not asked, and is lost. No server and no manifest can help that; the next query is answered.
type flush struct{ from, to time.Time }

func (f flush) String() string { return f.to.Format(time.StampMilli) }

// meets reports whether a query that began at a time may have been under way, if none was so for longer.
func (f flush) meets(began time.Time, longest time.Duration) bool {
	return began.After(f.from.Add(-longest)) && began.Before(f.to)
}

// chance is how many queries may be under way in a change: of 250 in a second that a server is asked, each for some
// milliseconds, one or two. More than this were not under way, but asked a server that was gone.
const chance = 10

// mayBeUnderWay is chance on a machine that is so busy that an answer takes as long as the longest: a fifth of the 250 in a second.
func mayBeUnderWay(longest time.Duration) int { return chance + int(50*longest.Seconds()) }

// klog matches a line of kube-proxy that says that flows were removed.
var klog = regexp.MustCompile(`^I(\d{4} [\d:.]+) .*"Finished reconciling conntrack entries".* entriesDeleted=([1-9]\d*) took="(\S+)"`)

// flushesSince returns those of all nodes.
func flushesSince(t *testing.T, began time.Time) (flushes []flush) {
	t.Helper()
	logs, err := filepath.Glob("/tmp/cluster/node-*/kube-proxy.log")
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs of kube-proxy: %v", err)
	}
	for _, log := range logs {
		for line := range strings.Lines(lab.ReadFile(t, log)) {
			m := klog.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			at, err := time.ParseInLocation("2006 0102 15:04:05.000000", began.Format("2006 ")+m[1], time.Local)
			if err != nil {
				t.Fatal(err)
			}
			took, err := time.ParseDuration(m[3])
			if err != nil {
				t.Fatal(err)
			}
			if at.After(began) {
				flushes = append(flushes, flush{at.Add(-took), at})
			}
		}
	}
	return flushes
}
