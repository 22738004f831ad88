package capture

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"github.com/miekg/dns"
)

// traffic writes the packets of a busy cluster: pods on musl and on glibc look up services and names outside, and now and
// then something goes wrong.
type traffic struct {
	out     *bufio.Writer
	file    *pcapgo.Writer
	octets  int64
	now     time.Duration
	lots    *rand.Rand
	packed  map[string][]byte
	lookups int
	broken  int // lookups that break on musl
}

const (
	pods     = 2000
	suffixes = 3
)

var searched = [suffixes]string{".shop.svc.cluster.local.", ".svc.cluster.local.", ".cluster.local."}

// newTraffic begins a pcap file.
func newTraffic(w io.Writer) *traffic {
	g := &traffic{out: bufio.NewWriterSize(w, 1<<20), lots: rand.New(rand.NewPCG(1, 2)), packed: make(map[string][]byte)}
	g.file = pcapgo.NewWriterNanos(g.out)
	if err := g.file.WriteFileHeader(65535, layers.LinkTypeEthernet); err != nil {
		panic(err) // a bufio.Writer fails later, if at all
	}
	return g
}

// fill writes lookups until there are so many octets.
func (g *traffic) fill(octets int64) error {
	for g.octets < octets {
		pod := g.lots.IntN(pods)
		g.now += time.Duration(g.lots.IntN(200)) * time.Microsecond
		port := uint16(1024 + g.lots.IntN(60000))
		g.lookups++
		switch kind := g.lots.IntN(100); {
		case kind < 60:
			g.pair(pod, port, fmt.Sprintf("svc-%d%s", g.lots.IntN(300), searched[0]), dns.RcodeSuccess, dns.RcodeSuccess)
		case kind < 97:
			name := fmt.Sprintf("www-%d.example.org", g.lots.IntN(300))
			for i, suffix := range searched {
				g.pair(pod, port+uint16(i), name+suffix, dns.RcodeNameError, dns.RcodeNameError)
			}
			g.pair(pod, port+suffixes, name+".", dns.RcodeSuccess, dns.RcodeSuccess)
		default:
			g.half(pod, port, fmt.Sprintf("half-%d", g.lots.IntN(50)))
		}
	}
	return g.out.Flush()
}

// half writes the lookup of a service with A and without AAAA: musl searches on.
func (g *traffic) half(pod int, port uint16, name string) {
	g.pair(pod, port, name+searched[0], dns.RcodeSuccess, dns.RcodeNameError)
	if pod%2 != 0 {
		return
	}
	g.broken++
	for i, suffix := range []string{searched[1], searched[2], "."} {
		g.pair(pod, port+1+uint16(i), name+suffix, dns.RcodeNameError, dns.RcodeNameError)
	}
}

// pair writes the questions and the replies for one name. Pods with even numbers are on musl.
func (g *traffic) pair(pod int, port uint16, name string, a, aaaa int) {
	id, next := uint16(g.lots.Uint32()), uint16(g.lots.Uint32())
	if pod%2 == 0 {
		next = id + 300 + uint16(g.lots.IntN(500))
	}
	g.packet(pod, port, id, g.message(name, dns.TypeA, -1), true)
	g.packet(pod, port, next, g.message(name, dns.TypeAAAA, -1), true)
	g.now += 300 * time.Microsecond
	g.packet(pod, port, id, g.message(name, dns.TypeA, a), false)
	g.packet(pod, port, next, g.message(name, dns.TypeAAAA, aaaa), false)
	g.now += 50 * time.Microsecond
}

// message packs a query, or a reply with a return code.
func (g *traffic) message(name string, qtype uint16, rcode int) []byte {
	key := fmt.Sprint(qtype, rcode, name)
	if msg, ok := g.packed[key]; ok {
		return msg
	}
	m := new(dns.Msg).SetQuestion(name, qtype)
	if rcode >= 0 {
		m.Response, m.RecursionAvailable, m.Authoritative, m.Rcode, m.Compress = true, true, true, rcode, true
		header := dns.RR_Header{Name: name, Rrtype: qtype, Class: dns.ClassINET, Ttl: 30}
		switch {
		case rcode != dns.RcodeSuccess:
			soa, _ := dns.NewRR("cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30")
			m.Ns = []dns.RR{soa}
		case qtype == dns.TypeA:
			m.Answer = []dns.RR{&dns.A{Hdr: header, A: []byte{192, 0, 2, 80}}}
		}
	}
	msg, err := m.Pack()
	if err != nil {
		panic(err)
	}
	g.packed[key] = msg
	return msg
}

// packet writes one UDP datagram in IPv4 on Ethernet.
func (g *traffic) packet(pod int, port, id uint16, msg []byte, query bool) {
	b := make([]byte, 42+len(msg))
	b[12], b[14] = 8, 0x45
	binary.BigEndian.PutUint16(b[16:], uint16(28+len(msg)))
	b[23] = 17
	client, server := [4]byte{10, 244, byte(pod >> 8), byte(pod)}, [4]byte{10, 96, 0, 10}
	from, to := port, uint16(53)
	if !query {
		client, server, from, to = server, client, to, from
	}
	copy(b[26:], client[:])
	copy(b[30:], server[:])
	binary.BigEndian.PutUint16(b[34:], from)
	binary.BigEndian.PutUint16(b[36:], to)
	binary.BigEndian.PutUint16(b[38:], uint16(8+len(msg)))
	copy(b[42:], msg)
	binary.BigEndian.PutUint16(b[42:], id)
	g.now += 10 * time.Microsecond
	ci := gopacket.CaptureInfo{Timestamp: time.Unix(1700000000, int64(g.now)), CaptureLength: len(b), Length: len(b)}
	_ = g.file.WritePacket(ci, b) // a bufio.Writer keeps its error for Flush
	g.octets += int64(16 + len(b))
}
