// Package lookup asks the next plugin, or the whole server, on behalf of a client. Nothing else in muslsafe does. Equal
// questions at the same time share one lookup, questions that fail or stay silent are repeated once, and no caller has to wait.
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

// Counts counts queries.
type Counts interface {
	// Sent is called when a query goes out.
	Sent()
	// Answered is called when it is over, whatever the result.
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
	copied *dns.Msg  // copy of its reply, if anybody but the first client wants it
}

// answering is how the client that sent its own lookup is answered.
type answering struct {
	answer     func(*Exchange) bool // answers the client, if it can; nil for subqueries
	isAnswered bool                 // it has done so
	claimed    atomic.Uint32        // who may answer
}

// Who may answer a client.
const (
	unclaimed uint32 = iota
	byAnswer         // the goroutine that received the answer
	byClient         // the client's goroutine, once it has what it needs
)

// origin is what the first and the second query of a lookup are made of.
type origin struct {
	header   dns.MsgHdr
	question dns.Question
	edns     *dns.Msg // has the client's additional section; nil if that is empty
	context  context.Context
}

// newLookup prepares a question for a name and a type, with the header and the options of the client's query.
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

// second prepares the second query of the lookup.
func (l *Lookup) second() *Exchange {
	x := &Exchange{IsSubquery: true}
	x.prepare(l.origin.context, l.ResponseWriter, &l.origin, time.Now())
	return x
}

// Landed reports whether the answer is there. A nil lookup was not sent.
func (l *Lookup) Landed() bool { return l != nil && l.landed.Load() }

// Half returns what the answer says about its half of a pair. The outcome is unknown while there is none.
func (l *Lookup) Half() verdict.Half {
	if !l.Landed() {
		return verdict.Half{}
	}
	return l.best.Half
}

// Qtype returns the type in the question.
func (l *Lookup) Qtype() uint16 { return l.key.qtype }

// Subject returns who asks, and for which name, in lower case.
func (l *Lookup) Subject() (client netip.Addr, name string) { return l.key.client, l.key.name }

// Best returns the query whose answer counts. The lookup must have landed.
func (l *Lookup) Best() *Exchange { return l.best }

// Raise repeats a panic of the plugins during the client's own query in the client's goroutine, where the server recovers.
func (l *Lookup) Raise() {
	if l.Landed() && l.best.panicked != nil && !l.best.IsSubquery {
		panic(l.best.panicked)
	}
}

// Age returns how long ago the lookup was sent.
func (l *Lookup) Age() time.Duration { return time.Since(l.Began) }

// copy keeps a copy of the message for those who wait beside the first client.
func (l *Lookup) copy() {
	defer l.best.recover()
	if l.best.Reply != nil {
		l.copied = l.best.Reply.Copy()
	}
}
