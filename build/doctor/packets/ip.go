package packets

import (
	"encoding/binary"
	"net/netip"
)

// The protocols on top of IP, and the extension headers of IPv6.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoAH       = 51
	protoICMPv6   = 58
	protoOptions  = 60
)

// datagram is an IP packet without its header.
type datagram struct {
	src, dst netip.Addr
	proto    byte
	hops     byte
	payload  []byte
	cut      bool // there was more of it
}

// what tells what became of a packet.
type what uint8

const (
	readable what = iota
	fragment      // of an IP packet
	broken        // not what its headers say
)

// parseIP reads the header of an IP packet of either version.
func parseIP(b []byte) (d datagram, w what) {
	switch {
	case len(b) >= 20 && b[0]>>4 == 4:
		return parseIPv4(b)
	case len(b) >= 40 && b[0]>>4 == 6:
		return parseIPv6(b)
	}
	return d, broken
}

func parseIPv4(b []byte) (d datagram, w what) {
	head, size := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
	if size == 0 {
		size = len(b) // a packet that the network card was to cut into pieces
	}
	if head < 20 || size < head || len(b) < head {
		return d, broken
	}
	if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 { // more fragments, or an offset
		return d, fragment
	}
	d = datagram{src: netip.AddrFrom4([4]byte(b[12:])), dst: netip.AddrFrom4([4]byte(b[16:])), proto: b[9], hops: b[8], cut: size > len(b)}
	d.payload = b[head:min(size, len(b))] // short frames are padded
	return d, readable
}

func parseIPv6(b []byte) (d datagram, w what) {
	size := int(binary.BigEndian.Uint16(b[4:])) + 40
	if size == 40 {
		size = len(b)
	}
	d = datagram{src: netip.AddrFrom16([16]byte(b[8:])).Unmap(), dst: netip.AddrFrom16([16]byte(b[24:])).Unmap(), proto: b[6], hops: b[7], cut: size > len(b)}
	d.payload = b[40:min(size, len(b))]
	for range 8 { // more headers than that nobody sends
		if len(d.payload) < 8 {
			break
		}
		size := 0
		switch d.proto {
		case protoHopByHop, protoRouting, protoOptions:
			size = int(d.payload[1])*8 + 8
		case protoAH:
			size = int(d.payload[1])*4 + 8
		case protoFragment:
			if binary.BigEndian.Uint16(d.payload[2:])&0xfff9 != 0 {
				return d, fragment
			}
			size = 8
		default:
			return d, readable
		}
		if size > len(d.payload) {
			return d, broken
		}
		d.proto, d.payload = d.payload[0], d.payload[size:]
	}
	return d, readable
}

// ports returns the ports of a TCP segment or a UDP datagram, both of which begin with them.
func (d datagram) ports() (src, dst uint16) {
	return binary.BigEndian.Uint16(d.payload), binary.BigEndian.Uint16(d.payload[2:])
}

// udp returns the payload of a UDP datagram.
func (d datagram) udp() (payload []byte, cut, ok bool) {
	if len(d.payload) < 8 {
		return nil, d.cut, d.cut
	}
	size := int(binary.BigEndian.Uint16(d.payload[4:]))
	if size == 0 {
		size = len(d.payload)
	}
	if size < 8 {
		return nil, false, false
	}
	return d.payload[8:min(size, len(d.payload))], size > len(d.payload), true
}

// unreachable returns the datagram that an ICMP error quotes, if the error says that nobody listens on its port.
func (d datagram) unreachable() (quoted datagram, ok bool) {
	if len(d.payload) < 8 {
		return quoted, false
	}
	kind, code := d.payload[0], d.payload[1]
	if !(d.proto == protoICMP && kind == 3 && code == 3 || d.proto == protoICMPv6 && kind == 1 && code == 4) {
		return quoted, false
	}
	quoted, w := parseIP(d.payload[8:])
	return quoted, w == readable && quoted.proto == protoUDP && len(quoted.payload) >= 8
}
