// Package memory remembers what names were, and what clients asked and were told. It is lossy and of fixed size, so nothing that
// changes an answer depends on it alone.
package memory

import (
	"hash/maphash"
	"math"
	"net/netip"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/bounded"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

const (
	maxTTL = 3600 // seconds for which an outcome is remembered at most

	// keepQuery is how long it is remembered that a client asked for one half of a name, in case the other half fails: until a
	// client gives up (musl, res_msend.c).
	keepQuery = lookup.Patience

	// keepFailure is how long a half that failed for a client is not asked for again.
	keepFailure = time.Second

	// keepDenial is how long a client may keep a denial.
	keepDenial = reply.BriefTTL * time.Second
)

// A Memory belongs to one server block. It is safe for concurrent use.
type Memory struct {
	seed     maphash.Seed
	outcomes *bounded.Table // of a name and a type
	asked    *bounded.Table // by a client for a name and a type
	failed   *bounded.Table // of a client for a name and a type
	denied   *bounded.Table // to a client for a name: the type that was denied because the other one has addresses
}

// New returns an empty Memory.
func New() *Memory {
	return &Memory{maphash.MakeSeed(), bounded.NewTable(), bounded.NewTable(), bounded.NewTable(), bounded.NewTable()}
}

func (m *Memory) hash(client netip.Addr, name string, qtype uint16) uint64 {
	type rest struct {
		client netip.Addr
		qtype  uint16
	}
	return maphash.String(m.seed, name) ^ maphash.Comparable(m.seed, rest{client, qtype})
}

// Learn remembers the answer to a lookup for as long as it may be kept.
func (m *Memory) Learn(l *lookup.Lookup, x *lookup.Exchange) {
	client, name := l.Subject()
	if x.Half.Outcome == verdict.Failed {
		if !l.IsSubquery {
			m.failed.Put(m.hash(client, name, l.Qtype()), 1, time.Now().Add(keepFailure))
		}
		return
	}
	if x.Half.IsEmpty {
		return // truncated to nothing, so it proves nothing
	}
	now := x.Began // reading the clock would cost more than everything else here
	hash := m.hash(netip.Addr{}, name, l.Qtype())
	if was, ok := m.outcomes.Get(hash, now); ok && was == uint16(x.Half.Outcome) {
		return
	}
	m.outcomes.Put(hash, uint16(x.Half.Outcome), now.Add(timeToLive(x)))
}

// timeToLive returns how long an answer may be kept (RFC 2181, section 5.2; RFC 2308, section 5).
func timeToLive(x *lookup.Exchange) time.Duration {
	var ttl uint32 = math.MaxUint32
	for _, rr := range x.Reply.Answer {
		ttl = min(ttl, rr.Header().Ttl)
	}
	if x.Half.Outcome != verdict.Data {
		ttl = min(ttl, reply.DenialTTL(x.Reply))
	}
	return time.Duration(min(ttl, maxTTL)) * time.Second
}

// OutcomeOf returns what is remembered of a name and a type.
func (m *Memory) OutcomeOf(name string, qtype uint16, now time.Time) verdict.Outcome {
	if o, ok := m.outcomes.Get(m.hash(netip.Addr{}, name, qtype), now); ok {
		return verdict.Outcome(o)
	}
	return verdict.Unknown
}

// NoteQuery remembers that a client asks.
func (m *Memory) NoteQuery(c *lookup.Client, now time.Time) {
	client, _ := lookup.AddrOf(c.Writer)
	m.asked.Put(m.hash(client, c.Name, c.Qtype()), 1, now.Add(keepQuery))
}

// HasAsked reports whether a client has just asked for a type of its name.
func (m *Memory) HasAsked(c *lookup.Client, qtype uint16, now time.Time) bool {
	client, _ := lookup.AddrOf(c.Writer)
	_, ok := m.asked.Get(m.hash(client, c.Name, qtype), now)
	return ok
}

// HasFailed reports whether a query of a client for a type of its name has just failed.
func (m *Memory) HasFailed(c *lookup.Client, qtype uint16, now time.Time) bool {
	client, _ := lookup.AddrOf(c.Writer)
	_, ok := m.failed.Get(m.hash(client, c.Name, qtype), now)
	return ok
}

// Deny remembers that the client's half is denied to it because the other one has addresses. It returns false if the other half
// has been denied already.
func (m *Memory) Deny(c *lookup.Client, now time.Time) (ok bool) {
	client, _ := lookup.AddrOf(c.Writer)
	return m.denied.PutFirst(m.hash(client, c.Name, dns.TypeNone), c.Qtype(), now, now.Add(keepDenial))
}
