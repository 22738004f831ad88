package packets

import (
	"encoding/binary"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// withHeader puts an extension header of IPv6 in front of the payload.
func withHeader(ip []byte, kind byte, body []byte) []byte {
	out := append([]byte(nil), ip[:40]...)
	out = append(append(append(out, ip[6]), body...), ip[40:]...)
	out[6] = kind
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)-40))
	return out
}

// fragmentOf sets the fragment field of an IPv4 packet.
func fragmentOf(ip []byte, field uint16) []byte {
	out := append([]byte(nil), ip...)
	binary.BigEndian.PutUint16(out[6:], field)
	return out
}

// icmp4 is the error of a host on which nobody listens, about a packet.
func icmp4(t *testing.T, code uint8, quoted []byte) []byte {
	return layered(t, ipOver(server4, client4, layers.IPProtocolICMPv4).(gopacket.SerializableLayer),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(3, code)}, gopacket.Payload(quoted))
}

func icmp6(t *testing.T, quoted []byte) []byte {
	ip := ipOver(server6, client6, layers.IPProtocolICMPv6)
	icmp := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(1, 4)}
	if err := icmp.SetNetworkLayerForChecksum(ip); err != nil {
		t.Fatal(err)
	}
	return layered(t, ip.(gopacket.SerializableLayer), icmp, gopacket.Payload(append(make([]byte, 4), quoted...)))
}

// TestIP has one packet a row.
func TestIP(t *testing.T) {
	query4, query6 := udp(t, client4, server4, message(1, false)), udp(t, client6, server6, message(1, false))
	const want4, want6 = "udp query 192.0.2.7:40000 192.0.2.53:53 1\n", "udp query [2001:db8::7]:40000 [2001:db8::53]:53 1\n"
	options := []byte{0, 1, 4, 0, 0, 0, 0}
	noSize := append([]byte(nil), query4...)
	noSize[2], noSize[3] = 0, 0
	for _, tc := range []struct {
		about  string
		packet []byte
		events string
		counts Counts
	}{
		{"IPv4", query4, want4, Counts{Packets: 1, Messages: 1}},
		{"IPv6", query6, want6, Counts{Packets: 1, Messages: 1}},
		{"IPv6 with hop-by-hop options", withHeader(query6, protoHopByHop, options), want6, Counts{Packets: 1, Messages: 1}},
		{"IPv6 with destination options twice", withHeader(withHeader(query6, protoOptions, options), protoOptions, options), want6, Counts{Packets: 1, Messages: 1}},
		{"IPv6, a fragment that is all", withHeader(query6, protoFragment, make([]byte, 7)), want6, Counts{Packets: 1, Messages: 1}},
		{"IPv6, a first fragment", withHeader(query6, protoFragment, []byte{0, 0, 1, 0, 0, 0, 1}), "", Counts{Packets: 1, Fragments: 1}},
		{"IPv6, options beyond the end", withHeader(query6, protoOptions, []byte{200, 1, 4, 0, 0, 0, 0}), "", Counts{Packets: 1, Broken: 1}},
		{"IPv4, may not be fragmented", fragmentOf(query4, 0x4000), want4, Counts{Packets: 1, Messages: 1}},
		{"IPv4, a first fragment", fragmentOf(query4, 0x2000), "", Counts{Packets: 1, Fragments: 1}},
		{"IPv4, a later fragment", fragmentOf(query4, 0x0010), "", Counts{Packets: 1, Fragments: 1}},
		{"IPv4 without a length, as a card sends it on", noSize, want4, Counts{Packets: 1, Messages: 1}},
		{"another port", udp(t, client4, client4, message(1, false)), "", Counts{Packets: 1, Other: 1}},
		{"between servers", udp(t, server4, server4, message(1, true)), "udp reply 192.0.2.53:53 192.0.2.53:53 1\n", Counts{Packets: 1, Messages: 1}},
		{"nobody listens", icmp4(t, 3, query4), "udp refused 192.0.2.7:40000 192.0.2.53:53 1\n", Counts{Packets: 1}},
		{"nobody listens, IPv6", icmp6(t, query6), "udp refused [2001:db8::7]:40000 [2001:db8::53]:53 1\n", Counts{Packets: 1}},
		{"no such host", icmp4(t, 1, query4), "", Counts{Packets: 1, Other: 1}},
		{"nobody listens on another port", icmp4(t, 3, udp(t, client4, client4, nil)), "", Counts{Packets: 1, Other: 1}},
		{"an error that quotes nothing", icmp4(t, 3, nil), "", Counts{Packets: 1, Other: 1}},
		{"no IP", []byte{0x45, 0}, "", Counts{Packets: 1, Broken: 1}},
		{"IP of no version", make([]byte, 60), "", Counts{Packets: 1, Broken: 1}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			got, counts, err := events(pcapOf(t, linkRaw, tc.packet))
			if got != tc.events || counts != tc.counts || err != nil {
				t.Errorf("events = %q, %+v, %v; want %q, %+v", got, counts, err, tc.events, tc.counts)
			}
		})
	}
}

// TestSnaplen has a capture with only the beginning of each packet.
func TestSnaplen(t *testing.T) {
	frame := ethernet(udp(t, server4, client4, message(1, true)))
	file := pcapOf(t, linkEthernet, frame[:60])
	binary.LittleEndian.PutUint32(file[24+12:], uint32(len(frame)))
	got, counts, err := events(file)
	if want := "udp reply 192.0.2.7:40000 192.0.2.53:53 1 cut\n"; got != want || counts.Cut != 1 || err != nil {
		t.Errorf("events = %q, %+v, %v; want %q, 1 cut", got, counts, err, want)
	}
}

func TestPorts(t *testing.T) {
	server := server4
	for _, port := range []uint16{53, 1053, 65535} {
		file := pcapOf(t, linkRaw, udp(t, client4, addrPortWith(server, port), message(1, false)))
		if got, _, _ := events(file, 1053, 65535); (got != "") != (port != 53) {
			t.Errorf("port %d: events = %q; want those of ports 1053 and 65535 only", port, got)
		}
	}
}
