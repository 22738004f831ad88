package ask

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// datagrams asks a pair over UDP. If one half stays silent, the pair is sent once more after half of the time, so that
// one lost packet is not taken for a server that drops questions; if one fails with SERVFAIL, once more at once, so
// that a server that recovers is told from one that does not. It is the whole pair, as the order of the answers may
// decide the second time, too.
func (a *Asker) datagrams(q stub.Query) map[uint16][]stub.Reply {
	replies := make(map[uint16][]stub.Reply)
	c, err := a.dial("udp", q)
	if err != nil {
		for _, t := range pair {
			replies[t] = []stub.Reply{unreachable(err, 0)}
		}
		return replies
	}
	defer c.Close()
	s := &socket{conn: c, question: q}
	s.round(pair, a.options.Timeout/2)
	if slices.ContainsFunc(s.packets, func(p packet) bool { return p.reply.Fate == stub.Silent || isServFail(p.reply) }) {
		s.round(pair, a.options.Timeout-a.options.Timeout/2)
	}
	for _, p := range s.packets {
		replies[p.qtype] = append(replies[p.qtype], p.reply)
	}
	return replies
}

func isServFail(r stub.Reply) bool {
	return r.Fate == stub.Answered && len(r.Bytes) > 3 && r.Bytes[3]&15 == dns.RcodeServerFailure
}

// socket is a pair on its way. Each packet has an ID of its own, so that it is known which one a reply is to.
type socket struct {
	conn     net.Conn
	question stub.Query
	packets  []packet
}

type packet struct {
	qtype uint16
	id    uint16
	round time.Time  // the beginning of its round, from which delays count, so that replies keep their order
	reply stub.Reply // silence until something comes
}

// round sends questions and waits until all packets have replies or the time is over.
func (s *socket) round(types []uint16, patience time.Duration) {
	began, first := time.Now(), len(s.packets)
	for _, t := range types {
		p := packet{qtype: t, id: s.newID(), round: began}
		s.packets = append(s.packets, p)
		s.question.Type = t
		if _, err := s.conn.Write(s.question.Wire(p.id)); err != nil {
			s.fail(err, first)
			return
		}
	}
	_ = s.conn.SetReadDeadline(began.Add(patience))
	buf := make([]byte, dns.MaxMsgSize)
	for s.open(first) {
		n, err := s.conn.Read(buf)
		if err != nil {
			s.fail(err, first)
			return
		}
		s.receive(buf[:n])
	}
}

func (s *socket) newID() uint16 {
	for {
		id := uint16(rand.Uint32())
		if !slices.ContainsFunc(s.packets, func(p packet) bool { return p.id == id }) {
			return id
		}
	}
}

// open reports whether a packet of the round waits for its reply.
func (s *socket) open(first int) bool {
	return slices.ContainsFunc(s.packets[first:], func(p packet) bool { return p.reply.Fate == stub.Silent })
}

// receive keeps the first reply to a packet. What is no reply to any is skipped, as the libcs do.
func (s *socket) receive(msg []byte) {
	if len(msg) < 2 {
		return
	}
	id := binary.BigEndian.Uint16(msg)
	for i := range s.packets {
		if p := &s.packets[i]; p.id == id && p.reply.Fate == stub.Silent {
			p.reply = stub.Reply{Fate: stub.Answered, Bytes: slices.Clone(msg), Delay: time.Since(p.round)}
		}
	}
}

// fail reads an error as the fate of what is open in the round.
func (s *socket) fail(err error, first int) {
	for i := range s.packets[first:] {
		if p := &s.packets[first+i]; p.reply.Fate == stub.Silent {
			p.reply = unreachable(err, time.Since(p.round))
		}
	}
	for _, t := range pair { // what could not even be sent
		if first == 0 && !slices.ContainsFunc(s.packets, func(p packet) bool { return p.qtype == t }) {
			s.packets = append(s.packets, packet{qtype: t, reply: unreachable(err, 0)})
		}
	}
}

// unreachable is silence, unless the kernel knows that nobody listens there.
func unreachable(err error, delay time.Duration) stub.Reply {
	for _, known := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH} {
		if errors.Is(err, known) {
			return stub.Reply{Fate: stub.Refused, Delay: delay}
		}
	}
	return stub.Reply{}
}
