package packets

import (
	"container/list"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// The bounds of what is kept of TCP connections. One that goes beyond is given up, the one that was quiet for longest first.
const (
	maxStreams  = 4096
	maxBuffered = 16 << 20 // octets of all connections together
	maxLater    = 16       // segments of one direction that came too early
)

// The flags of TCP.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	_
	flagACK
)

// ends are the client and the server of a connection.
type ends [2]netip.AddrPort

// stream is a TCP connection.
type stream struct {
	ends
	up, down flow // from the client, from the server
	stood    bool // the server has accepted it
	over     bool // the client has closed it: it does not notice what the server does from then on
	place    *list.Element
}

// streams are the connections that are open.
type streams struct {
	*Reader
	all      map[ends]*stream
	order    *list.List // of *stream, the one that was quiet for longest in front
	buffered int
}

func newStreams(r *Reader) *streams {
	return &streams{Reader: r, all: make(map[ends]*stream), order: list.New()}
}

// segment reads one segment of TCP.
func (s *streams) segment(at time.Duration, d datagram, fromClient bool) {
	b := d.payload
	if len(b) < 20 || int(b[12]>>4)*4 < 20 || int(b[12]>>4)*4 > len(b) {
		s.Broken++
		return
	}
	src, dst := d.ports()
	e := ends{netip.AddrPortFrom(d.src, src), netip.AddrPortFrom(d.dst, dst)}
	if !fromClient {
		e[0], e[1] = e[1], e[0]
	}
	seq, flags, data := binary.BigEndian.Uint32(b[4:]), b[13], b[int(b[12]>>4)*4:]
	c := s.find(e, fromClient && flags&(flagSYN|flagACK) == flagSYN, seq, len(data) > 0, at)
	if c == nil {
		return
	}
	if flags&flagRST != 0 {
		s.reset(c, at, fromClient)
		return
	}
	if d.cut {
		s.Cut++
		s.giveUp(c)
		return
	}
	f := &c.down
	if fromClient {
		f = &c.up
	}
	if flags&flagSYN != 0 {
		c.stood = c.stood || !fromClient
		seq++
		f.next, f.known = seq, true
	}
	s.flow(c, f, at, seq, data, flags&flagFIN != 0)
}

// find returns a connection. A client that opens one, or data of one that was open before the capture, makes a new one.
func (s *streams) find(e ends, opens bool, seq uint32, data bool, at time.Duration) *stream {
	c := s.all[e]
	again := c != nil && c.up.known && c.up.next == seq+1 // the same request for a connection
	if opens && !again {
		if c != nil {
			s.remove(c)
		}
		c = nil
		s.event = Event{At: at, Kind: Opened, Client: e[0], Server: e[1], Transport: stub.TCP}
		s.emit(&s.event)
	}
	if c == nil && (opens || data) {
		c = &stream{ends: e, stood: !opens}
		s.all[e], c.place = c, s.order.PushBack(c)
		if len(s.all) > maxStreams {
			s.giveUp(s.order.Front().Value.(*stream))
		}
		return c
	}
	if c != nil {
		s.order.MoveToBack(c.place)
	}
	return c
}

func (s *streams) remove(c *stream) {
	s.buffered -= c.up.kept() + c.down.kept()
	s.order.Remove(c.place)
	delete(s.all, c.ends)
}

func (s *streams) giveUp(c *stream) {
	if c.up.kept()+c.down.kept() > 0 || s.all[c.ends] == nil {
		s.Lost++
	}
	s.remove(c)
}

// reset ends a connection. Nothing has been asked over one that never stood.
func (s *streams) reset(c *stream, at time.Duration, fromClient bool) {
	s.remove(c)
	if fromClient || c.over {
		return
	}
	s.event = Event{At: at, Kind: Reset, Client: c.ends[0], Server: c.ends[1], Transport: stub.TCP}
	if !c.stood {
		s.event.Kind = Refused
	}
	s.emit(&s.event)
}

// flow adds data to one direction and emits the messages that are whole.
func (s *streams) flow(c *stream, f *flow, at time.Duration, seq uint32, data []byte, fin bool) {
	s.buffered -= f.kept()
	ok := f.add(seq, data, fin)
	kind := Reply
	if f == &c.up {
		kind = Query
	}
	for msg := f.message(); msg != nil; msg = f.message() {
		s.event = Event{At: at, Kind: kind, Client: c.ends[0], Server: c.ends[1], Transport: stub.TCP}
		s.Reader.message(msg)
	}
	s.buffered += f.kept()
	switch {
	case !ok:
		s.giveUp(c)
	case f.ended() && kind == Query:
		c.over = true
	case f.ended():
		s.remove(c)
		if !c.over {
			s.event = Event{At: at, Kind: Closed, Client: c.ends[0], Server: c.ends[1], Transport: stub.TCP}
			s.emit(&s.event)
		}
	}
	for s.buffered > maxBuffered {
		s.giveUp(s.order.Front().Value.(*stream))
	}
}
