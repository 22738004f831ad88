package stub

import "net/netip"

// stream is send_vc: both questions over one connection, without any limit of time. Return codes, questions and
// TC are not looked at here. A reset is tried again once. refused is about the connection.
func (s *glibcSend) stream(server netip.Addr) (r round, refused bool) {
	for range 2 {
		fate := s.connection(server)
		if fate == Answered {
			return done, false
		}
		if fate != Reset {
			return failed, fate == Refused
		}
	}
	return failed, false
}

// connection asks over one connection and returns how it ended: Answered if all questions were.
func (s *glibcSend) connection(server netip.Addr) Fate {
	var mail mailbox
	s.got = pair{}
	for i, q := range s.questions {
		q.Server, q.Transport = server, TCP
		s.post(&mail, q, i)
	}
	for range s.questions {
		if len(mail) == 0 {
			s.hung = true
			return Silent
		}
		l, _ := mail.next(Forever)
		s.now = max(s.now, l.at)
		if l.reply.Fate == Answered && len(l.reply.Bytes) < 12 {
			l.reply.Fate = Closed
		}
		if l.reply.Fate != Answered {
			s.judge(l.packet, Broken)
			return l.reply.Fate
		}
		s.judge(l.packet, Accepted)
		s.keep(l.reply.Bytes)
	}
	return Answered
}

// keep puts an answer into the first free buffer.
func (s *glibcSend) keep(msg []byte) {
	if s.got.first == nil {
		s.first = int(msg[3] & 15)
		s.got.first = msg
		return
	}
	s.got.second = msg
}
