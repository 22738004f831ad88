package stub

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// The low octets of the record types that musl looks for: it does not read the high one.
const (
	muslA     = byte(dns.TypeA)
	muslCNAME = byte(dns.TypeCNAME)
	muslAAAA  = byte(dns.TypeAAAA)
)

// muslParse is __dns_parse with name_from_dns's callback: it collects addresses and the last CNAME's target.
// Owner names, classes and CNAME chains are not looked at. The first odd record ends reading; what was found
// before it counts.
type muslParse struct {
	*musl
	addrs []netip.Addr
	canon string
}

// answer reads one message that was the answer to a question of type qtype.
func (p *muslParse) answer(msg []byte, qtype uint16) {
	if len(msg) < 12 || msg[3]&15 != 0 {
		return
	}
	questions, records := int(msg[4])<<8|int(msg[5]), answerCount(msg)
	if p.maxRecords > 0 && questions+records > p.maxRecords {
		return
	}
	off, ok := 12, true
	for ; ok && questions > 0; questions-- {
		off, ok = p.skipName(msg, off, 6)
		off += 4
	}
	for ; ok && records > 0; records-- {
		off, ok = p.skipName(msg, off, 12)
		if !ok {
			return
		}
		off, ok = p.record(msg, off, qtype)
	}
}

// skipName walks over a name and returns what follows it; need is how many octets must be left at its end.
// It takes each octet for a length, so that an octet of 128 or more in a label ends the name, as a pointer does.
func (p *muslParse) skipName(msg []byte, off, need int) (int, bool) {
	for off < len(msg) && msg[off] > 0 && msg[off] < 128 {
		off++
	}
	if off > len(msg)-need {
		return off, false
	}
	if p.lowPointers && (msg[off] > 193 || msg[off] == 193 && msg[off+1] > 254) {
		return off, false
	}
	if msg[off] != 0 {
		off++
	}
	return off + 1, true
}

// record reads a record from its type on and returns where the next one starts, unless reading ends here.
func (p *muslParse) record(msg []byte, off int, qtype uint16) (int, bool) {
	size := int(msg[off+8])<<8 | int(msg[off+9])
	end := off + 10 + size
	if end > len(msg) && (!p.loose || off+size > len(msg)) {
		return end, false
	}
	kind, data := msg[off+1], off+10
	if kind == muslCNAME {
		p.keepCanon(msg, data)
		return end, true
	}
	if kind != muslA && kind != muslAAAA || !p.loose && kind != byte(qtype) {
		return end, true
	}
	if len(p.addrs) >= muslMaxAddrs {
		return end, !p.loose
	}
	if kind == muslA && size != 4 || kind == muslAAAA && size != 16 {
		return end, false
	}
	p.addrs = append(p.addrs, addrOf(msg, data, size))
	return end, true
}

// addrOf reads an address of 4 or 16 octets. Of a record cut short before 1.2.4, the missing octets are whatever
// musl's memory holds; here they are zero.
func addrOf(msg []byte, off, size int) netip.Addr {
	var data [16]byte
	if off < len(msg) {
		copy(data[:size], msg[off:])
	}
	a, _ := netip.AddrFromSlice(data[:size])
	return a
}

// keepCanon remembers a CNAME's target if it can be read and looks like a host name (is_valid_hostname).
func (p *muslParse) keepCanon(msg []byte, off int) {
	name, _, err := dns.UnpackDomainName(msg, off)
	name = strings.TrimSuffix(name, ".")
	if err != nil || name == "" || len(name) > muslMaxName {
		return
	}
	valid := strings.IndexFunc(name, func(r rune) bool {
		return r != '.' && r != '-' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
	if valid {
		p.canon = name
	}
}
