package stub

import (
	"net/netip"
	"time"
)

// round is what one server's turn comes to.
type round uint8

const (
	failed round = iota // the next server, or the next try
	done                // an answer, or all that can be had
	viaTCP              // truncated: the same server again over TCP
)

// send is __res_context_send: the servers in order, as often as "attempts" says; the first that answers wins.
// Once TCP is used, each server gets one more chance, over TCP.
func (g *glibcLookup) send() (pair, bool) {
	s := &glibcSend{glibcLookup: g}
	stream, heard, tcpRefused := g.conf.UseTCP, false, false
	for try := 0; try < g.conf.Attempts; try++ {
		for i, server := range servers(g.conf.Servers) {
			if !stream {
				r := s.datagrams(server, g.patience(i))
				heard = heard || s.heard
				if r == done {
					return s.got, true
				}
				if r == failed {
					continue
				}
				stream = true
			}
			try = g.conf.Attempts
			var r round
			if r, tcpRefused = s.stream(server); r == done || g.hung {
				return s.got, r == done
			}
		}
	}
	switch {
	case stream && tcpRefused, !stream && !heard:
		g.errno = nobody
	case !stream:
		g.errno = timedOut
	}
	return pair{}, false
}

// patience is how long the server at a place in the list is waited for.
func (g *glibcLookup) patience(place int) time.Duration {
	seconds := int(g.conf.Timeout/time.Second) << place
	if place > 0 {
		seconds /= len(g.conf.Servers)
	}
	return time.Duration(max(seconds, 1)) * time.Second
}

// glibcSend is the state of one name's exchange with the servers.
type glibcSend struct {
	*glibcLookup
	got      pair
	answered [2]bool // by question
	heard    bool    // anything at all came back, or was at least waited for in vain
	mail     map[netip.Addr]*mailbox
}

// datagrams is send_dg: both questions at once; if only one is answered in time, again one after the other; if
// that fails too, from a new socket each; then with the one answer there is.
func (s *glibcSend) datagrams(server netip.Addr, patience time.Duration) round {
	heard := s.heard
	s.got = pair{}
	for {
		r, timeout := s.turn(server, s.now+patience)
		if !timeout {
			return r
		}
		if s.got.first == nil || !s.answered[0] && !s.answered[1] || len(s.questions) == 1 {
			s.heard = true
			return failed
		}
		switch {
		case !s.serial && !s.reopen:
			s.glibcLookup.serial = true
		case !s.reopen:
			s.glibcLookup.reopen = true
			s.closeSockets()
		default:
			return done
		}
		s.heard = heard
	}
}

// turn asks once and waits until both answers are there, something ends it, or the time is over.
func (s *glibcSend) turn(server netip.Addr, until time.Duration) (r round, timeout bool) {
	s.answered = [2]bool{false, len(s.questions) == 1}
	mail := s.socket(server)
	for i := range s.questions {
		if i == 0 || !s.serial && !s.reopen {
			s.postUDP(server, i)
		}
	}
	for {
		l, ok := mail.next(until)
		if !ok {
			s.now = max(s.now, until)
			return failed, true
		}
		s.now = max(s.now, l.at)
		v := s.receive(l)
		s.judge(l.packet, v)
		switch v {
		case Broken:
			s.closeSockets()
			return failed, false
		case ToTCP:
			s.closeSockets()
			return viaTCP, false
		case Accepted, Failed:
			if r, over := s.progress(l, v); over {
				return r, false
			}
		}
	}
}
