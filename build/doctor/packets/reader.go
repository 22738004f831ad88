package packets

import (
	"fmt"
	"io"
	"net/netip"
	"sync/atomic"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A Reader reads one capture.
type Reader struct {
	Counts

	format  any
	done    *counter
	ports   [1 << 16]bool // of servers
	streams *streams
	emit    func(*Event)
	event   Event
}

// NewReader tells the format of a capture and reads its header. Servers listen on these ports.
func NewReader(in io.Reader, ports []uint16) (*Reader, error) {
	r := &Reader{done: &counter{in: in}}
	for _, p := range ports {
		r.ports[p] = true
	}
	format, err := open(r.done)
	if err != nil {
		return nil, err
	}
	r.format, r.streams = format, newStreams(r)
	return r, nil
}

// Done returns how many octets were read so far. It may be called at any time.
func (r *Reader) Done() int64 { return r.done.n.Load() }

// Read reads to the end and hands each event to emit, in the order of the capture. After an error, what was read before it
// is good.
func (r *Reader) Read(emit func(*Event)) error {
	r.emit = emit
	if tap, ok := r.format.(*tap); ok {
		return tap.read(r)
	}
	in := r.format.(source)
	for {
		f, err := in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			if ended(err) {
				err = fmt.Errorf("it ends within packet %d", r.Packets+1)
			}
			return err
		}
		r.Packets++
		r.frame(f)
	}
}

func (r *Reader) frame(f frame) {
	ip, ok := network(f.link, f.data)
	if !ok {
		r.Other++
		return
	}
	d, w := parseIP(ip)
	d.cut = d.cut || f.cut && w == readable
	switch {
	case w == fragment:
		r.Fragments++
	case w == broken:
		r.Broken++
	case d.proto == protoUDP || d.proto == protoTCP:
		r.transport(f, d)
	case d.proto == protoICMP || d.proto == protoICMPv6:
		r.icmp(f, d)
	default:
		r.Other++
	}
}

// transport finds out which end is the server.
func (r *Reader) transport(f frame, d datagram) {
	if len(d.payload) < 4 {
		r.Broken++
		return
	}
	src, dst := d.ports()
	fromClient := r.ports[dst]
	if !fromClient && !r.ports[src] {
		r.Other++
		return
	}
	if d.proto == protoTCP {
		r.streams.segment(f.at, d, fromClient && !(r.ports[src] && src < dst))
		return
	}
	payload, cut, ok := d.udp()
	if !ok {
		r.Broken++
		return
	}
	if fromClient && r.ports[src] { // two servers: one forwards to the other from its own port
		fromClient = len(payload) < 3 || payload[2]&0x80 == 0
	}
	r.set(f, d, fromClient)
	r.event.Transport, r.event.Cut = stub.UDP, cut
	r.message(payload)
}

// set fills in the ends of a packet.
func (r *Reader) set(f frame, d datagram, fromClient bool) {
	src, dst := d.ports()
	r.event = Event{At: f.at, Kind: Query, Hops: d.hops, Client: netip.AddrPortFrom(d.src, src), Server: netip.AddrPortFrom(d.dst, dst)}
	if !fromClient {
		r.event.Kind, r.event.Client, r.event.Server = Reply, r.event.Server, r.event.Client
	}
}

// message emits a DNS message.
func (r *Reader) message(payload []byte) {
	r.Messages++
	if r.event.Cut {
		r.Cut++
	}
	r.event.Message = payload
	r.emit(&r.event)
}

// icmp emits the error about a query to a port on which nobody listens.
func (r *Reader) icmp(f frame, d datagram) {
	quoted, ok := d.unreachable()
	if !ok {
		r.Other++
		return
	}
	if _, dst := quoted.ports(); !r.ports[dst] {
		r.Other++
		return
	}
	r.set(f, quoted, true)
	r.event.Kind, r.event.Message = Refused, quoted.payload[8:]
	r.emit(&r.event)
}

// counter counts what is read.
type counter struct {
	in io.Reader
	n  atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n.Add(int64(n))
	return n, err
}
