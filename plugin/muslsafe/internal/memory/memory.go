// Package memory remembers what names were, and what clients asked and were told about them. It is lossy, and its size is
// fixed: nothing that changes an answer rests on it alone.
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
	maxTTL = 3600 // seconds for which an outcome is remembered at the most

	// keepQuery is for how long it counts that a client has asked for one half of a name, when the other half fails. It is
	// the time after which a client gives up (musl, res_msend.c).
	keepQuery = lookup.Patience

	// keepFailure is for how long a half that failed when the client asked for it need not be asked for again.
	keepFailure = time.Second

	// keepDenial is for how long a client may keep a denial, or ask again.
	keepDenial = reply.BriefTTL * time.Second
)

// A Memory is that of one server block. It is safe for concurrent use.
type Memory struct {
	seed     maphash.Seed
	outcomes *bounded.Table // of a name and a type
	asked    *bounded.Table // by a client for a name and a type
	failed   *bounded.Table // of a client for a name and a type
	denied   *bounded.Table // to a client of a name: for which type, as the other one has addresses
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
		return // cut to nothing, it proves nothing
	}
	now := x.Began // sparing a look at the clock, which costs more than the rest
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

// Deny remembers that the client's half is denied to it for the sake of the other, unless the other one is.
func (m *Memory) Deny(c *lookup.Client, now time.Time) (ok bool) {
	client, _ := lookup.AddrOf(c.Writer)
	return m.denied.PutFirst(m.hash(client, c.Name, dns.TypeNone), c.Qtype(), now, now.Add(keepDenial))
}
