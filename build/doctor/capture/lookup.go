package capture

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// try is one packet with a question, and what came back.
type try struct {
	at        time.Duration // since 1970
	server    netip.Addr
	transport stub.Transport
	port      uint16 // of the client
	hops      uint8  // see packets.Event
	fate      stub.Fate
	from, to  int           // the reply, within the data of the step
	after     time.Duration // from the question to the reply
	cut       bool          // the capture has the reply in part only
}

// half is one of the two questions of a step.
type half struct {
	qtype uint16
	id    uint16
	tries []try
}

// step is one name that a client asked for.
type step struct {
	name      string // absolute, in lower case, with a final dot
	known     *known
	malformed bool
	style     style
	port      uint16 // from which it was first asked for
	begin     time.Duration
	last      time.Duration // of the last packet
	connected bool          // a connection was asked for
	streams   bool          // it has to do with TCP
	halves    []half        // in the order of asking, one or two
	data      []byte        // the replies
	keys      []key         // by which it is found
	lookup    *lookup
}

// lookup is what a program asked its resolver for: one name, or several of a search.
type lookup struct {
	client *client
	steps  []*step
	label  string  // the first of all names
	more   *lookup // of this client and label
	cut    bool    // it was under way when the capture ended

	queue      *queue // where it waits to be over
	prev, next *lookup
	due        time.Duration
}

// client is an address that asks.
type client struct {
	addr       netip.Addr
	habits     habits
	identities []*identity // few: one for each style of queries
}

// last returns the step under way.
func (l *lookup) last() *step { return l.steps[len(l.steps)-1] }

// half returns the half of a type, nil if it was not asked for.
func (s *step) half(qtype uint16) *half {
	for i := range s.halves {
		if s.halves[i].qtype == qtype {
			return &s.halves[i]
		}
	}
	return nil
}

// ask adds a question.
func (s *step) ask(q query, t try) {
	h := s.half(q.qtype)
	if h == nil {
		n := len(s.halves)
		if n < cap(s.halves) {
			s.halves = s.halves[:n+1] // with the memory of a lookup before
		} else {
			s.halves = append(s.halves, half{})
		}
		h = &s.halves[n]
		h.qtype, h.id, h.tries = q.qtype, q.id, h.tries[:0]
	}
	h.tries = append(h.tries, t)
	s.last = t.at
}

// reply adds what came back to a question: to the first of the same packets that had nothing.
func (s *step) reply(t *try, at time.Duration, fate stub.Fate, msg []byte, cut bool) {
	t.fate, t.after, t.cut = fate, max(at-t.at, 0), cut
	t.from = len(s.data)
	s.data = append(s.data, msg...)
	t.to = len(s.data)
	s.last = max(s.last, at)
}

// bytes returns the message that came back.
func (s *step) bytes(t *try) []byte { return s.data[t.from:t.to:t.to] }

// rcode returns the return code of a reply, -1 if there is none.
func (s *step) rcode(t *try) int {
	if t.fate != stub.Answered || t.to-t.from < 4 {
		return -1
	}
	return int(s.data[t.from+3] & 15)
}

// truncated reports whether the reply to a try has TC set.
func (s *step) truncated(t *try) bool {
	return t.fate == stub.Answered && t.to-t.from >= 4 && s.data[t.from+2]&2 != 0
}

// settled reports whether a half has an answer that every libc takes.
func (s *step) settled(h *half) bool { return s.whole(h) != nil }

// whole returns the first try with an answer that every libc takes: NOERROR or NXDOMAIN, not cut, and with the question.
func (s *step) whole(h *half) *try {
	for i := range h.tries {
		t := &h.tries[i]
		code := s.rcode(t)
		if (code == dns.RcodeSuccess || code == dns.RcodeNameError) && (t.transport == stub.TCP || !s.truncated(t)) && replyType(s.bytes(t)) == h.qtype {
			return t
		}
	}
	return nil
}

// isSettled is that for all halves.
func (s *step) isSettled() bool {
	for i := range s.halves {
		if !s.settled(&s.halves[i]) {
			return false
		}
	}
	return true
}

// open returns the first try on a socket that has no reply.
func (h *half) open(transport stub.Transport, port uint16) *try {
	for i := range h.tries {
		if t := &h.tries[i]; t.fate == stub.Silent && t.transport == transport && t.port == port {
			return t
		}
	}
	return nil
}
