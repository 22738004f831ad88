package lookup

import (
	"context"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// A Client is a query of a client, on behalf of which muslsafe sends others. It belongs to the goroutine that serves the client,
// and is open from [Client.Open] to [Client.Close].
type Client struct {
	Asker   *Asker
	Context context.Context
	Writer  dns.ResponseWriter
	Query   *dns.Msg
	Name    string // the name in the question, in lower case
	Counts  Counts
	IsLocal bool // everything is asked of the next plugin, and nothing goes through the whole server

	waiter *waiter
}

// Open prepares a client for lookups, and reuses what an earlier one has left.
func (c *Client) Open() {
	if c.waiter == nil {
		c.waiter = newWaiter()
	}
}

// Close ends what Open began. Lookups in flight go on. What is left can be reused by the next client.
func (c *Client) Close() {
	c.waiter.clear()
	*c = Client{waiter: c.waiter}
}

// Qtype returns the type that the client asks for.
func (c *Client) Qtype() uint16 { return c.Query.Question[0].Qtype }

// Begin prepares the client's own query, which [Client.Claim] sends, or joins an equal one, as when the client repeats its query.
//
// When the answer comes in time, answer is called in the goroutine that received it. It reports whether it has answered the
// client. If the answer takes too long and the client uses UDP, late is called in its own goroutine and has to answer the
// client. If the client does not use UDP, Claim returns.
func (c *Client) Begin(now time.Time, answer func(*Exchange) bool, late func()) {
	a, wt := c.Asker, c.waiter
	l := newLookup(c, c.Writer, c.Query.Question[0].Name, c.Qtype(), keyOf(c.Writer, c.Query, c.Name, c.Qtype()), now)
	if l.answer = answer; isDatagram(c.Context, c.Writer) {
		wt.late = late
	}
	wt.own, wt.isFirst = l, true // before others know of it
	if joined, isNew := a.join(l, wt, forMessage); !isNew {
		wt.own, wt.isFirst = joined, false
	}
}

// Own returns the client's own lookup once it has begun, or nil.
func (c *Client) Own() *Lookup { return c.waiter.own }

// Claim sends the client's own lookup, in this goroutine if that may block. It returns when the client has been answered, or
// when only the caller can answer it.
func (c *Client) Claim() (isAnswered bool) {
	wt, own := c.waiter, c.waiter.own
	j := job{a: c.Asker, l: own, send: (*Asker).ask}
	if wt.isFirst && wt.late != nil {
		c.Asker.stacks.do(j)
	} else {
		if wt.isFirst {
			go c.Asker.stacks.do(j)
		}
		for left := Hedge - own.Age(); !own.Landed() && left > 0; left = Hedge - own.Age() {
			c.Wait(left)
		}
		c.Asker.hedge(own)
	}
	if !wt.isFirst || own.claimed.CompareAndSwap(unclaimed, byClient) {
		return false
	}
	if wt.late != nil && own.claimed.Load() == byClient {
		wt.waitLate()
		return true
	}
	c.WaitFor(own)
	return own.isAnswered
}

// Ask sends a query of our own, or joins an equal one. If the name is not the client's, the query goes through the whole server
// to the server block that owns the name.
func (c *Client) Ask(name string, qtype uint16) *Lookup {
	l, _ := askAs(c, c.Writer, name, qtype, forOutcome)
	return l
}

// AskOverTCP is Ask for an answer as over TCP.
func (c *Client) AskOverTCP(name string, qtype uint16) *Lookup {
	l, _ := askAs(c, overTCP{c.Writer}, name, qtype, forOutcome)
	return l
}

// OwnOverTCP repeats the client's own question for an answer as over TCP.
func (c *Client) OwnOverTCP() *Lookup {
	l, isNew := askAs(c, overTCP{c.Writer}, c.Query.Question[0].Name, c.Qtype(), forMessage)
	if isNew {
		c.waiter.overTCP = l
	}
	return l
}

// askAs sends a query of our own, or joins an equal one. The writer w tells the next plugins whether the client uses UDP or TCP.
func askAs(c *Client, w dns.ResponseWriter, name string, qtype uint16, want purpose) (l *Lookup, isNew bool) {
	a := c.Asker
	k := keyOf(w, c.Query, names.Lower(name), qtype)
	k.routed = k.name != c.Name && !c.IsLocal
	l = newLookup(c, w, name, qtype, k, time.Now())
	l.IsSubquery = true
	if l, isNew = a.join(l, c.waiter, want); isNew {
		go a.stacks.do(job{a: a, l: l, send: (*Asker).ask})
	}
	return l, isNew
}

// Follow has the client woken when lookups of another client land.
func (c *Client) Follow(lookups ...*Lookup) {
	c.Asker.mu.Lock()
	defer c.Asker.mu.Unlock()
	for _, l := range lookups {
		if !l.Landed() {
			l.waiting.others = append(l.waiting.others, c.waiter.wake)
		}
	}
}

// Proof returns the lookup that a verdict on another half may depend on instead of l, which can be nil. An answer that was
// truncated to nothing proves nothing, so it is repeated over TCP.
func (c *Client) Proof(l *Lookup) *Lookup {
	if h := l.Half(); h.Outcome != verdict.Data || !h.IsEmpty {
		return l
	}
	if l.key.tcp {
		return unavailable
	}
	return c.AskOverTCP(l.origin.question.Name, l.key.qtype)
}

// Wait waits until a lookup of the client lands, for at most d. If d is 0, there is no limit.
func (c *Client) Wait(d time.Duration) {
	if d <= 0 {
		<-c.waiter.wake
		return
	}
	c.waiter.timer.Reset(d)
	select {
	case <-c.waiter.wake:
	case <-c.waiter.timer.C:
	}
}

// WaitFor waits until a lookup lands, however long that takes.
func (c *Client) WaitFor(l *Lookup) {
	for !l.Landed() {
		c.Wait(0)
	}
}

// IsFirst reports whether this client sent l, so that the message answers this very query, with its ID. The message belongs to
// the plugin that made it and must not be modified.
func (c *Client) IsFirst(l *Lookup) bool {
	return l == c.waiter.own && c.waiter.isFirst || l == c.waiter.overTCP
}

// Take returns the message of a landed lookup as an answer to the client's query, with what the next plugin returned. The
// message is nil if none was written.
func (c *Client) Take(l *Lookup) (m *dns.Msg, rcode int, err error) {
	if c.IsFirst(l) {
		return l.best.Take(c.Context)
	}
	if l.copied == nil {
		return nil, l.best.rcode, l.best.err
	}
	m = l.copied.Copy() // everybody who shares it may modify their copy
	m.Id, m.Question = c.Query.Id, c.Query.Question
	return m, l.best.rcode, l.best.err
}

// SiblingOf returns AAAA for A, and A for AAAA.
func SiblingOf(qtype uint16) uint16 { return dns.TypeA + dns.TypeAAAA - qtype }
