package packets

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	dnstap "github.com/dnstap/golang-dnstap"
	framestream "github.com/farsightsec/golang-framestream"
	"google.golang.org/protobuf/proto"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// maxTap is the size of the largest frame, as in golang-dnstap.
const maxTap = 96 << 10

// tap is a dnstap file.
type tap struct {
	in  *framestream.Reader
	buf []byte
	msg dnstap.Dnstap
}

func newTap(r *bufio.Reader) (*tap, error) {
	in, err := framestream.NewReader(r, &framestream.ReaderOptions{ContentTypes: [][]byte{dnstap.FSContentType}})
	if err != nil {
		return nil, fmt.Errorf("dnstap: %w", err)
	}
	return &tap{in: in, buf: make([]byte, maxTap)}, nil
}

// read emits what clients and a server said to each other; what the server asks others is skipped.
func (p *tap) read(r *Reader) error {
	for {
		n, err := p.in.ReadFrame(p.buf)
		switch {
		case errors.Is(err, framestream.ErrDataFrameTooLarge):
			r.Packets++
			r.Broken++
			continue
		case err == io.EOF:
			return nil
		case err != nil && ended(err):
			return fmt.Errorf("it ends within message %d", r.Packets+1)
		case err != nil:
			return fmt.Errorf("dnstap: %w", err)
		}
		r.Packets++
		if proto.Unmarshal(p.buf[:n], &p.msg) != nil || p.msg.Message == nil {
			r.Broken++
			continue
		}
		p.message(r, p.msg.Message)
	}
}

func (p *tap) message(r *Reader, m *dnstap.Message) {
	e := Event{Client: addrPort(m.QueryAddress, m.QueryPort), Server: addrPort(m.ResponseAddress, m.ResponsePort)}
	switch m.GetType() {
	case dnstap.Message_CLIENT_QUERY:
		e.Kind, e.At, e.Message = Query, since1970(m.GetQueryTimeSec(), m.GetQueryTimeNsec()), m.QueryMessage
	case dnstap.Message_CLIENT_RESPONSE:
		e.Kind, e.At, e.Message = Reply, since1970(m.GetResponseTimeSec(), m.GetResponseTimeNsec()), m.ResponseMessage
	default:
		r.Other++
		return
	}
	switch m.GetSocketProtocol() {
	case dnstap.SocketProtocol_UDP:
	case dnstap.SocketProtocol_TCP:
		e.Transport = stub.TCP
	default: // encrypted, which no libc does
		r.Other++
		return
	}
	if len(e.Message) == 0 {
		r.Bare++
		return
	}
	r.event = e
	r.message(e.Message)
}

// addrPort returns the zero address, on port 53, for a server that is not named: CoreDNS does not.
func addrPort(addr []byte, port *uint32) netip.AddrPort {
	a, ok := netip.AddrFromSlice(addr)
	if !ok {
		return netip.AddrPortFrom(netip.IPv4Unspecified(), 53)
	}
	if port == nil {
		return netip.AddrPortFrom(a.Unmap(), 53)
	}
	return netip.AddrPortFrom(a.Unmap(), uint16(*port))
}

func since1970(sec uint64, nsec uint32) time.Duration {
	return time.Duration(int64(sec)*int64(time.Second) + int64(nsec))
}
