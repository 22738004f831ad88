package packets

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

func addrPortWith(a netip.AddrPort, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr(), port)
}

// prefixed puts the length in front of a message, as TCP has it.
func prefixed(msg []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(msg))), msg...)
}

// segments writes packets of one connection.
type segments struct {
	t        *testing.T
	up, down uint32 // the next sequence numbers
	packets  [][]byte
}

// add writes a segment: S is SYN, A is ACK, F is FIN, R is RST.
func (s *segments) add(fromClient bool, flags string, data []byte) *segments {
	seq, from, to := &s.down, server4, client4
	if fromClient {
		seq, from, to = &s.up, client4, server4
	}
	has := func(c byte) bool { return slices.Contains([]byte(flags), c) }
	tcp := &layers.TCP{SrcPort: layers.TCPPort(from.Port()), DstPort: layers.TCPPort(to.Port()), Seq: *seq, SYN: has('S'), ACK: has('A'), FIN: has('F'), RST: has('R')}
	ip := ipOver(from, to, layers.IPProtocolTCP)
	if err := tcp.SetNetworkLayerForChecksum(ip); err != nil {
		s.t.Fatal(err)
	}
	s.packets = append(s.packets, layered(s.t, ip.(gopacket.SerializableLayer), tcp, gopacket.Payload(data)))
	*seq += uint32(len(data))
	if has('S') || has('F') {
		*seq++
	}
	return s
}

// begin returns a connection that stands.
func begin(t *testing.T, up, down uint32) *segments {
	s := &segments{t: t, up: up, down: down}
	return s.add(true, "S", nil).add(false, "SA", nil).add(true, "A", nil)
}

// swapped exchanges two packets.
func (s *segments) swapped(i, k int) *segments {
	s.packets[i], s.packets[k] = s.packets[k], s.packets[i]
	return s
}

// again repeats a packet at the end.
func (s *segments) again(i int) *segments {
	s.packets = append(s.packets, s.packets[i])
	return s
}

const (
	tcpEnds   = " 192.0.2.7:40000 192.0.2.53:53"
	tcpOpened = "tcp opened" + tcpEnds + "\n"
	tcpAsked  = tcpOpened + "tcp query" + tcpEnds + " 1\n"
	tcpAll    = tcpAsked + "tcp reply" + tcpEnds + " 1\n"
)

// TestStreams has one connection a row.
func TestStreams(t *testing.T) {
	query, reply := prefixed(message(1, false)), prefixed(message(1, true))
	second := prefixed(message(2, false))
	gap := begin(t, 7, 9).add(true, "A", query)
	gap.down += 5 // the length and what follows never comes
	for i := range maxLater + 2 {
		gap.add(false, "A", []byte{byte(i)})
	}
	for _, tc := range []struct {
		about  string
		s      *segments
		events string
		lost   int64
	}{
		{"one segment each", begin(t, 7, 9).add(true, "A", query).add(false, "A", reply), tcpAll, 0},
		{"sequence numbers that begin anew", begin(t, 1<<32-3, 1<<32-10).add(true, "A", query).add(false, "A", reply), tcpAll, 0},
		{"the length alone", begin(t, 7, 9).add(true, "A", query).add(false, "A", reply[:2]).add(false, "A", reply[2:]), tcpAll, 0},
		{"an octet and the rest, swapped", begin(t, 7, 9).add(true, "A", query).add(false, "A", reply[:1]).add(false, "A", reply[1:]).swapped(4, 5), tcpAll, 0},
		{"three segments, backwards", begin(t, 7, 9).add(true, "A", query[:3]).add(true, "A", query[3:9]).add(true, "A", query[9:]).swapped(3, 5), tcpAsked, 0},
		{"a segment sent again", begin(t, 7, 9).add(true, "A", query).again(3).add(false, "A", reply).again(5), tcpAll, 0},
		{"the request for a connection sent again", begin(t, 7, 9).again(0).add(true, "A", query).add(false, "A", reply), tcpAll, 0},
		{"two questions at once", begin(t, 7, 9).add(true, "A", slices.Concat(query, second)), tcpAsked + "tcp query" + tcpEnds + " 2\n", 0},
		{"in the middle of a connection", (&segments{t: t}).add(true, "A", query).add(false, "A", reply), tcpAll[len(tcpOpened):], 0},
		{"data with the request for a connection", (&segments{t: t, up: 5}).add(true, "S", nil).add(true, "", query), tcpAsked, 0},
		{"nobody listens", (&segments{t: t}).add(true, "S", nil).add(false, "RA", nil), tcpOpened + "tcp refused" + tcpEnds + "\n", 0},
		{"reset", begin(t, 7, 9).add(true, "A", query).add(false, "R", nil), tcpAsked + "tcp reset" + tcpEnds + "\n", 0},
		{"closed by the server", begin(t, 7, 9).add(true, "A", query).add(false, "FA", nil), tcpAsked + "tcp closed" + tcpEnds + "\n", 0},
		{"closed with the reply", begin(t, 7, 9).add(true, "A", query).add(false, "FA", reply), tcpAll + "tcp closed" + tcpEnds + "\n", 0},
		{"closed by the client", begin(t, 7, 9).add(true, "A", query).add(false, "A", reply).add(true, "FA", nil).add(false, "FA", nil), tcpAll, 0},
		{"reset by the client", begin(t, 7, 9).add(true, "A", query).add(true, "R", nil).add(false, "R", nil), tcpAsked, 0},
		{"a segment is missing", gap, tcpAsked, 1},
	} {
		t.Run(tc.about, func(t *testing.T) {
			got, counts, err := events(pcapOf(t, linkRaw, tc.s.packets...))
			if got != tc.events || counts.Lost != tc.lost || err != nil {
				t.Errorf("events = %q, %+v, %v; want %q, %d lost", got, counts, err, tc.events, tc.lost)
			}
		})
	}
}

// TestStreamsAreBounded opens more connections than are kept, each with half of a message.
func TestStreamsAreBounded(t *testing.T) {
	r := &Reader{emit: func(*Event) {}}
	s := newStreams(r)
	data := make([]byte, 30_000)
	data[0] = 0xff
	for i := range 2 * maxStreams {
		head := make([]byte, 20, 20+len(data))
		binary.BigEndian.PutUint16(head, uint16(i%60000))
		binary.BigEndian.PutUint16(head[2:], 53)
		head[12], head[13] = 5<<4, flagACK
		client := netip.AddrFrom4([4]byte{192, 0, 2, byte(i / 60000)})
		s.segment(0, datagram{src: client, dst: server4.Addr(), proto: protoTCP, payload: append(head, data...)}, true)
	}
	if len(s.all) > maxStreams || s.order.Len() != len(s.all) || s.buffered > maxBuffered || r.Lost == 0 {
		t.Errorf("%d connections, %d in order, %d octets, %d lost; want at most %d and %d", len(s.all), s.order.Len(), s.buffered, r.Lost, maxStreams, maxBuffered)
	}
}
