package upstream

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// maxUDP is what fits a reply to a client without EDNS.
const maxUDP = 512

var rcodes = map[Answer]int{
	NXDomain: dns.RcodeNameError,
	ServFail: dns.RcodeServerFailure,
	Refused:  dns.RcodeRefused,
	NotImp:   dns.RcodeNotImplemented,
	FormErr:  dns.RcodeFormatError,
	NXData:   dns.RcodeNameError,
}

// reply does what b says, but for the delay.
func (b Behaviour) reply(q stub.Query, z Zone) stub.Reply {
	if q.Transport == stub.TCP {
		if r, ok := b.overTCP(q); ok {
			return r
		}
	}
	switch b.Answer {
	case Silence:
		return stub.Reply{}
	case Short:
		return answered([]byte{0, 0, 0x81, 0x80, 0, 1, 0, 0})
	case Tiny:
		return answered([]byte{0, 0, 0x81})
	case Garbage:
		return answered([]byte("\x00\x00\x81\x80\x00\x01\x00\x09\x00\x00\x00\x00" + strings.Repeat("\xc1\x05\x3f", 20)))
	case Echo:
		return answered(q.Wire(0))
	}
	m := b.message(q, z)
	if q.Transport == stub.UDP && !b.Uncut {
		b.truncate(m)
	}
	msg := pack(m)
	switch b.Answer {
	case Cut:
		msg = msg[:len(msg)-2]
	case Mangled:
		mangle(msg, uint64(b.Count))
	}
	return answered(msg)
}

// mangle changes up to four octets behind the ID, the same ones for the same seed.
func mangle(msg []byte, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0))
	for range 1 + r.IntN(4) {
		at, to := 2+r.IntN(len(msg)-2), byte(r.Uint32())
		if r.IntN(2) == 0 {
			to = msg[at] ^ 1<<r.IntN(8)
		}
		msg[at] = to
	}
}

// overTCP is what happens only over TCP; ok is false if it is the same as over UDP, but whole.
func (b Behaviour) overTCP(q stub.Query) (_ stub.Reply, ok bool) {
	m := header(q)
	switch b.TCP {
	case SameOverTCP:
		return stub.Reply{}, false
	case CloseTCP:
		return stub.Reply{Fate: stub.Closed}, true
	case ResetTCP:
		return stub.Reply{Fate: stub.Reset}, true
	case StallTCP:
		return stub.Reply{}, true
	case ServFailTCP:
		m.Rcode = dns.RcodeServerFailure
	case RefusedTCP:
		m.Rcode = dns.RcodeRefused
	case TruncateTCP:
		m.Truncated = true
	case ShortTCP:
		return answered(pack(m)[:12]), true
	}
	return answered(pack(m)), true
}

// truncate makes m fit, as a server for clients without EDNS has to.
func (b Behaviour) truncate(m *dns.Msg) {
	m.Truncate(maxUDP)
	switch b.Answer {
	case TCEmpty:
		m.Answer, m.Truncated = nil, true
	case TCSome:
		m.Answer, m.Truncated = m.Answer[:min(len(m.Answer), b.Links+1)], true
	}
}

// header returns an answer without records, authoritative and with recursion, so that no libc takes it for a
// referral.
func header(q stub.Query) *dns.Msg {
	m := new(dns.Msg)
	m.SetQuestion(q.Name, q.Type)
	m.Response, m.Authoritative, m.RecursionAvailable, m.Compress = true, true, true, true
	return m
}

