package packets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

var (
	client4, server4 = netip.MustParseAddrPort("192.0.2.7:40000"), netip.MustParseAddrPort("192.0.2.53:53")
	client6, server6 = netip.MustParseAddrPort("[2001:db8::7]:40000"), netip.MustParseAddrPort("[2001:db8::53]:53")
)

// message is a DNS message, as far as this package looks at it.
func message(id uint16, reply bool) []byte {
	msg := stub.Query{Name: "www.example.org.", Type: 1}.Wire(id)
	if reply {
		msg[2], msg[3] = 0x81, 0x83
	}
	return msg
}

// layered returns the octets of layers, with lengths and checksums.
func layered(t testing.TB, all ...gopacket.SerializableLayer) []byte {
	t.Helper()
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, all...); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ipOver returns the header of an IP packet.
func ipOver(from, to netip.AddrPort, proto layers.IPProtocol) gopacket.NetworkLayer {
	if from.Addr().Is4() {
		return &layers.IPv4{Version: 4, TTL: 64, Protocol: proto, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
	}
	return &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: proto, SrcIP: from.Addr().AsSlice(), DstIP: to.Addr().AsSlice()}
}

// udp returns an IP packet with a datagram.
func udp(t testing.TB, from, to netip.AddrPort, payload []byte) []byte {
	t.Helper()
	ip := ipOver(from, to, layers.IPProtocolUDP)
	u := &layers.UDP{SrcPort: layers.UDPPort(from.Port()), DstPort: layers.UDPPort(to.Port())}
	if err := u.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return layered(t, ip.(gopacket.SerializableLayer), u, gopacket.Payload(payload))
}

// ethernet puts an IP packet into a frame, with tags of VLANs.
func ethernet(ip []byte, vlans ...uint16) []byte {
	b := make([]byte, 12)
	for _, tag := range vlans {
		b = binary.BigEndian.AppendUint16(b, tag)
		b = binary.BigEndian.AppendUint16(b, 7)
	}
	return append(binary.BigEndian.AppendUint16(b, etherOf(ip)), ip...)
}

func etherOf(ip []byte) uint16 {
	if ip[0]>>4 == 6 {
		return etherIPv6
	}
	return etherIPv4
}

// pcapOf writes packets into a pcap file, one each millisecond.
func pcapOf(t testing.TB, link uint32, frames ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := pcapgo.NewWriterNanos(&b)
	if err := w.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		t.Fatal(err)
	}
	for i, f := range frames {
		ci := gopacket.CaptureInfo{Timestamp: time.Unix(1700000000, int64(i)*1e6), CaptureLength: len(f), Length: len(f)}
		if err := w.WritePacket(ci, f); err != nil {
			t.Fatal(err)
		}
	}
	file := b.Bytes()
	binary.LittleEndian.PutUint32(file[20:], link)
	return file
}

// events reads a capture and writes down what happened, a line each.
func events(in []byte, ports ...uint16) (string, Counts, error) {
	if ports == nil {
		ports = []uint16{53}
	}
	r, err := NewReader(bytes.NewReader(in), ports)
	if err != nil {
		return "", Counts{}, err
	}
	var b strings.Builder
	err = r.Read(func(e *Event) {
		kind := []string{"query", "reply", "opened", "refused", "closed", "reset"}[e.Kind]
		fmt.Fprintf(&b, "%v %s %v %v", e.Transport, kind, e.Client, e.Server)
		if len(e.Message) > 1 {
			fmt.Fprintf(&b, " %d", binary.BigEndian.Uint16(e.Message))
		}
		if e.Cut {
			b.WriteString(" cut")
		}
		b.WriteString("\n")
	})
	return b.String(), r.Counts, err
}

const both4 = "udp query 192.0.2.7:40000 192.0.2.53:53 1\nudp reply 192.0.2.7:40000 192.0.2.53:53 1\n"

