package stub

import (
	"time"

	"github.com/miekg/dns"
)

// muslSend is one run of __res_msend_rc: all questions of one name, from one socket, to all servers at once.
type muslSend struct {
	*muslLookup
	questions []Query
	answers   [][]byte // nil as long as there is none
	waiting   []bool   // the question is left to TCP
	budget    int      // how many SERVFAILs are still answered by asking again at once
	mail      mailbox
}

func newMuslSend(m *muslLookup, name string, malformed bool) *muslSend {
	s := &muslSend{muslLookup: m}
	for _, t := range m.types() {
		s.questions = append(s.questions, Query{Name: name, Type: t, Malformed: malformed})
	}
	s.answers = make([][]byte, len(s.questions))
	s.waiting = make([]bool, len(s.questions))
	return s
}

// run sends, waits, and sends again after each interval, until all questions are answered or the time is over.
// The time is for the whole name, not for one try or one server. It is looked at between two waits only: where
// the attempts do not divide it, a real musl may find some milliseconds left over, send once more and wait for
// another interval. Waits that last a little longer than asked for make that a matter of luck; the model has none,
// and rounds the interval up.
func (s *muslSend) run() {
	attempts := time.Duration(s.conf.Attempts)
	interval := (s.conf.Timeout/attempts + time.Millisecond - 1).Truncate(time.Millisecond)
	interval = max(interval, time.Millisecond)
	start, sent := s.now, s.now-interval
	for s.now-start < s.conf.Timeout && !s.complete() {
		if s.now-sent >= interval {
			s.sendAll()
			sent = s.now
			s.budget = 2 * len(s.questions)
		}
		l, ok := s.mail.next(sent + interval)
		if !ok {
			s.now = sent + interval
			continue
		}
		s.now = l.at
		if !s.receive(l) {
			return
		}
	}
}

func (s *muslSend) complete() bool {
	for _, a := range s.answers {
		if a == nil {
			return false
		}
	}
	return true
}

func (s *muslSend) sendAll() {
	for i, q := range s.questions {
		if s.answers[i] != nil || s.waiting[i] {
			continue
		}
		for _, server := range servers(s.conf.Servers) {
			q.Server, q.Transport = server, UDP
			s.post(&s.mail, q, i)
		}
	}
}

// receive reads one reply and reports whether to go on: any trouble with TCP ends the whole exchange, also for
// the question that TCP had nothing to do with.
func (s *muslSend) receive(l letter) bool {
	v := s.receiveUDP(l)
	if l.query.Transport == TCP {
		v = s.receiveTCP(l)
	}
	s.judge(l.packet, v)
	switch v {
	case Resent:
		s.post(&s.mail, l.query, l.question)
	case ToTCP:
		s.waiting[l.question] = true
		l.query.Transport = TCP
		s.post(&s.mail, l.query, l.question)
	}
	return v != Broken
}

// receiveUDP judges a datagram. Nothing is compared but the ID and the source; the socket is not connected, so
// that an ICMP error goes unnoticed.
func (s *muslSend) receiveUDP(l letter) Verdict {
	if l.query.Transport != UDP || l.reply.Fate != Answered {
		return Unheard
	}
	msg := l.reply.Bytes
	if len(msg) < 4 {
		return Unmatched
	}
	if s.answers[l.question] != nil || s.waiting[l.question] {
		return Duplicate
	}
	switch l.rcode() {
	case dns.RcodeSuccess, dns.RcodeNameError:
	case dns.RcodeServerFailure:
		if s.budget == 0 {
			return Ignored
		}
		s.budget--
		return Resent
	default:
		return Ignored
	}
	if s.tcp && (l.truncated() || len(msg) > s.buffer) {
		return ToTCP
	}
	s.answers[l.question] = msg[:min(len(msg), s.buffer)]
	return Accepted
}

// receiveTCP judges what came of the one connection that a question gets. Its TC bit is not looked at.
func (s *muslSend) receiveTCP(l letter) Verdict {
	msg := l.reply.Bytes
	if l.reply.Fate != Answered || len(msg) < 13 {
		return Broken
	}
	if c := l.rcode(); c != dns.RcodeSuccess && c != dns.RcodeNameError {
		return Broken
	}
	s.answers[l.question] = msg[:min(len(msg), s.buffer)]
	return Accepted
}

// rcode returns the return code of an accepted answer, or muslNone.
func (s *muslSend) rcode(question int) int {
	if s.answers[question] == nil {
		return muslNone
	}
	return int(s.answers[question][3] & 15)
}
