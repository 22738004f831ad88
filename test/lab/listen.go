package lab

import (
	"net"
	"strings"
)

// Listen listens on an address such as "127.0.0.1:0", for UDP and TCP on the same port.
func Listen(addr string) (udp *net.UDPConn, tcp *net.TCPListener, err error) {
	for range 20 { // a free port of one kind need not be free for the other
		if udp, tcp, err = listen(addr); err == nil || !strings.HasSuffix(addr, ":0") {
			break
		}
	}
	return udp, tcp, err
}

func listen(addr string) (*net.UDPConn, *net.TCPListener, error) {
	datagrams, err := net.ListenPacket("udp", addr)
	if err != nil {
		return nil, nil, err
	}
	stream, err := net.Listen("tcp", datagrams.LocalAddr().String())
	if err != nil {
		datagrams.Close()
		return nil, nil, err
	}
	return datagrams.(*net.UDPConn), stream.(*net.TCPListener), nil
}
