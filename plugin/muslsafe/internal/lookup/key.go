package lookup

import (
	"net"
	"net/netip"

	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
)

// key tells which questions are equal, so that one lookup serves all of them. It has the client because access rules and views
// may give different clients different answers.
type key struct {
	name   string
	client netip.Addr
	tcp    bool // an answer that is truncated for UDP does not serve for TCP
	qtype  uint16
	rd, ad bool // bits of the header that the answer may depend on (RFC 1035, section 4.1.1; RFC 6840, section 5.7)
	routed bool // it goes through the whole server, which picks the server block
}

func keyOf(w dns.ResponseWriter, r *dns.Msg, name string, qtype uint16) key {
	client, tcp := AddrOf(w)
	return key{name: name, client: client, tcp: tcp, qtype: qtype, rd: r.RecursionDesired, ad: r.AuthenticatedData}
}

// AddrOf returns the address of a client without its port, and whether it came over a stream.
func AddrOf(w dns.ResponseWriter) (client netip.Addr, tcp bool) {
	switch addr := w.RemoteAddr().(type) {
	case *net.UDPAddr:
		return addr.AddrPort().Addr(), false
	case *net.TCPAddr:
		return addr.AddrPort().Addr(), true
	default:
		state := request.Request{W: w}
		client, err := netip.ParseAddr(state.IP())
		if err != nil {
			return netip.Addr{}, state.Proto() == "tcp"
		}
		return client, state.Proto() == "tcp"
	}
}

// overTCP makes a client look like one that uses TCP, so that forward uses TCP (it looks at the type of the address). The
// address stays that of the client, for access rules.
type overTCP struct{ dns.ResponseWriter }

// RemoteAddr implements [dns.ResponseWriter].
func (w overTCP) RemoteAddr() net.Addr {
	if addr, ok := w.ResponseWriter.RemoteAddr().(*net.UDPAddr); ok {
		return &net.TCPAddr{IP: addr.IP, Port: addr.Port, Zone: addr.Zone}
	}
	return w.ResponseWriter.RemoteAddr()
}
