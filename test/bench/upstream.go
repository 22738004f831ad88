package main

import (
	"encoding/binary"
	"net"
	"strings"
	"sync/atomic"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// upstream is the one authority behind all peers. It has an A and an AAAA record for each name below example.com, and for
// each name of two labels below example. It denies the rest, and counts what it is asked. It works on the octets of the message, so that it costs little beside the peers.
type upstream struct {
	conn    *net.UDPConn
	queries atomic.Int64
	leaks   atomic.Int64 // the queries for names that only a search makes
}

func startUpstream() (*upstream, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(4 << 20) // a burst must not be lost; the kernel gives what it allows
	u := &upstream{conn: conn}
	for range 2 {
		go u.serve()
	}
	return u, nil
}

func (u *upstream) port() int { return u.conn.LocalAddr().(*net.UDPAddr).Port }

func (u *upstream) serve() {
	buf := make([]byte, 4096)
	for {
		n, client, err := u.conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			return // closed
		}
		u.queries.Add(1)
		if name, _ := questionName(buf[:n]); strings.HasSuffix(name, ".cluster.local."+nodeSearch) {
			u.leaks.Add(1)
		}
		if reply := replyTo(buf[:n]); reply != nil {
			_, _ = u.conn.WriteToUDPAddrPort(reply, client)
		}
	}
}

const headerSize = 12

// replyTo turns a query into its reply, or returns nil for what is none.
func replyTo(msg []byte) []byte {
	name, end := questionName(msg)
	if end == 0 {
		return nil
	}
	qtype := binary.BigEndian.Uint16(msg[end-4:])
	reply := append([]byte(nil), msg[:end]...) // without the OPT record: the reply of a server without EDNS
	reply[2] |= 0x84                           // QR, AA
	reply[3] = 0x80                            // RA, as forwarders expect
	copy(reply[4:headerSize], []byte{0, 1, 0, 0, 0, 0, 0, 0})

	exists := strings.HasSuffix(name, ".example.com") || strings.HasSuffix(name, registry) && strings.Count(name, ".") == 1
	v4, v6 := lab.AddressesOf(name)
	switch {
	case exists && qtype == dns.TypeA:
		return appendAddress(reply, qtype, v4.AsSlice())
	case exists && qtype == dns.TypeAAAA:
		return appendAddress(reply, qtype, v6.AsSlice())
	case !exists:
		reply[3] |= dns.RcodeNameError
	}
	return appendSOA(reply)
}

// questionName returns the name of the question without final dot, and where the question ends; 0 if there is none.
func questionName(msg []byte) (name string, end int) {
	var b strings.Builder
	for at := headerSize; at < len(msg); {
		size := int(msg[at])
		at++
		if size == 0 && at+4 <= len(msg) {
			return b.String(), at + 4
		}
		if size == 0 || size > 63 || at+size > len(msg) {
			break
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.Write(msg[at : at+size])
		at += size
	}
	return "", 0
}

// appendAddress adds a record that belongs to the name of the question.
func appendAddress(reply []byte, qtype uint16, addr []byte) []byte {
	reply[7] = 1
	reply = append(reply, 0xc0, headerSize, byte(qtype>>8), byte(qtype), 0, dns.ClassINET, 0, 0, 1, 44, 0, byte(len(addr)))
	return append(reply, addr...)
}

// appendSOA adds the SOA record of the root, with a TTL of 300 s, without which nobody keeps a denial.
func appendSOA(reply []byte) []byte {
	reply[9] = 1
	reply = append(reply, 0, 0, byte(dns.TypeSOA), 0, dns.ClassINET, 0, 0, 1, 44, 0, 22, 0, 0)
	for _, field := range []uint32{1, 7200, 1800, 86400, 300} {
		reply = binary.BigEndian.AppendUint32(reply, field)
	}
	return reply
}
