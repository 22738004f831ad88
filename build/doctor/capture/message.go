// Package capture makes lookups of the DNS messages in a capture: which name a program asked its libc for, what came back,
// what that libc made of it, what others would have, and what goes wrong.
package capture

import (
	"encoding/binary"

	"github.com/miekg/dns"
)

const headerSize = 12

// style is how a resolver writes its queries. Queries of one program look alike.
type style struct {
	edns    bool
	size    uint16 // that EDNS offers
	options bool   // EDNS has some, such as a cookie
	do      bool
	ad, cd  bool
	rd      bool
	mixed   bool // letters of both cases, as drawn by lot
}

// query is a question of a client.
type query struct {
	id        uint16
	name      string // absolute, in lower case, with a final dot
	qtype     uint16
	malformed bool // see stub.Query.Wire
	style     style
}

// interner keeps one string for each name, so that equal ones are not allocated again and again.
type interner struct {
	known map[string]string
	buf   []byte
}

// maxNames bounds the names that are kept; when there are more, it starts anew.
const maxNames = 1 << 15

func (n *interner) intern(name []byte) string {
	if s, ok := n.known[string(name)]; ok {
		return s
	}
	if n.known == nil || len(n.known) >= maxNames {
		n.known = make(map[string]string)
	}
	s := string(name)
	n.known[s] = s
	return s
}

// parseQuery reads a query for addresses. ok is false for all else.
func (n *interner) parseQuery(msg []byte) (q query, ok bool) {
	if len(msg) < headerSize+5 || msg[2]&0xf8 != 0 || binary.BigEndian.Uint16(msg[4:]) != 1 || binary.BigEndian.Uint16(msg[6:]) != 0 {
		return q, false
	}
	q.id = binary.BigEndian.Uint16(msg)
	q.style.rd, q.style.ad, q.style.cd = msg[2]&1 != 0, msg[3]&0x20 != 0, msg[3]&0x10 != 0
	end, upper, ok := n.readName(msg)
	if !ok {
		return n.malformed(msg, end, q)
	}
	if len(msg) < end+4 || binary.BigEndian.Uint16(msg[end+2:]) != dns.ClassINET {
		return q, false
	}
	q.name, q.qtype, q.style.mixed = n.intern(n.buf), binary.BigEndian.Uint16(msg[end:]), upper
	q.style.readOPT(msg[end+4:])
	return q, q.qtype == dns.TypeA || q.qtype == dns.TypeAAAA
}

// readName reads the name behind the header into the buffer, in lower case. Where it cannot be read, end is the place.
func (n *interner) readName(msg []byte) (end int, upper, ok bool) {
	n.buf = n.buf[:0]
	end = headerSize
	for {
		if end >= len(msg) {
			return end, upper, false
		}
		size := int(msg[end])
		if size == 0 {
			break
		}
		if size > 63 || end+1+size >= len(msg) {
			return end, upper, false
		}
		for _, c := range msg[end+1 : end+1+size] {
			switch {
			case 'A' <= c && c <= 'Z':
				upper = true
				c += 'a' - 'A'
			case c == '.' || c == '\\' || c <= ' ' || c >= 0x7f:
				return end, upper, false // nobody's program looks up such names, and text would need escapes
			}
			n.buf = append(n.buf, c)
		}
		n.buf = append(n.buf, '.')
		end += 1 + size
	}
	if len(n.buf) == 0 {
		n.buf = append(n.buf, '.')
	}
	return end + 1, upper, true
}

// malformed reads what musl before 1.2.4 sends for "search .": a name that ends in the length 46, and no more than the type
// and the class behind it, one octet late.
func (n *interner) malformed(msg []byte, end int, q query) (query, bool) {
	if len(msg) != end+6 || msg[end] != '.' || msg[end+1] != 0 || msg[end+3] != 0 || msg[end+4] != dns.ClassINET {
		return q, false
	}
	q.name, q.qtype, q.malformed = n.intern(n.buf), uint16(msg[end+2]), true
	return q, q.qtype == dns.TypeA || q.qtype == dns.TypeAAAA
}

// readOPT reads the record of EDNS, which is the only one that a query has.
func (s *style) readOPT(b []byte) {
	if len(b) < 11 || b[0] != 0 || binary.BigEndian.Uint16(b[1:]) != dns.TypeOPT {
		return
	}
	s.edns, s.size = true, binary.BigEndian.Uint16(b[3:])
	s.do, s.options = b[7]&0x80 != 0, binary.BigEndian.Uint16(b[9:]) > 0
}

// replyType returns the type that a reply repeats, 0 if it repeats none.
func replyType(msg []byte) uint16 {
	if len(msg) < headerSize || binary.BigEndian.Uint16(msg[4:]) == 0 {
		return 0
	}
	end := headerSize
	for end < len(msg) && msg[end] != 0 {
		if msg[end] > 63 {
			return 0
		}
		end += 1 + int(msg[end])
	}
	if end+3 > len(msg) {
		return 0
	}
	return binary.BigEndian.Uint16(msg[end+1:])
}
