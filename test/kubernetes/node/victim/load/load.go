// Package load asks a name server from kept sockets, and looks names up beside, and counts what is lost.
package load

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"
)

// Load is what to ask.
type Load struct {
	Sockets int           // that ask by turns for the queries
	Every   time.Duration // each socket asks
	Queries []string      // full names that exist, asked for A; * stands for what no cache has
	Lookups []string      // likewise, which the C library looks up one after the other
	Pause   time.Duration // between two lookups
}

// Late is when a query without an answer is lost: then musl asks again, and a program has waited too long already.
const Late = 2500 * time.Millisecond

// Result is what came of a load.
type Result struct {
	Asked, Lost   int           // queries without an answer in time, or with a failure
	Slowest       time.Duration // of the queries with an answer
	Lookups       int
	Failed        int           // lookups that found nothing
	SlowestLookup time.Duration // of all
	Losses        []Loss        // the first of both
}

var number atomic.Int64

// fresh puts a number that was not there before in the place of a *.
func fresh(name string) string {
	return strings.ReplaceAll(name, "*", fmt.Sprintf("%d-%d", start, number.Add(1)))
}

// start makes the names differ from those of other pods, and of the same one before.
var start = time.Now().UnixNano()

// Loss is a query or a lookup that came to nothing.
type Loss struct {
	At   time.Time // when it began
	What string
}

func (l Loss) String() string { return l.At.Format(time.StampMilli) + " " + l.What }

// Running is a load that has begun.
type Running struct {
	over chan struct{}
	wg   sync.WaitGroup

	mu     sync.Mutex
	result Result
}

// Begin begins.
func (l Load) Begin() (*Running, error) {
	conf, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	r := &Running{over: make(chan struct{})}
	for i := range l.Sockets {
		s, err := dial(conf.Servers[0]+":53", l.Queries[i%len(l.Queries)])
		if err != nil {
			return nil, err
		}
		r.wg.Go(func() { s.ask(r, l.Every, time.Duration(i)*l.Every/time.Duration(l.Sockets)) })
	}
	if len(l.Lookups) > 0 {
		r.wg.Go(func() { r.lookUp(l) })
	}
	return r, nil
}

// End ends the load and waits for the last answers.
func (r *Running) End() Result {
	close(r.over)
	r.wg.Wait()
	return r.result
}

// lookUp looks the names up with the C library, until the load is over.
func (r *Running) lookUp(l Load) {
	for i := 0; ; i++ {
		select {
		case <-r.over:
			return
		case <-time.After(l.Pause):
		}
		name := fresh(l.Lookups[i%len(l.Lookups)])
		began := time.Now()
		out, err := exec.Command("/look", "0", name).CombinedOutput()
		r.noteLookup(name, strings.TrimSpace(string(out)), err, began)
	}
}

func (r *Running) noteLookup(name, out string, err error, began time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Lookups++
	r.result.SlowestLookup = max(r.result.SlowestLookup, time.Since(began))
	if err != nil || !strings.HasPrefix(out, "OK ") {
		r.result.Failed++
		r.lose(fmt.Sprintf("lookup of %s: %s %v", name, out, err), began)
	}
}

// noteQuery counts a query that was sent at a time and answered or not.
func (r *Running) noteQuery(name, failure string, sent time.Time, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Asked++
	if failure != "" {
		r.result.Lost++
		r.lose(name+": "+failure, sent)
		return
	}
	r.result.Slowest = max(r.result.Slowest, took)
}

// lose keeps the first losses.
func (r *Running) lose(what string, at time.Time) {
	if len(r.result.Losses) < 10_000 {
		r.result.Losses = append(r.result.Losses, Loss{at, what})
	}
}

// Add adds what came of a load that ran at the same time.
func (r *Result) Add(other Result) {
	r.Asked += other.Asked
	r.Lost += other.Lost
	r.Slowest = max(r.Slowest, other.Slowest)
	r.Lookups += other.Lookups
	r.Failed += other.Failed
	r.SlowestLookup = max(r.SlowestLookup, other.SlowestLookup)
	r.Losses = slices.Concat(r.Losses, other.Losses)
}
