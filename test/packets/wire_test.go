package packets

import (
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// exchange sends a packet, whatever it holds, and returns the reply.
func exchange(network, addr string, packet []byte) ([]byte, error) {
	conn, err := net.Dial(network, addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return nil, err
	}
	framed := dns.Conn{Conn: conn}
	if _, err := framed.Write(packet); err != nil {
		return nil, err
	}
	buf := make([]byte, dns.MaxMsgSize)
	n, err := framed.Read(buf)
	return buf[:n], err
}

// handler answers a packet that came over a network; nil is silence.
type handler func(network string, packet []byte) []byte

// serve answers the packets that come to an address, over UDP and TCP, until the test ends.
func serve(t testing.TB, addr string, answer handler) (listening string) {
	t.Helper()
	var stream net.Listener
	var datagrams net.PacketConn
	for range 10 { // a free port of one kind need not be free for the other
		var err error
		if stream, err = net.Listen("tcp", addr); err != nil {
			t.Fatal(err)
		}
		if datagrams, err = net.ListenPacket("udp", stream.Addr().String()); err == nil {
			break
		}
		stream.Close()
	}
	if datagrams == nil {
		t.Fatalf("no port at %s for UDP and TCP", addr)
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
