package stub

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// An Exchange plays the network and the servers: it says what becomes of one packet. In tests it is a pure
// function; a real socket can stand behind it, since the clock is the model's: only Reply.Delay counts.
// To ask a question once for several models, remember the reply by Query.Question.
type Exchange func(Query) Reply

// A Transport carries a question to a server.
type Transport uint8

// The transports of stub resolvers.
const (
	UDP Transport = iota
	TCP
)

// String returns "udp" or "tcp".
func (t Transport) String() string {
	if t == TCP {
		return "tcp"
	}
	return "udp"
}

// A Query is one packet that a libc sends.
type Query struct {
	Name      string // as the libc spells it, absolute, with a final dot
	Type      uint16 // dns.TypeA or dns.TypeAAAA
	Malformed bool   // no name that a server can read: see Wire
	Server    netip.Addr
	Transport Transport
	Attempt   int           // how often this lookup sends this question to this server, from 1, over any transport
	At        time.Duration // when, on the model's clock, from the start of the lookup
}

// Question returns q without what changes when it is repeated.
func (q Query) Question() Query {
	q.Attempt, q.At = 0, 0
	return q
}

// Wire returns q as octets with the given ID: a plain question with RD set and no EDNS.
//
// A malformed one is what musl before 1.2.4 makes of "search .": res_mkquery is given a name with two final
// dots, strips one, and leaves the other where the root label belongs, so that it reads as the length of a
// label of 46 octets, which the packet does not have.
func (q Query) Wire(id uint16) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = append(b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	if name := strings.TrimSuffix(q.Name, "."); name != "" {
		for label := range strings.SplitSeq(name, ".") {
			b = append(b, byte(len(label)))
			b = append(b, label...)
		}
	}
	if q.Malformed {
		return append(b, '.', 0, byte(q.Type), 0, dns.ClassINET, 0)
	}
	return append(b, 0, byte(q.Type>>8), byte(q.Type), 0, dns.ClassINET)
}

// A Fate is what becomes of a query.
type Fate uint8

// The fates of a query. Refused is an ICMP error for UDP; the last two are for TCP only.
const (
	Silent   Fate = iota // nothing ever comes back
	Answered             // a message comes back
	Refused              // nobody listens there
	Closed               // the server closes the connection without an answer
	Reset                // the server resets it
)

var fateNames = [...]string{"silent", "answered", "refused", "closed", "reset"}

// String returns the fate in one word.
func (f Fate) String() string {
	if int(f) < len(fateNames) {
		return fateNames[f]
	}
	return fmt.Sprintf("Fate(%d)", uint8(f))
}

// A Reply is what becomes of a query, and when. The zero Reply is silence.
type Reply struct {
	Fate  Fate
	Bytes []byte        // the whole message, without TCP's length; its ID is taken as right, the rest is judged
	Delay time.Duration // from Query.At until the libc can know
}
