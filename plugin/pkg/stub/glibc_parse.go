package stub

import (
	"encoding/binary"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// An answer is what glibc reads out of one message.
type answer struct {
	addrs []netip.Addr
	names []string // the question's and those of CNAMEs, as far as they are host names
	ok    bool     // false: a record that cannot be followed, all before it was read
}

// readAnswer is gaih_getanswer_slice, or getanswer_r for one family: the addresses of the type asked for that
// belong to the name asked for, or to the target of the last CNAME before them. Only the latter minds the class.
func readAnswer(msg []byte, single bool) (a answer) {
	name, qtype, off, ok := readQuestion(msg)
	if !ok {
		return a
	}
	if !hostName(name) {
		return answer{ok: true}
	}
	a.names = append(a.names, name)
	for range answerCount(msg) {
		r, next, ok := readRecord(msg, off)
		if !ok {
			return a
		}
		off = next
		switch {
		case single && r.class != dns.ClassINET:
		case r.kind == dns.TypeCNAME:
			target, _, err := dns.UnpackDomainName(msg, r.data)
			if err != nil {
				return a
			}
			name = target
			if hostName(name) {
				a.names = append(a.names, name)
			}
		case r.kind == qtype && r.size == addrSize(qtype) && strings.EqualFold(r.owner, name):
			a.addrs = append(a.addrs, addrOf(msg, r.data, r.size))
		}
	}
	a.ok = true
	return a
}

// readQuestion reads the one question that a message must have.
func readQuestion(msg []byte) (name string, qtype uint16, off int, ok bool) {
	if len(msg) < 12 || binary.BigEndian.Uint16(msg[4:]) != 1 {
		return "", 0, 0, false
	}
	name, off, err := dns.UnpackDomainName(msg, 12)
	if err != nil || off+4 > len(msg) {
		return "", 0, 0, false
	}
	return name, binary.BigEndian.Uint16(msg[off:]), off + 4, true
}

type record struct {
	owner string
	kind  uint16
	class uint16
	data  int // where the data starts
	size  int
}

func readRecord(msg []byte, off int) (r record, next int, ok bool) {
	owner, off, err := dns.UnpackDomainName(msg, off)
	if err != nil || off+10 > len(msg) {
		return record{}, 0, false
	}
	r = record{
		owner: owner,
		kind:  binary.BigEndian.Uint16(msg[off:]),
		class: binary.BigEndian.Uint16(msg[off+2:]),
		data:  off + 10,
		size:  int(binary.BigEndian.Uint16(msg[off+8:])),
	}
	return r, r.data + r.size, r.data+r.size <= len(msg)
}

// addrSize returns the octets of an address record, or -1 for a type that has no address.
func addrSize(qtype uint16) int {
	switch qtype {
	case dns.TypeA:
		return 4
	case dns.TypeAAAA:
		return 16
	}
	return -1
}

// hostName is __res_binary_hnok: letters, digits, "-" and "_", and no "-" in front.
func hostName(name string) bool {
	if strings.HasPrefix(name, "-") {
		return false
	}
	return strings.IndexFunc(name, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}
