package lookup

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

const (
	wwwName   = "www.example.com."
	otherName = "www2.example.com."
)

// uncounted is for lookups that nobody counts.
type uncounted struct{}

func (uncounted) Sent()              {}
func (uncounted) Answered(*Exchange) {}

// newAsker returns an Asker that asks again and that nobody listens to, in front of next.
func newAsker(next plugin.Handler) *Asker {
	return New(Options{
		Name: "muslsafe", Next: next, Max: MaxLookups, AskAgain: true, OnAnswer: func(*Lookup, *Exchange) {},
	})
}

// newClient returns a client that sends r, which is open.
func newClient(ctx context.Context, a *Asker, r *dns.Msg) *Client {
	c := &Client{Asker: a, Context: ctx, Writer: &test.ResponseWriter{}, Query: r, Name: names.Lower(r.Question[0].Name), Counts: uncounted{}}
	c.Open()
	return c
}

// askOwn sends the query of a client, once more if it is silent, and returns what the client gets.
func askOwn(ctx context.Context, a *Asker, r *dns.Msg) (*dns.Msg, int, error) {
	c := newClient(ctx, a, r)
	defer c.Close()
	c.Begin(time.Now(), never, nil)
	l := c.Own()
	c.Claim()
	c.WaitFor(l)
	l.Raise()
	return c.Take(l)
}

// never does not answer the client at once.
func never(*Exchange) bool { return false }

// slow is a next plugin that answers with an address, and counts the queries.
type slow struct {
	delay time.Duration
	hangs chan struct{} // if there is one, the first query is answered when it is closed
	n     atomic.Int64
}

func (*slow) Name() string { return "slow" }

func (s *slow) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if s.n.Add(1) == 1 && s.hangs != nil {
		<-s.hangs
	} else {
		time.Sleep(s.delay)
	}
	return dns.RcodeSuccess, w.WriteMsg(sample.Answer(r, verdict.Data))
}

// step is what a scripted plugin does with a query.
type step struct {
	after  time.Duration
	answer verdict.Outcome // unknown for a panic
}

// scripted is a next plugin that takes one step after the other, and the last one again and again.
type scripted struct {
	steps []step

	mu    sync.Mutex
	asked int
}

func (*scripted) Name() string { return "scripted" }

func (s *scripted) ServeDNS(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	next := s.next()
	time.Sleep(next.after)
	if next.answer == verdict.Unknown {
		panic("scripted")
	}
	return dns.RcodeSuccess, w.WriteMsg(sample.Answer(r, next.answer))
}

func (s *scripted) next() step {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.steps[min(s.asked, len(s.steps))-1]
}

// times returns how often the plugin was asked.
func (s *scripted) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// inVirtualTime runs f as a subtest in a bubble whose clock moves when all in it wait, and lets late lookups land and
// goroutines without work end.
func inVirtualTime(t *testing.T, about string, f func(t *testing.T)) {
	t.Helper()
	t.Run(about, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f(t)
			time.Sleep(2 * Patience)
		})
	})
}

// asItIs and withEDNS edit a query.
func asItIs(*dns.Msg) {}

func withEDNS(r *dns.Msg) { r.SetEdns0(1232, false) }
