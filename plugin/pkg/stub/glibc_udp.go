package stub

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// The sizes of the buffers for answers: dns_packet_buffer of nss_dns, and what send_dg allocates (MAXPACKET).
const (
	firstBuffer  = 2048
	secondBuffer = 65536
)

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
	size := secondBuffer
	if s.inFirst() {
		size = firstBuffer
		s.first = l.rcode() // of whatever is in the buffer, wanted or not
	}
	if s.answered[l.question] {
		return Duplicate
	}
	if !matches(msg, l.query, size) {
		return Unmatched
	}
	switch c := l.rcode(); {
	case c == dns.RcodeServerFailure, c == dns.RcodeNotImplemented, c == dns.RcodeRefused, lame(msg):
		return Failed
	case l.truncated():
		return ToTCP
	}
	return Accepted
}

// inFirst reports whether the next message goes into the first buffer.
func (s *glibcSend) inFirst() bool {
	return len(s.questions) == 1 || !s.answered[0] && !s.answered[1]
}

// matches compares the question of a reply, as res_queriesmatch does: a name that cannot be read matches. It reads
// the whole buffer, not only the message in it; what is behind the message is zero, at least the first time.
func matches(msg []byte, q Query, buffer int) bool {
	if binary.BigEndian.Uint16(msg[4:]) != 1 {
		return false
	}
	name, qtype, off, ok := readQuestion(msg)
	if !ok && len(msg) < buffer {
		msg = append(msg[:len(msg):len(msg)], make([]byte, buffer-len(msg))...)
		name, qtype, off, ok = readQuestion(msg)
	}
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
