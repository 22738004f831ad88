package capture

import (
	"net/netip"
	"slices"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// fates are what a packet other than a reply means for a question.
var fates = map[packets.Kind]stub.Fate{packets.Refused: stub.Refused, packets.Closed: stub.Closed, packets.Reset: stub.Reset}

// streaming remembers a step that has to do with TCP, as its connections have no names.
func (t *tracker) streaming(s *step) {
	if s.streams {
		return
	}
	s.streams = true
	client := s.lookup.client.addr
	t.streams[client] = append(t.streams[client], s)
}

// notStreaming forgets it.
func (t *tracker) notStreaming(s *step) {
	client := s.lookup.client.addr
	all := t.streams[client]
	if i := slices.Index(all, s); i >= 0 {
		all = slices.Delete(all, i, i+1)
	}
	if len(all) == 0 {
		delete(t.streams, client)
		return
	}
	t.streams[client] = all
}

// opened notes that a client wants to go on over TCP. Where nothing comes of that, its question is never seen.
func (t *tracker) opened(e *packets.Event) {
	for _, s := range t.streams[e.Client.Addr()] {
		s.connected = true
	}
}

// failed takes an error of the network.
func (t *tracker) failed(e *packets.Event) {
	fate := fates[e.Kind]
	if e.Transport == stub.UDP {
		t.unreachable(e)
		return
	}
	for _, s := range t.streams[e.Client.Addr()] {
		found := false
		for i := range s.halves {
			if tr := s.halves[i].open(stub.TCP, e.Client.Port()); tr != nil {
				s.reply(tr, e.At, fate, nil, false)
				found = true
			}
		}
		if found {
			t.arm(s.lookup)
			return
		}
	}
	if fate == stub.Refused {
		t.refused(e)
	}
}

// refused is for a connection over which nothing could be asked. It was for the first question that waits for one.
func (t *tracker) refused(e *packets.Event) {
	for _, s := range t.streams[e.Client.Addr()] {
		for i := range s.halves {
			h := &s.halves[i]
			if !s.wantsTCP(h) || len(h.tries) >= maxTries {
				continue
			}
			h.tries = append(h.tries, try{at: e.At, server: e.Server.Addr(), transport: stub.TCP, port: e.Client.Port()})
			s.reply(&h.tries[len(h.tries)-1], e.At, stub.Refused, nil, false)
			t.arm(s.lookup)
			return
		}
	}
}

// wantsTCP reports whether a half was truncated, and not asked for over TCP since.
func (s *step) wantsTCP(h *half) bool {
	last := &h.tries[len(h.tries)-1]
	return last.transport == stub.UDP && s.truncated(last)
}

// unreachable takes an ICMP error, which quotes the question.
func (t *tracker) unreachable(e *packets.Event) {
	if len(e.Message) < 2 {
		return
	}
	id, qtype := uint16(e.Message[0])<<8|uint16(e.Message[1]), replyType(e.Message)
	s := t.keys[key{e.Client, id, qtype, stub.UDP}]
	if s == nil {
		t.orphans++
		return
	}
	if tr := s.openAt(qtype, e); tr != nil {
		s.reply(tr, e.At, stub.Refused, nil, false)
		t.arm(s.lookup)
	}
}

// promptly is how soon the reply to a packet comes, if it is not late.
const promptly = 300 * time.Millisecond

// openAt returns the try without a reply to which an event belongs. Questions that are sent again have the same ID: what comes
// right after the last one is the reply to that, and the others were lost; what comes later is the reply to the first.
func (s *step) openAt(qtype uint16, e *packets.Event) (found *try) {
	h := s.half(qtype)
	anyServer := e.Server.Addr() == netip.IPv4Unspecified() // dnstap does not say
	for i := range h.tries {
		tr := &h.tries[i]
		if tr.fate != stub.Silent || tr.transport != e.Transport || tr.port != e.Client.Port() || !anyServer && tr.server != e.Server.Addr() {
			continue
		}
		if found == nil || e.At-tr.at < promptly && tr.at-found.at > promptly {
			found = tr
		}
	}
	return found
}
