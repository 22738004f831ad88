package capture

import (
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// replay plays the servers of one lookup to a model: it says what was recorded.
type replay struct {
	lookup  *lookup
	answers *interner // of other lookups
	instead map[question]stub.Reply
	asked   map[stub.Query]int // over TCP, how often

	unknown string // the first question of which nothing was recorded: what comes after it is a guess
}

// question is a name and a type.
type question struct {
	name      string // in lower case
	qtype     uint16
	malformed bool
}

// exchange says what became of a question.
func (r *replay) exchange(q stub.Query) stub.Reply {
	name := strings.ToLower(q.Name)
	if reply, ok := r.instead[question{name, q.Type, q.Malformed}]; ok {
		return reply
	}
	s := r.lookup.find(name, q.Malformed)
	if s == nil || s.half(q.Type) == nil {
		return r.elsewhere(q, name)
	}
	h := s.half(q.Type)
	if q.Transport == stub.TCP {
		return r.overTCP(q, s, h)
	}
	t, n := h.nth(q)
	return s.replyTo(t, s.sentWith(t, n))
}

// find returns the step of a name.
func (l *lookup) find(name string, malformed bool) *step {
	for _, s := range l.steps {
		if s.name == name && s.malformed == malformed {
			return s
		}
	}
	return nil
}

// nth returns the nth try of a question over UDP, and its number. A libc that asks more often than the client did gets the
// last one again.
func (h *half) nth(q stub.Query) (found *try, n int) {
	for i := range h.tries {
		t := &h.tries[i]
		if t.transport == stub.UDP && t.server == q.Server {
			if n, found = n+1, t; n == q.Attempt {
				break
			}
		}
	}
	return found, n
}

// sentWith returns when the questions of a pair went out that a try belongs to. The models send both at the same time, and it
// can matter which reply comes first.
func (s *step) sentWith(t *try, n int) time.Duration {
	if t == nil {
		return 0
	}
	sent := t.at
	for i := range s.halves {
		other, k := s.halves[i].nth(stub.Query{Server: t.server, Attempt: n})
		if other != nil && k == n && other.at < sent && sent-other.at < apart {
			sent = other.at
		}
	}
	return sent
}

// wentToTCP returns when a libc has turned to TCP: with the first truncated reply to this half, or else to the other one.
func (s *step) wentToTCP(h *half, t *try) time.Duration {
	for _, own := range []bool{true, false} {
		for i := range s.halves {
			if (&s.halves[i] == h) != own {
				continue
			}
			for k := range s.halves[i].tries {
				if u := &s.halves[i].tries[k]; u.transport == stub.UDP && s.truncated(u) && u.at+u.after <= t.at {
					return u.at + u.after
				}
			}
		}
	}
	return t.at
}

// replyTo makes a reply for a model, for which the question went out at this time.
func (s *step) replyTo(t *try, sent time.Duration) stub.Reply {
	if t == nil || t.fate == stub.Silent {
		return stub.Reply{}
	}
	return stub.Reply{Fate: t.fate, Bytes: s.bytes(t), Delay: t.at + t.after - sent}
}

// overTCP returns what came over TCP. Where the client did not go there, nobody knows. A libc that asks more often than the
// client did gets the last reply again.
func (r *replay) overTCP(q stub.Query, s *step, h *half) stub.Reply {
	n, found := 0, (*try)(nil)
	for i := range h.tries {
		t := &h.tries[i]
		if t.transport == stub.TCP && t.server == q.Server {
			if n, found = n+1, t; n > r.asked[q.Question()] {
				break
			}
		}
	}
	r.asked[q.Question()]++
	if found != nil {
		return s.replyTo(found, s.wentToTCP(h, found))
	}
	if whole := s.whole(h); whole != nil {
		return s.replyTo(whole, whole.at) // over TCP it is the same
	}
	if !s.connected {
		r.miss(dns.TypeToString[q.Type] + " " + q.Name + " over TCP")
		return stub.Reply{Fate: stub.Closed}
	}
	return stub.Reply{}
}

// elsewhere returns what another lookup got.
func (r *replay) elsewhere(q stub.Query, name string) stub.Reply {
	if reply, ok := r.answers.find(question{name, q.Type, q.Malformed}); ok && q.Transport == stub.UDP {
		return reply
	}
	r.miss(q.Name)
	return nothing(q, dns.RcodeNameError)
}

func (r *replay) miss(what string) {
	if r.unknown == "" {
		r.unknown = what
	}
}

// nothing returns a reply without records.
func nothing(q stub.Query, rcode byte) stub.Reply {
	msg := q.Wire(0)
	msg[2], msg[3] = 0x81, 0x80|rcode
	return stub.Reply{Fate: stub.Answered, Bytes: msg}
}
