package capture

import (
	"encoding/binary"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// slow is how long one name of a search may take; see the package diagnosis.
const slow = 1500 * time.Millisecond

// say is what a server says to one question.
type say uint8

const (
	failure  say = iota // nothing of use
	data                // addresses of the asked type
	nodata              // NOERROR without
	nxdomain            // NXDOMAIN
)

// plainLookup reports whether every libc makes the same of a lookup, and what: found, or nothing there. That is so if each
// name is asked for once, and both halves are answered in time, in full and alike. Most lookups are plain; the others are
// replayed.
func plainLookup(l *lookup, searched bool) (found, ok bool) {
	for i, s := range l.steps {
		a, aaaa, ok := plainStep(s)
		if !ok {
			return false, false
		}
		last := i == len(l.steps)-1
		switch {
		case a == nxdomain && aaaa == nxdomain:
		case !last, a == nxdomain, aaaa == nxdomain:
			return false, false
		case a == data || aaaa == data:
			return true, true
		case searched: // it ends the search of musl
			return false, false
		}
	}
	return false, true
}

// plainStep returns what both halves of a step say. A half that is not asked for says what the other one does.
func plainStep(s *step) (a, aaaa say, ok bool) {
	if s.malformed || !hostName(s.name) {
		return 0, 0, false
	}
	var says [2]say
	for i := range s.halves {
		h := &s.halves[i]
		if len(h.tries) != 1 || i >= len(says) {
			return 0, 0, false
		}
		t := &h.tries[0]
		if t.fate != stub.Answered || t.transport != stub.UDP || t.cut || t.after > time.Second {
			return 0, 0, false
		}
		if says[i], ok = plainReply(s.bytes(t), s.name, h.qtype); !ok {
			return 0, 0, false
		}
	}
	if len(s.halves) == 1 {
		says[1] = says[0]
	}
	return says[0], says[1], true
}

// hostName reports whether glibc asks for such a name.
func hostName(name string) bool {
	if name[0] == '-' {
		return false
	}
	for i := range len(name) {
		if !hostOctet(name[i]) && name[i] != '.' {
			return false
		}
	}
	return true
}

func hostOctet(c byte) bool {
	return c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// plainReply reads a reply in which there is nothing that libcs read in different ways: at most 512 octets, the question
// as it was asked, and a chain of aliases in its order, with the addresses of its end.
func plainReply(msg []byte, name string, qtype uint16) (says say, ok bool) {
	if len(msg) < headerSize || len(msg) > dns.MinMsgSize || msg[2]&0xfa != 0x80 || binary.BigEndian.Uint16(msg[4:]) != 1 {
		return 0, false
	}
	at, ok := sameQuestion(msg, name, qtype)
	if !ok || !plainEnd(msg) {
		return 0, false
	}
	answers := answerCount(msg)
	switch msg[3] & 15 {
	case dns.RcodeNameError:
		return nxdomain, true
	case dns.RcodeSuccess:
	default:
		return 0, false
	}
	if answers == 0 {
		lame := msg[2]&4 == 0 && msg[3]&0x80 == 0 // glibc takes it for a server that knows nothing
		return nodata, !lame
	}
	return plainAnswers(msg, at, answers, qtype)
}

// plainEnd reports whether the additional section is empty, or has the record of EDNS alone, with no more of a return code.
func plainEnd(msg []byte) bool {
	n, end := binary.BigEndian.Uint16(msg[10:]), len(msg)-11
	return n == 0 || n == 1 && end >= headerSize && msg[end] == 0 && binary.BigEndian.Uint16(msg[end+1:]) == dns.TypeOPT &&
		msg[end+5] == 0 && msg[end+9] == 0 && msg[end+10] == 0
}

// plainAnswers reads the answer section. Each owner must be a pointer to the name of the question, or to the alias before.
func plainAnswers(msg []byte, at, answers int, qtype uint16) (says say, ok bool) {
	says, owner := nodata, headerSize
	for range answers {
		if at+12 > len(msg) || int(binary.BigEndian.Uint16(msg[at:])) != 0xc000|owner || binary.BigEndian.Uint16(msg[at+4:]) != dns.ClassINET {
			return 0, false
		}
		kind, size := binary.BigEndian.Uint16(msg[at+2:]), int(binary.BigEndian.Uint16(msg[at+10:]))
		at += 12
		if at+size > len(msg) {
			return 0, false
		}
		switch {
		case kind == dns.TypeA && qtype == kind && size == 4, kind == dns.TypeAAAA && qtype == kind && size == 16:
			says = data
		case kind == dns.TypeCNAME && says != data && plainTarget(msg[at:at+size]):
			owner = at
		default:
			return 0, false
		}
		at += size
	}
	return says, true
}

// plainTarget reports whether the target of an alias has labels that glibc takes. The end may be a pointer.
func plainTarget(b []byte) bool {
	for i := 0; i < len(b); {
		size := int(b[i])
		switch {
		case size == 0:
			return i == len(b)-1
		case size >= 0xc0:
			return i == len(b)-2
		case size > 63 || i+1+size > len(b) || b[i+1] == '-':
			return false
		}
		for _, c := range b[i+1 : i+1+size] {
			if !hostOctet(c) {
				return false
			}
		}
		i += 1 + size
	}
	return false
}

// sameQuestion compares the question of a reply, in either case of letters, and returns where the answers begin.
func sameQuestion(msg []byte, name string, qtype uint16) (at int, ok bool) {
	at = headerSize
	for i := 0; i < len(name); {
		if at >= len(msg) {
			return 0, false
		}
		size := int(msg[at])
		if size == 0 && name == "." {
			break
		}
		if size == 0 || size > 63 || at+1+size > len(msg) || i+size >= len(name) || name[i+size] != '.' {
			return 0, false
		}
		for k, c := range msg[at+1 : at+1+size] {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			if c != name[i+k] {
				return 0, false
			}
		}
		at, i = at+1+size, i+size+1
	}
	if at+5 > len(msg) || msg[at] != 0 {
		return 0, false
	}
	return at + 5, binary.BigEndian.Uint16(msg[at+1:]) == qtype && binary.BigEndian.Uint16(msg[at+3:]) == dns.ClassINET
}
