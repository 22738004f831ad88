package packets

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket"
)

// small are files of each format with everything in them.
func small(t testing.TB) map[string][]byte {
	frames := [][]byte{ethernet(udp(t, client4, server4, message(1, false))), ethernet(udp(t, server6, client6, message(1, true)), etherVLAN)}
	return map[string][]byte{
		"pcap": pcapOf(t, linkEthernet, frames...), "pcapng": ngFile(binary.LittleEndian, frames...), "dnstap": tapFile(t, tapQuery(1), tapReply(1)),
	}
}

// TestTruncated ends each file at every octet: what is there is read, and no more than an error comes of the rest.
func TestTruncated(t *testing.T) {
	for about, file := range small(t) {
		whole, counts, err := events(file)
		if err != nil || counts.Messages != 2 {
			t.Fatalf("%s: %q, %+v, %v; want 2 messages", about, whole, counts, err)
		}
		for size := range file {
			got, _, err := events(file[:size])
			if !strings.HasPrefix(whole, got) {
				t.Errorf("%s of %d octets: events %q; want the first of %q", about, size, got, whole)
			}
			if err == nil && got == whole && about == "pcap" {
				t.Errorf("%s of %d octets: no error; want one", about, size)
			}
		}
	}
}

// TestErrors has files that cannot be read.
func TestErrors(t *testing.T) {
	frame := ethernet(udp(t, client4, server4, message(1, false)))
	ng := ngHead(binary.LittleEndian, linkEthernet)
	patched := func(file []byte, at int, b ...byte) []byte {
		file = bytes.Clone(file)
		copy(file[at:], b)
		return file
	}
	packet := ngPacketOf(binary.LittleEndian, 0, frame)
	resolution := ngBlock(binary.LittleEndian, ngInterface, []byte{1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, 0xff, 0, 0, 0})
	for _, tc := range []struct {
		about string
		file  []byte
		err   string
	}{
		{"nothing", nil, "there is nothing in it; expect pcap or pcapng"},
		{"one octet", []byte{0xd4}, "no capture: 1 octets; expect pcap"},
		{"text", []byte("GET / HTTP/1.1\r\n\r\n"), `no capture: it begins with "GET "; expect pcap or pcapng (tcpdump -w), or dnstap`},
		{"gzip of nothing", []byte{0x1f, 0x8b, 8}, "gzip: "},
		{"Wi-Fi", pcapOf(t, 127, frame), "unknown link type 127; expect Ethernet (1), Linux cooked (113, 276), raw IP (101) or loopback (0, 108)"},
		{"Wi-Fi in pcapng", append(ngHead(binary.LittleEndian, 127), packet...), "unknown link type 127; expect Ethernet"},
		{"an old version", patched(pcapOf(t, linkEthernet, frame), 4, 1), "Unknown major version 1"},
		{"a packet of 4 GB", patched(pcapOf(t, linkEthernet, frame), 32, 255, 255, 255, 255), "capture length exceeds"},
		{"a section without an order", patched(ng, 8, 0), "a section without a byte order"},
		{"a block of 3 octets", append(slices.Clone(ng), ngEnhanced, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0), "a block of type 6 has 3 octets"},
		{"a block of 4 GB", append(slices.Clone(ng), ngEnhanced, 0, 0, 0, 252, 255, 255, 255, 0, 0, 0, 0), "a block of type 6 has 4294967292 octets"},
		{"an unknown block of 4 GB", append(slices.Clone(ng), 77, 0, 0, 0, 252, 255, 255, 255, 0, 0, 0, 0), "it ends within packet 1"},
		{"a packet larger than its block", append(slices.Clone(ng), patched(packet, 20, 255)...), "octets in a block of"},
		{"a packet of no interface", append(slices.Clone(ng), ngPacketOf(binary.LittleEndian, 5, frame)...), "Interface id 5"},
		{"a clock of 2^-127 s", append(append(slices.Clone(ng), resolution...), ngPacketOf(binary.LittleEndian, 1, frame)...), "resolution 2^-127 is too high"},
		{"the end of a packet", pcapOf(t, linkEthernet, frame)[:60], "it ends within packet 1"},
	} {
		t.Run(tc.about, func(t *testing.T) {
			if _, _, err := events(tc.file); err == nil || !strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v; want %q", err, tc.err)
			}
		})
	}
}

// TestOtherBlocks has packets without a time, and the packet block of old.
func TestOtherBlocks(t *testing.T) {
	frame := ethernet(udp(t, client4, server4, message(1, false)))
	order := binary.LittleEndian
	size := order.AppendUint32(nil, uint32(len(frame)))
	simple := ngBlock(order, ngSimple, slices.Concat(size, frame))
	old := ngBlock(order, ngPacket, slices.Concat(make([]byte, 4), make([]byte, 8), size, size, frame))
	file := slices.Concat(ngHead(order, linkEthernet), simple, old, ngHead(binary.LittleEndian, linkEthernet), simple)
	got, _, err := events(file)
	if want := strings.Repeat("udp query 192.0.2.7:40000 192.0.2.53:53 1\n", 3); got != want || err != nil {
		t.Errorf("events = %q, %v; want %q", got, err, want)
	}
}

// FuzzReader reads anything. Each octet is looked at a bounded number of times, and no event refers to what is not there.
func FuzzReader(f *testing.F) {
	for _, file := range small(f) {
		f.Add(file)
	}
	f.Add(pcapOf(f, linkRaw, layered(f, gopacket.Payload("\x45"))))
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 1<<16 || len(file) > 1 && file[0] == 0x1f && file[1] == 0x8b {
			return // what is compressed can be large
		}
		r, err := NewReader(bytes.NewReader(file), []uint16{53})
		if err != nil {
			return
		}
		n := 0
		_ = r.Read(func(e *Event) { // an error is one of the things that can come of it
			if n += 1 + len(e.Message); n > 64*len(file)+1024 {
				t.Fatalf("%d octets of events of a file of %d", n, len(file))
			}
		})
	})
}
