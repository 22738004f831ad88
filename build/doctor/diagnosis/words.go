package diagnosis

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
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

// Error says in words what getaddrinfo returns.
func Error(e stub.Errno) string {
	words := map[stub.Errno]string{
		stub.NoName: "no such host", stub.NoData: "no address", stub.Again: "temporary failure", stub.Fail: "failure",
	}
	if w, ok := words[e]; ok {
		return fmt.Sprintf("%s (%v)", w, e)
	}
	return e.String()
}

// Seconds writes a duration as people compare them.
func Seconds(d time.Duration) string {
	if d == stub.Forever {
		return "never"
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
