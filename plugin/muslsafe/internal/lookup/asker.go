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
	// Patience is how long a lookup can be joined. It is the time after which a client gives up (musl, res_msend.c).
	Patience = 5 * time.Second

	// Hedge is the time of silence after which a question is asked once more: a packet that is lost then costs this, and not
	// the timeout of forward.
	Hedge = 500 * time.Millisecond

	// MaxLookups is how many lookups one server block has at the most. Queries of clients are judged up to half of that, so
	// that there is room for what their verdicts need.
	MaxLookups = 1 << 14
)

// Options are what an Asker is made of.
type Options struct {
	Name      string         // of the plugin that asks
	Next      plugin.Handler // that is asked
	Max       int64          // lookups; usually MaxLookups
	AskAgain  bool           // what fails or is silent is asked once more
	KeepAddrs bool           // somebody wants to compare the addresses of answers
	OnAnswer  func(*Lookup, *Exchange)
}

// An Asker asks the plugins behind one muslsafe. It is safe for concurrent use.
type Asker struct {
	Options

	mu         sync.Mutex
	open       map[key]*Lookup // that can be joined
	size       atomic.Int64    // of all lookups, those that nobody can join included
	credit     credit
	queue      queue
	isWatching bool // somebody will look at it
	stacks     stacks
}

// New returns an Asker. It calls OnAnswer with the answer to each lookup, before anybody else can know it.
func New(o Options) *Asker {
	a := &Asker{Options: o, open: make(map[key]*Lookup)}
	a.credit.left.Store(maxCredit)
	return a
}

// Size returns how many lookups are under way.
func (a *Asker) Size() int64 { return a.size.Load() }

// IsOverloaded reports whether no other query of a client should be judged now.
func (a *Asker) IsOverloaded() bool { return a.size.Load() >= a.Max/2 }

// unavailable stands for all lookups of our own that find no room, or came with nothing even over TCP. They have failed,
// which no verdict takes for a proof.
var unavailable = func() *Lookup {
	l := &Lookup{Exchange: Exchange{rcode: dns.RcodeServerFailure, err: errUnavailable, Half: verdict.Half{Outcome: verdict.Failed}}}
	l.best = &l.Exchange
	l.landed.Store(true)
	return l
}()

// Unavailable returns a lookup that is not worth sending, and counts as failed.
func Unavailable() *Lookup { return unavailable }

// ask sends a lookup, and sends it once more at once if it fails.
func (a *Asker) ask(l *Lookup) {
	x := &l.Exchange
	a.send(l, x)
	if x.hasFailed() && a.mayAskAgain(l, 1) {
		x = l.second()
		a.send(l, x)
	}
	a.finish(l, x)
}

// askAgain sends a lookup once more that is silent.
func (a *Asker) askAgain(l *Lookup) {
	x := l.second()
	a.send(l, x)
	a.finish(l, x)
}

// hedge has a lookup sent once more beside the first query, if it may be.
func (a *Asker) hedge(l *Lookup) {
	if !l.over.Load() && a.mayAskAgain(l, 2) {
		go a.stacks.do(job{a: a, l: l, send: (*Asker).askAgain})
	}
}

// mayAskAgain reports whether the question may be asked once more, so that so many queries are open. Both are settled in one
// step, as the first query may fail just when the second one is sent.
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

// send sends a query through the chain, or through the whole server, and waits until it is over.
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

// callNext hands a query to the next plugin. It is [plugin.NextOrFailure] without the writer that this wraps around
// w, one allocation for each query: that writer tells the metrics who answered, and cannot tell them through
// ours. Spans need the real one.
func (a *Asker) callNext(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if a.Next == nil || opentracing.SpanFromContext(ctx) != nil {
		return a.Pass(ctx, w, r)
	}
	return a.Next.ServeDNS(ctx, w, r)
}

// Pass hands a query of a client to the next plugin as it is.
func (a *Asker) Pass(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return plugin.NextOrFailure(a.Name, a.Next, ctx, w, r)
}
