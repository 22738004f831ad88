package server

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

var dotQuery = lab.DotQuery()

// malformed returns packets that do not unpack, or are refused by their header: cut, lengthened and changed copies of a
// good query and of the malformed query of musl, and random octets. They have the same ID.
func malformed() [][]byte {
	good := []byte("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04data\x00\x00\x01\x00\x01")
	r := rand.New(rand.NewPCG(4, 2))
	var packets [][]byte
	for _, base := range [][]byte{good, dotQuery} {
		for n := range len(base) {
			packets = append(packets, base[:n])
		}
		for range 200 {
			p := bytes.Clone(base)
			p[2+r.IntN(len(p)-2)] ^= byte(1 + r.IntN(255))
			packets = append(packets, p)
		}
	}
	for range 200 {
		p := make([]byte, r.IntN(60))
		for i := range p {
			p[i] = byte(r.Uint32())
		}
		if len(p) > 1 {
			p[0], p[1] = 0x12, 0x34
		}
		packets = append(packets, p)
	}
	return packets
}

// roundTrip sends a packet and returns the reply, or nothing: some packets get none.
func roundTrip(t *testing.T, network, addr string, packet []byte) []byte {
	t.Helper()
	reply, err := lab.Exchange(network, addr, packet, 500*time.Millisecond)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error(err)
	}
	return reply
}

// TestDot sends the malformed query of musl to two servers, one with the fix and one without, beside shed in the same
// block, and all other malformed packets to both at the same time: those are answered alike, octet by octet.
func TestDot(t *testing.T) {
	lab.Require(t)
	const block = ". {\n bind %s\n shed\n %s\n template ANY ANY . {\n rcode NXDOMAIN\n }\n}\n"
	lab.CoreDNS(t, fmt.Sprintf(block, "127.0.0.1", "muslsafe {\n dot\n }"), nil)
	lab.CoreDNS(t, fmt.Sprintf(block, "127.0.0.2", ""), nil)

	expectCode := func(network, addr string, want byte) {
		reply := roundTrip(t, network, addr, dotQuery)
		if len(reply) != 12 || reply[3]&0xF != want || !bytes.Equal(reply[:2], dotQuery[:2]) {
			t.Errorf("%s %s: %x; want 12 octets with return code %d", network, addr, reply, want)
		}
	}
	expectCode("udp", "127.0.0.2:53", 1)
	expectCode("udp", "127.0.0.1:53", 3)
	expectCode("tcp", "127.0.0.1:53", 1)

	var sent atomic.Int64
	lab.AtOnce(50, malformed(), func(packet []byte) {
		if sent.Add(1)%4 == 0 {
			expectCode("udp", "127.0.0.1:53", 3)
		}
		if isDot := bytes.HasSuffix(packet, []byte("\x2e\x00\x01\x00\x01\x00")) && bytes.Equal(packet[:16], dotQuery[:16]); isDot {
			return
		}
		with, without := roundTrip(t, "udp", "127.0.0.1:53", packet), roundTrip(t, "udp", "127.0.0.2:53", packet)
		if !bytes.Equal(with, without) && !isVariant(packet) {
			t.Errorf("%x: %x with the fix, %x without", packet, with, without)
		}
	})
}

// isVariant reports whether a packet is the malformed query too, with another text, type or header bit that a resolver
// may set.
func isVariant(packet []byte) bool {
	return len(packet) == len(dotQuery) && bytes.Equal(packet[17:19], dotQuery[17:19]) && bytes.Equal(packet[20:], dotQuery[20:]) &&
		packet[2]&^1 == 0 && packet[3]&^0x20 == 0 && bytes.Equal(packet[4:13], dotQuery[4:13])
}