// TestLinkTypes has a query and a reply on each link.
func TestLinkTypes(t *testing.T) {
	sll := func(ip []byte) []byte { return append(append(make([]byte, 14), 8, 0), ip...) }
	sll2 := func(ip []byte) []byte { return append(append([]byte{8, 0}, make([]byte, 18)...), ip...) }
	family := func(b ...byte) func([]byte) []byte { return func(ip []byte) []byte { return append(b, ip...) } }
	plain := func(ip []byte) []byte { return ip }
	for _, tc := range []struct {
		about string
		link  uint32
		frame func(ip []byte) []byte
	}{
		{"Ethernet", linkEthernet, func(ip []byte) []byte { return ethernet(ip) }},
		{"Ethernet, padded", linkEthernet, func(ip []byte) []byte { return append(ethernet(ip), 0, 0, 0, 0) }},
		{"a VLAN", linkEthernet, func(ip []byte) []byte { return ethernet(ip, etherVLAN) }},
		{"a VLAN in a VLAN", linkEthernet, func(ip []byte) []byte { return ethernet(ip, etherQinQ, etherVLAN) }},
		{"with a checksum, as the header says", linkEthernet | 0x24000000, func(ip []byte) []byte { return ethernet(ip) }},
		{"Linux cooked v1", linkSLL, sll},
		{"Linux cooked v2", linkSLL2, sll2},
		{"raw IP", linkRaw, plain},
		{"raw IPv4", linkIPv4, plain},
		{"loopback of BSD, little endian", linkNull, family(2, 0, 0, 0)},
		{"loopback of OpenBSD", linkLoop, family(0, 0, 0, 2)},
	} {
		t.Run(tc.about, func(t *testing.T) {
			got, counts, err := events(pcapOf(t, tc.link,
				tc.frame(udp(t, client4, server4, message(1, false))), tc.frame(udp(t, server4, client4, message(1, true)))))
			if got != both4 || err != nil || counts.Packets != 2 || counts.Messages != 2 {
				t.Errorf("events = %q, %+v, %v; want %q", got, counts, err, both4)
			}
		})
	}
}

// TestFormats has the same packets in each format.
func TestFormats(t *testing.T) {
	query, reply := ethernet(udp(t, client4, server4, message(1, false))), ethernet(udp(t, server4, client4, message(1, true)))
	file := pcapOf(t, linkEthernet, query, reply)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write(file) // into memory
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		about string
		file  []byte
	}{
		{"pcap", file},
		{"pcap of another byte order", bigEndian(file)},
		{"gzip", zipped.Bytes()},
		{"pcapng", ngFile(binary.LittleEndian, query, reply)},
		{"pcapng of another byte order", ngFile(binary.BigEndian, query, reply)},
	} {
		t.Run(tc.about, func(t *testing.T) {
			if got, _, err := events(tc.file); got != both4 || err != nil {
				t.Errorf("events = %q, %v; want %q", got, err, both4)
			}
		})
	}
}

// bigEndian turns the header and the records of a pcap file around.
func bigEndian(file []byte) []byte {
	file = bytes.Clone(file)
	swap := func(b []byte, size int) {
		for i, k := 0, size-1; i < k; i, k = i+1, k-1 {
			b[i], b[k] = b[k], b[i]
		}
	}
	for _, field := range []struct{ at, size int }{{0, 4}, {4, 2}, {6, 2}, {16, 4}, {20, 4}} {
		swap(file[field.at:], field.size)
	}
	for at := 24; at < len(file); {
		size := int(binary.LittleEndian.Uint32(file[at+8:]))
		for field := range 4 {
			swap(file[at+4*field:], 4)
		}
		at += 16 + size
	}
	return file
}

// ngBlock returns a block of pcapng.
func ngBlock(order binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	b := order.AppendUint32(nil, kind)
	b = order.AppendUint32(b, uint32(len(body)+12))
	b = append(b, body...)
	return order.AppendUint32(b, uint32(len(body)+12))
}

// ngHead returns a section with an interface of a link type.
func ngHead(order binary.AppendByteOrder, link uint16) []byte {
	section := order.AppendUint32(nil, ngMagic)
	section = order.AppendUint16(section, 1)
	section = order.AppendUint16(section, 0)
	section = append(section, 255, 255, 255, 255, 255, 255, 255, 255)
	described := order.AppendUint16(nil, link)
	described = append(described, 0, 0)
	described = order.AppendUint32(described, 262144)
	return append(ngBlock(order, ngSection, section), ngBlock(order, ngInterface, described)...)
}

// ngPacketOf returns an enhanced packet block of an interface.
func ngPacketOf(order binary.AppendByteOrder, iface int, frame []byte) []byte {
	body := order.AppendUint32(nil, uint32(iface))
	body = order.AppendUint32(body, 0x00060000)
	body = order.AppendUint32(body, 0)
	body = order.AppendUint32(body, uint32(len(frame)))
	body = order.AppendUint32(body, uint32(len(frame)))
	return ngBlock(order, ngEnhanced, append(body, frame...))
}

// ngFile returns a pcapng file, with blocks between the packets that have nothing to do with them.
func ngFile(order binary.AppendByteOrder, frames ...[]byte) []byte {
	file := ngHead(order, linkEthernet)
	for _, f := range frames {
		file = append(file, ngBlock(order, 4, []byte("names of hosts"))...)
		file = append(file, ngBlock(order, 0x0bad, make([]byte, 40))...)
		file = append(file, ngPacketOf(order, 0, f)...)
	}
	return file
}
