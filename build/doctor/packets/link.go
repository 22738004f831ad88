package packets

import (
	"encoding/binary"
	"fmt"
)

// The link types that are read, with the numbers of tcpdump.org/linktypes.html.
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw      = 101
	linkLoop     = 108
	linkSLL      = 113
	linkIPv4     = 228
	linkIPv6     = 229
	linkSLL2     = 276
)

// The EtherTypes that are followed.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100
	etherQinQ = 0x88a8
	etherOld  = 0x9100 // of VLANs in VLANs
)

// checkLink says which link types there are, if this is none of them.
func checkLink(link uint32) error {
	switch link {
	case linkNull, linkEthernet, 12, 14, linkRaw, linkLoop, linkSLL, linkIPv4, linkIPv6, linkSLL2:
		return nil
	}
	return fmt.Errorf("unknown link type %d; expect Ethernet (1), Linux cooked (113, 276), raw IP (101) or loopback (0, 108)", link)
}

// network returns the IP packet of a frame.
func network(link uint32, b []byte) (ip []byte, ok bool) {
	switch link {
	case linkEthernet:
		return behind(b, 12)
	case linkSLL:
		return behind(b, 14)
	case linkSLL2: // the type is in front of the rest
		if len(b) < 20 {
			return nil, false
		}
		return tagged(binary.BigEndian.Uint16(b), b[20:])
	case linkNull, linkLoop: // the family differs from system to system, the IP version does not
		if len(b) < 4 {
			return nil, false
		}
		return b[4:], true
	}
	return b, true // raw
}

// behind returns what follows an EtherType at an offset.
func behind(b []byte, at int) ([]byte, bool) {
	if len(b) < at+2 {
		return nil, false
	}
	return tagged(binary.BigEndian.Uint16(b[at:]), b[at+2:])
}

// tagged skips the tags of VLANs.
func tagged(ether uint16, b []byte) ([]byte, bool) {
	for ether == etherVLAN || ether == etherQinQ || ether == etherOld {
		if len(b) < 4 {
			return nil, false
		}
		ether, b = binary.BigEndian.Uint16(b[2:]), b[4:]
	}
	return b, ether == etherIPv4 || ether == etherIPv6
}
