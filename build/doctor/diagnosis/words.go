package diagnosis

import (
	"fmt"
	"net/netip"
)

// short writes a list of addresses in the room of one.
func short(addrs []netip.Addr) string {
	switch len(addrs) {
	case 0:
		return "nothing"
	case 1:
		return addrs[0].String()
	}
	return fmt.Sprintf("%s and %d more", addrs[0], len(addrs)-1)
}
