// Package lookup asks the next plugin, or the whole server, on behalf of a client. Nothing else in muslsafe does. Equal
// questions that are asked at a time share one lookup, what fails or stays silent is asked once more, and nobody has to
// wait for anything.
package lookup

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// Counts is told of queries, to count them.
type Counts interface {
	// Sent is called when a query goes out.
	Sent()
	// Answered is called when it is over, however it ended.
	Answered(x *Exchange)
}

// A Lookup is one question, asked once or twice, and then its answer.
type Lookup struct {
	Exchange // the first query
	origin   origin
	key      key
	counts   Counts
	waiting  waiting
	link     link

	answering
	open   atomic.Int32 // queries that are not over
	over   atomic.Bool
	landed atomic.Bool

	best   *Exchange // the query whose answer counts; written before the lookup lands
	copied *dns.Msg  // of its reply, if somebody else than the first wants it
}

// answering is how the client that sent a lookup of its own is answered.
type answering struct {
	answer     func(*Exchange) bool // answers it, if it can; nil for subqueries
	isAnswered bool                 // it has done so
	claimed    atomic.Uint32        // by whoever may do so
}

// Who may answer a client.
const (
	unclaimed uint32 = iota
	byAnswer         // where the answer came
	byClient         // when it has found out what it needs
)

// origin is what a query is made of, as often as it is sent.
type origin struct {
	header   dns.MsgHdr
	question dns.Question
	edns     *dns.Msg // has the additional section; nil if that is empty
	context  context.Context
}

// newLookup prepares a question of a client with another name and type, and the header and the options of its query.
func newLookup(c *Client, w dns.ResponseWriter, name string, qtype uint16, k key, now time.Time) *Lookup {
	l := &Lookup{key: k, counts: c.Counts}
	l.origin = origin{header: c.Query.MsgHdr, question: dns.Question{Name: name, Qtype: qtype, Qclass: dns.ClassINET}}
	if len(c.Query.Extra) > 0 {
		l.origin.edns = c.Query.Copy()
	}
	l.origin.context = detached(c.Context)
	l.Exchange.prepare(l.origin.context, w, &l.origin, now)
	if metadata.ValueFuncs(c.Context) != nil {
		l.origin.context = detached(c.Context) // another one for the second query
	}
	l.open.Store(1)
	return l
}

// second prepares the same question once more.
func (l *Lookup) second() *Exchange {
	x := &Exchange{IsSubquery: true}
	x.prepare(l.origin.context, l.ResponseWriter, &l.origin, time.Now())
	return x
}

// Landed reports whether the answer is there. A lookup that is nil was not sent.
func (l *Lookup) Landed() bool { return l != nil && l.landed.Load() }

// Half returns what the answer says about its half of a pair. The outcome is unknown while there is none.
func (l *Lookup) Half() verdict.Half {
	if !l.Landed() {
		return verdict.Half{}
	}
	return l.best.Half
}

// Qtype returns the type that is asked for.
func (l *Lookup) Qtype() uint16 { return l.key.qtype }

// Subject returns who asks, and for which name, in lower case.
func (l *Lookup) Subject() (client netip.Addr, name string) { return l.key.client, l.key.name }

// Best returns the query whose answer counts, of a lookup that has landed.
func (l *Lookup) Best() *Exchange { return l.best }

// Raise panics if the plugins did at the query of a client, for its goroutine, where the server recovers from it.
func (l *Lookup) Raise() {
	if l.Landed() && l.best.panicked != nil && !l.best.IsSubquery {
		panic(l.best.panicked)
	}
}

// Age returns how long ago the lookup was sent.
func (l *Lookup) Age() time.Duration { return time.Since(l.Began) }

// copy keeps the message for others than the first who waits for it.
func (l *Lookup) copy() {
	defer l.best.recover()
	if l.best.Reply != nil {
		l.copied = l.best.Reply.Copy()
	}
}
