package lookup

import (
	"net"
	"net/netip"
	"testing"

	"github.com/coredns/coredns/plugin/test"
)

// client is a writer of a client with any address.
type client struct {
	test.ResponseWriter
	addr net.Addr
}

func (c *client) RemoteAddr() net.Addr { return c.addr }

// TestOverTCP checks that a client stays who it is when the chain takes it for one over TCP.
func TestOverTCP(t *testing.T) {
	udp := &net.UDPAddr{IP: net.ParseIP("fe80::1"), Port: 40212, Zone: "eth0"}
	got, ok := overTCP{&client{addr: udp}}.RemoteAddr().(*net.TCPAddr)
	if !ok || got.String() != udp.String() {
		t.Errorf("RemoteAddr = %v; want %v, over TCP", got, udp)
	}
	other := &net.UnixAddr{Name: "socket", Net: "unix"}
	if got := (overTCP{&client{addr: other}}).RemoteAddr(); got != net.Addr(other) {
		t.Errorf("RemoteAddr = %v; want %v as it is", got, other)
	}
}

func TestAddrOf(t *testing.T) {
	for _, tcp := range []bool{false, true} {
		w := &test.ResponseWriter{RemoteIP: "192.0.2.1", TCP: tcp}
		if got, isTCP := AddrOf(w); got.Unmap() != netip.MustParseAddr("192.0.2.1") || isTCP != tcp {
			t.Errorf("AddrOf = %v, %v; want 192.0.2.1, %v", got, isTCP, tcp)
		}
	}
	if got, _ := AddrOf(&client{addr: &net.UnixAddr{Name: "socket", Net: "unix"}}); got.IsValid() {
		t.Errorf("AddrOf = %v; want none for a client without an IP address", got)
	}
}
