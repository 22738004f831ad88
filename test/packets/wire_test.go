package packets

import (
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// exchange sends a packet and returns the reply.
func exchange(network, addr string, packet []byte) ([]byte, error) {
	return lab.Exchange(network, addr, packet, 10*time.Second)
}

// handler answers a packet that came over a network; nil is silence.
type handler func(network string, packet []byte) []byte

// serve answers the packets that come to an address, over UDP and TCP, until the test ends.
func serve(t testing.TB, addr string, answer handler) (listening string) {
	t.Helper()
	datagrams, stream, err := lab.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stream.Close()
		datagrams.Close()
	})
	go serveDatagrams(datagrams, answer)
	go serveStreams(stream, answer)
	return stream.Addr().String()
}

func serveDatagrams(socket net.PacketConn, answer handler) {
	for {
		buf := make([]byte, dns.MaxMsgSize)
		n, client, err := socket.ReadFrom(buf)
		if err != nil {
			return
		}
		go func() {
			if reply := answer("udp", buf[:n]); reply != nil {
				_, _ = socket.WriteTo(reply, client)
			}
		}()
	}
}

func serveStreams(listener net.Listener, answer handler) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			framed, buf := dns.Conn{Conn: conn}, make([]byte, dns.MaxMsgSize)
			for {
				n, err := framed.Read(buf)
				if err != nil {
					return
				}
				if reply := answer("tcp", buf[:n]); reply != nil {
					_, _ = framed.Write(reply)
				}
			}
		}()
	}
}
