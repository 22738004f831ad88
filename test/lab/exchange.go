package lab

import (
	"net"
	"time"

	"github.com/miekg/dns"
)

// DotQuery returns what musl before 1.2.4 sends for "data" with "search .": a question that cannot be read.
func DotQuery() []byte {
	return []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04data\x2e\x00\x01\x00\x01\x00")
}

// Exchange sends a packet with any contents from a new socket, and returns the reply if one comes in time.
func Exchange(network, addr string, packet []byte, patience time.Duration) ([]byte, error) {
	conn, err := net.DialTimeout(network, addr, patience)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
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

// Pair asks the server on port 53 for A and AAAA of a name at once, from one socket and with IDs that are close together, as musl
// does. It returns the answers and how long both took.
func Pair(name string) (answers [2]*dns.Msg, took time.Duration, err error) {
	const patience = 10 * time.Second
	began := time.Now()
	conn, err := dns.DialTimeout("udp", "127.0.0.1:53", patience)
	if err != nil {
		return answers, 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(began.Add(patience)); err != nil {
		return answers, 0, err
	}
	first := dns.Id()
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		r := new(dns.Msg).SetQuestion(name, qtype)
		r.Id = first + uint16(i)*200
		if err := conn.WriteMsg(r); err != nil {
			return answers, 0, err
		}
	}
	for range answers {
		m, err := conn.ReadMsg()
		if err != nil {
			return answers, 0, err
		}
		if m.Id == first {
			answers[0] = m
		} else {
			answers[1] = m
		}
	}
	return answers, time.Since(began), nil
}
