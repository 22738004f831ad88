package stub

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// glibcPacket is the size of the first buffer for an answer (dns_packet_buffer in nss_dns).
const glibcPacket = 2048

// socket returns the letters on their way to the socket of a server. It stays open from one try to the next, so
// that a late answer to the first try still counts.
func (s *glibcSend) socket(server netip.Addr) *mailbox {
	if s.mail == nil {
		s.mail = make(map[netip.Addr]*mailbox)
	}
	if s.mail[server] == nil {
		s.mail[server] = new(mailbox)
	}
	return s.mail[server]
}

// closeSockets is __res_iclose: what is on its way is lost. The mailboxes are emptied, not replaced.
func (s *glibcSend) closeSockets() {
	for _, m := range s.mail {
		*m = nil
	}
}

func (s *glibcSend) postUDP(server netip.Addr, question int) {
	q := s.questions[question]
	q.Server = server
	s.post(s.socket(server), q, question)
}

// receive judges a datagram as send_dg does. The socket is connected: an ICMP error ends the turn.
func (s *glibcSend) receive(l letter) Verdict {
	msg := l.reply.Bytes
	if l.reply.Fate != Answered || len(msg) == 0 {
		return Broken
	}
	s.heard = true
	if len(msg) < 12 {
		return Broken
	}
	s.buffer(msg)
	if s.answered[l.question] {
		return Duplicate
	}
	if !matches(msg, l.query) {
		return Unmatched
	}
	switch l.rcode() {
	case dns.RcodeServerFailure, dns.RcodeNotImplemented, dns.RcodeRefused:
		return Failed
	}
	if lame(msg) {
		return Failed
	}
	if l.truncated() {
		return ToTCP
	}
	return Accepted
}

// buffer notes the return code of what is written into the first buffer, whatever it is.
func (s *glibcSend) buffer(msg []byte) {
	if s.inFirst() {
		s.first = int(msg[3] & 15)
	}
}

// inFirst reports whether the next message goes into the first buffer.
func (s *glibcSend) inFirst() bool {
	return len(s.questions) == 1 || !s.answered[0] && !s.answered[1]
}

// matches compares the question of a reply, as res_queriesmatch does: a name that cannot be read matches. It reads
// the whole buffer, not only the message in it; what is behind the message is zero, at least the first time.
func matches(msg []byte, q Query) bool {
	if binary.BigEndian.Uint16(msg[4:]) != 1 {
		return false
	}
	if len(msg) < glibcPacket {
		msg = append(msg[:len(msg):len(msg)], make([]byte, glibcPacket-len(msg))...)
	}
	name, qtype, off, ok := readQuestion(msg)
	if !ok {
		return true
	}
	return qtype == q.Type && binary.BigEndian.Uint16(msg[off-2:]) == dns.ClassINET && strings.EqualFold(name, q.Name)
}

// lame reports whether a reply looks like a referral of a server that knows nothing: no error, no records, and
// neither authoritative nor with recursion available.
func lame(msg []byte) bool {
	return msg[3]&15 == dns.RcodeSuccess && answerCount(msg) == 0 && msg[2]&4 == 0 && msg[3]&0x80 == 0 &&
		binary.BigEndian.Uint16(msg[10:]) == 0
}

// progress keeps an answer or a failure of one half and says whether the turn is over.
func (s *glibcSend) progress(l letter, v Verdict) (r round, over bool) {
	if v == Failed {
		return s.half(l)
	}
	if s.inFirst() {
		s.got.first = l.reply.Bytes
	} else {
		s.got.second = l.reply.Bytes
	}
	s.answered[l.question] = true
	if s.answered[0] && s.answered[1] {
		return done, true
	}
	if s.reopen {
		s.closeSockets()
	}
	if s.serial || s.reopen {
		s.postUDP(l.query.Server, 1)
	}
	return done, false
}

// half is what send_dg does after SERVFAIL, NOTIMP or REFUSED: the other half is still waited for, but one that
// has not been asked for yet never is. If the other half is through already, the turn is over with what there is.
func (s *glibcSend) half(l letter) (r round, over bool) {
	if len(s.questions) == 2 && (s.answered[0] || s.answered[1]) {
		if s.got.first == nil {
			return failed, true
		}
		return done, true
	}
	if len(s.questions) == 1 || s.serial || s.reopen {
		s.closeSockets()
		return failed, true
	}
	s.got.first = nil
	s.answered[l.question] = true
	return done, false
}
