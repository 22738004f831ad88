package stub

import "github.com/miekg/dns"

// The halves of a pair as name_from_dns sees them.
const (
	muslNone   = -1 // no answer within the time, or not one that musl accepts
	muslRcode0 = dns.RcodeSuccess
	muslRcode3 = dns.RcodeNameError
)

// verdict judges all answers of one name together. done is false if the search goes on; the result is then
// what the program gets if nothing comes after.
func (m *muslLookup) verdict(s *muslSend) (r Result, done bool) {
	if m.anyHalf {
		return m.verdictAnyHalf(s)
	}
	// Both answers must be good before either is read: A first, then AAAA. The first that is not decides,
	// and an address in the other is thrown away.
	for i := range s.questions {
		switch s.rcode(i) {
		case muslNone:
			return m.stop(Again)
		case muslRcode3:
			return m.next()
		}
	}
	m.read(s)
	return m.addresses(m.empty)
}

// verdictAnyHalf is the rule before 1.2.1: read everything; without an address the first answer alone decides.
func (m *muslLookup) verdictAnyHalf(s *muslSend) (Result, bool) {
	m.read(s)
	if len(m.addrs) > 0 {
		return m.addresses(OK)
	}
	switch s.rcode(0) {
	case muslNone:
		return m.stop(Again)
	case muslRcode3:
		return m.next()
	}
	return m.stop(m.empty)
}

// read takes the addresses out of the answers: since 1.2.4 AAAA first, so that 48 of those leave no room for A.
func (m *muslLookup) read(s *muslSend) {
	p := muslParse{musl: m.musl, addrs: m.addrs[:0]}
	for i := range s.questions {
		if !m.loose {
			i = len(s.questions) - 1 - i
		}
		p.answer(s.answers[i], s.questions[i].Type)
	}
	m.addrs = p.addrs
	if p.canon != "" {
		m.setCanon(0, p.canon)
	}
}

// addresses ends the lookup with what was read, or with the error empty.
func (m *muslLookup) addresses(empty Errno) (Result, bool) {
	if len(m.addrs) == 0 {
		return m.stop(empty)
	}
	m.end(Found, OK)
	return found(m.addrs, OK), true
}

func (m *muslLookup) stop(e Errno) (Result, bool) {
	m.end(Stop, e)
	return Result{Err: e}, true
}

func (m *muslLookup) next() (Result, bool) {
	m.end(Next, OK)
	return Result{Err: NoName}, false
}