// message builds the whole answer.
func (b Behaviour) message(q stub.Query, z Zone) *dns.Msg {
	m := header(q)
	m.Rcode = rcodes[b.Answer]
	switch b.Answer {
	case Data, TCEmpty, TCSome, NXData, Cut, NoQuestion, CNAMEOnly, Mangled:
		m.Answer = b.records(q.Name, q.Type, z)
	case OtherType:
		m.Answer = b.records(q.Name, dns.TypeA+dns.TypeAAAA-q.Type, z)
	case OtherOwner:
		m.Answer = b.records("other."+LinkZone, q.Type, z)
	case OddFirst:
		caa := &dns.CAA{Hdr: rrHeader(q.Name, dns.TypeCAA), Tag: "issue", Value: "example.org"}
		m.Answer = append([]dns.RR{caa}, b.records(q.Name, q.Type, z)...)
	case BadSize:
		b.Count = 3
		m.Answer = b.records(q.Name, q.Type, z)
		m.Answer[1] = &dns.RFC3597{Hdr: rrHeader(q.Name, q.Type), Rdata: "0102030405"}
	case NoData, NXDomain:
		m.Ns = []dns.RR{soa(z)}
		if b.Answer == NXDomain {
			m.Answer = b.records(q.Name, q.Type, z)
		}
	case BadVers:
		m.SetEdns0(1232, false)
		m.Rcode = dns.RcodeBadVers
	case Lame:
		m.Authoritative, m.RecursionAvailable = false, false
	}
	if b.Answer == NoQuestion {
		m.Question = nil
	}
	return m
}

// records returns the CNAMEs and the addresses behind them.
func (b Behaviour) records(owner string, qtype uint16, z Zone) (rrs []dns.RR) {
	switch b.Answer {
	case CNAMEOnly:
		b.Links = max(b.Links, 1)
	case Mangled:
		b.Links, b.Count = 2, 3
	}
	for i := range b.Links {
		target := linkName(i+1, max(b.LinkSize, minLinkSize))
		rrs = append(rrs, &dns.CNAME{Hdr: rrHeader(owner, dns.TypeCNAME), Target: target})
		owner = target
	}
	for i := range b.addresses() {
		rrs = append(rrs, address(owner, qtype, z, i+1))
	}
	return rrs
}

// addresses returns how many there are.
func (b Behaviour) addresses() int {
	switch {
	case b.Answer == CNAMEOnly, b.Answer == NXDomain:
		return 0
	case b.Count > 0:
		return b.Count
	case b.Answer == TCEmpty, b.Answer == TCSome, b.Answer == Cut:
		return 3
	}
	return 1
}

// address returns the nth address of a zone.
func address(owner string, qtype uint16, z Zone, n int) dns.RR {
	if qtype == dns.TypeA {
		a := net.IPv4(198, 18+z.Net>>6, z.Net<<2|byte(n>>8), byte(n))
		return &dns.A{Hdr: rrHeader(owner, dns.TypeA), A: a}
	}
	a := net.IP{0x20, 1, 0x0d, 0xb8, 0, z.Net, 14: byte(n >> 8), 15: byte(n)}
	return &dns.AAAA{Hdr: rrHeader(owner, dns.TypeAAAA), AAAA: a}
}

// NetOf returns the Net of the zone that an address belongs to.
func NetOf(addr netip.Addr) int {
	if addr.Is4() {
		b := addr.As4()
		return int(b[1]-18)<<6 | int(b[2])>>2
	}
	return int(addr.As16()[5])
}

// linkName returns the target of the nth CNAME: size octets on the wire, of which no other target
// shares more than the zone, so that compression does not make it small.
func linkName(n, size int) string {
	var name strings.Builder
	left := size - len(LinkZone) - 1
	for labels := (left + 59) / 60; labels > 0; labels-- {
		octets := left / labels // with the one for its length
		text := fmt.Sprintf("k%d", n)
		name.WriteString(text + strings.Repeat("x", octets-1-len(text)) + ".")
		left -= octets
	}
	return name.String() + LinkZone
}

func soa(z Zone) dns.RR {
	owner := z.Name
	if owner == "" {
		owner = "."
	}
	return &dns.SOA{Hdr: rrHeader(owner, dns.TypeSOA), Ns: "ns.example.org.", Mbox: "hostmaster.example.org.",
		Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400, Minttl: 30}
}

func rrHeader(owner string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: 30}
}

// pack returns the octets of a message that this package built itself.
func pack(m *dns.Msg) []byte {
	b, err := m.Pack()
	if err != nil {
		panic(fmt.Sprintf("upstream: %v", err))
	}
	return b
}
