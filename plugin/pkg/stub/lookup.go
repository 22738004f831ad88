package stub

import (
	"net/netip"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// lookup is the state that all libcs share during one getaddrinfo: the clock, and the record of what was done.
type lookup struct {
	conf   Config
	family Family
	ask    Exchange
	now    time.Duration
	sent   map[Query]int // by question, without transport: how often it was sent
	steps  []Step
}

// types returns the questions of one step. A goes out first and is judged first.
func (l *lookup) types() []uint16 {
	switch l.family {
	case V4:
		return []uint16{dns.TypeA}
	case V6:
		return []uint16{dns.TypeAAAA}
	}
	return []uint16{dns.TypeA, dns.TypeAAAA}
}

// begin opens a step for an absolute name.
func (l *lookup) begin(name string) {
	l.steps = append(l.steps, Step{Name: name, Start: l.now, End: l.now})
}

// end closes the open step.
func (l *lookup) end(o Outcome, e Errno) {
	s := &l.steps[len(l.steps)-1]
	s.End, s.Outcome, s.Err = l.now, o, e
}

// send asks the Exchange and records the packet. It returns the packet's place in the open step, by which its
// verdict is set when the reply is read.
func (l *lookup) send(q Query) (int, Reply) {
	q = q.Question()
	key := q
	key.Transport = UDP
	l.sent[key]++
	q.Attempt, q.At = l.sent[key], l.now

	s := &l.steps[len(l.steps)-1]
	s.Packets = append(s.Packets, Packet{Query: q, Reply: l.ask(q)})
	return len(s.Packets) - 1, s.Packets[len(s.Packets)-1].Reply
}

// judge records what became of a packet.
func (l *lookup) judge(packet int, v Verdict) {
	l.steps[len(l.steps)-1].Packets[packet].Verdict = v
}

// maxName is the length of the longest name, without its final dot.
const maxName = 253

// labelsFit reports whether each label of a name without final dot has 1 to 63 octets.
func labelsFit(name string) bool {
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
	}
	return true
}

// absolute returns name with exactly one final dot.
func absolute(name string) string { return strings.TrimSuffix(name, ".") + "." }

// servers returns the name servers to ask: this host if there are none.
func servers(listed []netip.Addr) []netip.Addr {
	if len(listed) == 0 {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	return listed
}
