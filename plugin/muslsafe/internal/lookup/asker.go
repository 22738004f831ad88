package lookup

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/opentracing/opentracing-go"
)

const (
	// Patience is how long a lookup can be joined: until a client gives up (musl, res_msend.c).
	Patience = 5 * time.Second

	// Hedge is the time of silence after which a question is repeated. A lost packet then costs this much, and not the timeout
	// of forward.
	Hedge = 500 * time.Millisecond

	// MaxLookups is the largest number of lookups of one server block. Queries of clients are judged up to half of it, which
	// leaves room for what their verdicts need.
	MaxLookups = 1 << 14
)

// Options are what an Asker is made of.
type Options struct {
	Name      string         // the plugin that asks
	Next      plugin.Handler // the plugin that is asked
	Max       int64          // largest number of lookups; usually MaxLookups
	AskAgain  bool           // repeat questions that fail or stay silent
	KeepAddrs bool           // keep the addresses of answers, to compare them
	OnAnswer  func(*Lookup, *Exchange)
}

// An Asker asks the plugins behind one muslsafe. It is safe for concurrent use.
type Asker struct {
	Options

	mu         sync.Mutex
	open       map[key]*Lookup // that can be joined
	size       atomic.Int64    // number of lookups, including those that cannot be joined
	credit     credit
	queue      queue
	isWatching bool // a timer will check the queue
	stacks     stacks
}

// New returns an Asker. It calls OnAnswer with the answer to each lookup before anybody else sees it.
func New(o Options) *Asker {
	a := &Asker{Options: o, open: make(map[key]*Lookup)}
	a.credit.left.Store(maxCredit)
	return a
}

// Size returns how many lookups are in flight.
func (a *Asker) Size() int64 { return a.size.Load() }

// IsOverloaded reports whether no further queries of clients should be judged now.
func (a *Asker) IsOverloaded() bool { return a.size.Load() >= a.Max/2 }

// unavailable stands for all lookups of our own for which there was no room, or that were truncated to nothing even over TCP.
// They have failed, which is no proof for any verdict.
var unavailable = func() *Lookup {
	l := &Lookup{Exchange: Exchange{rcode: dns.RcodeServerFailure, err: errUnavailable, Half: verdict.Half{Outcome: verdict.Failed}}}
	l.best = &l.Exchange
	l.landed.Store(true)
	return l
}()

// Unavailable returns a lookup that is not worth sending, and counts as failed.
func Unavailable() *Lookup { return unavailable }

// ask sends a lookup, and repeats it at once if it fails.
func (a *Asker) ask(l *Lookup) {
	x := &l.Exchange
	a.send(l, x)
	if x.hasFailed() && a.mayAskAgain(l, 1) {
		x = l.second()
		a.send(l, x)
	}
	a.finish(l, x)
}

// askAgain repeats a silent lookup.
func (a *Asker) askAgain(l *Lookup) {
	x := l.second()
	a.send(l, x)
	a.finish(l, x)
}

// hedge repeats a lookup while the first query is open, if that is allowed.
func (a *Asker) hedge(l *Lookup) {
	if !l.over.Load() && a.mayAskAgain(l, 2) {
		go a.stacks.do(job{a: a, l: l, send: (*Asker).askAgain})
	}
}

// mayAskAgain reports whether the question may be repeated, and sets the number of open queries to open. It does both in one
// step, because the first query may fail while the second one is sent.
func (a *Asker) mayAskAgain(l *Lookup, open int32) bool {
	if !a.AskAgain || l.open.Load() != 1 || !a.credit.take() {
		return false
	}
	if !l.open.CompareAndSwap(1, open|askedTwice) {
		a.credit.left.Add(price)
		return false
	}
	return true
}

// askedTwice is set in the number of open queries when a second one has been sent.
const askedTwice = 1 << 8

// send sends a query to the next plugin, or through the whole server, and waits until it is over.
func (a *Asker) send(l *Lookup, x *Exchange) {
	l.counts.Sent()
	defer l.counts.Answered(x)
	defer x.recover()
	server, ok := x.Context.Value(dnsserver.Key{}).(*dnsserver.Server)
	if l.key.routed && ok {
		server.ServeDNS(x, x, &x.query)
	} else {
		x.rcode, x.err = a.callNext(x, x, &x.query)
	}
	x.examine(l.key.qtype, a.KeepAddrs)
}

// callNext hands a query to the next plugin. It is [plugin.NextOrFailure] without the writer that this wraps around w, which
// costs an allocation per query: that writer tells the metrics who answered, which does not work through ours. Tracing needs
// the real one.
func (a *Asker) callNext(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if a.Next == nil || opentracing.SpanFromContext(ctx) != nil {
		return a.Pass(ctx, w, r)
	}
	return a.Next.ServeDNS(ctx, w, r)
}

// Pass hands a query of a client to the next plugin unchanged.
func (a *Asker) Pass(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return plugin.NextOrFailure(a.Name, a.Next, ctx, w, r)
}
