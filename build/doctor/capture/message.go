// Package capture makes lookups of the DNS messages in a capture: which name a program asked its libc for, what came back,
// what that libc made of it, what others would have, and what goes wrong.
package capture

import (
	"encoding/binary"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
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
	known     *known
	qtype     uint16
	malformed bool // see stub.Query.Wire
	style     style
}

// known is a name with what it got, for the libcs that would have asked for it where the client has not.
type known struct {
	text    string    // absolute, in lower case
	answers [2][]byte // to A and AAAA; nil if there are none
}

// answer returns where the answer to a type is kept.
func (k *known) answer(qtype uint16) *[]byte {
	if qtype == dns.TypeAAAA {
		return &k.answers[1]
	}
	return &k.answers[0]
}

// interner keeps each name once.
type interner struct {
	names map[string]*known
	buf   []byte
}

// maxNames bounds the names that are kept; when there are more, it starts anew.
const maxNames = 1 << 14

func (n *interner) intern(name []byte) *known {
	if k, ok := n.names[string(name)]; ok {
		return k
	}
	if n.names == nil || len(n.names) >= maxNames {
		n.names = make(map[string]*known)
	}
	k := &known{text: string(name)}
	n.names[k.text] = k
	return k
}

// find returns the answer that a question got.
func (n *interner) find(q question) (stub.Reply, bool) {
	k := n.names[q.name]
	if k == nil || q.malformed || *k.answer(q.qtype) == nil {
		return stub.Reply{}, false
	}
	return stub.Reply{Fate: stub.Answered, Bytes: *k.answer(q.qtype)}, true
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
	q.known = n.intern(n.buf)
	q.name, q.qtype, q.style.mixed = q.known.text, binary.BigEndian.Uint16(msg[end:]), upper
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
	q.known = n.intern(n.buf)
	q.name, q.qtype, q.malformed = q.known.text, uint16(msg[end+2]), true
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
