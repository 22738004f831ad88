package diagnosis

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A say is what the server says to one question, asked until nothing more can be known: over TCP too, if the answer
// over UDP is cut.
type say uint8

const (
	failure  say = iota // nothing of use
	data                // addresses of the asked type
	nodata              // NOERROR without
	nxdomain            // NXDOMAIN
)

// half is one half of a pair: what the server says to A or to AAAA.
type half struct {
	say      say
	addrs    []netip.Addr
	text     string        // for people
	delay    time.Duration // of the answer over UDP
	awkward  bool          // cut over UDP, over 512 octets, or with records that are neither aliases nor of the type
	overTCP  bool          // the answer over UDP was cut
	tcpFails bool          // and over TCP there is none
}

// world is what the servers of one resolv.conf say, for a judge who makes the best of it.
type world struct {
	ask     stub.Exchange
	timeout time.Duration
	servers []netip.Addr
	names   *names.Suffixes
	random  string // a label that no name has
}

// pair asks for both halves of a name. Of several servers the first one that does not fail counts.
func (w *world) pair(name string) (a, aaaa half) {
	return w.half(name, dns.TypeA), w.half(name, dns.TypeAAAA)
}

func (w *world) half(name string, qtype uint16) (h half) {
	for _, server := range w.servers {
		if h = w.halfAt(server, name, qtype); h.say != failure {
			return h
		}
	}
	return h
}

// reply returns what a server says over UDP to a question that is asked twice if need be, as the libcs do.
func (w *world) reply(server netip.Addr, name string, qtype uint16) stub.Reply {
	q := stub.Query{Name: name, Type: qtype, Server: server, Transport: stub.UDP, Attempt: 1}
	r := w.ask(q)
	if q.Attempt++; r.Fate == stub.Silent || isServFail(r) {
		r = w.ask(q)
	}
	return r
}

func (w *world) halfAt(server netip.Addr, name string, qtype uint16) half {
	m, h := w.read(w.reply(server, name, qtype), qtype)
	if m == nil || !m.Truncated {
		return h
	}
	q := stub.Query{Name: name, Type: qtype, Server: server, Transport: stub.TCP, Attempt: 2}
	_, whole := w.read(w.ask(q), qtype)
	whole.overTCP, whole.awkward, whole.delay = true, true, h.delay
	if whole.say == failure {
		h.overTCP, h.tcpFails, h.text = true, true, h.text+", and over TCP "+whole.text
		if h.say == nodata {
			h.say = failure
		}
		return h
	}
	whole.text = h.text + "; over TCP " + whole.text
	return whole
}

func isServFail(r stub.Reply) bool {
	return r.Fate == stub.Answered && len(r.Bytes) > 3 && r.Bytes[3]&15 == dns.RcodeServerFailure
}

// read makes a half of one reply. The message is nil if there is none that can be read.
func (w *world) read(r stub.Reply, qtype uint16) (*dns.Msg, half) {
	h := half{delay: r.Delay, text: Describe(r, qtype, w.timeout)}
	if r.Fate != stub.Answered {
		return nil, h
	}
	m := new(dns.Msg)
	if m.Unpack(r.Bytes) != nil || !m.Response {
		h.awkward = true
		return nil, h
	}
	h.awkward = m.Truncated || len(r.Bytes) > dns.MinMsgSize
	switch m.Rcode {
	case dns.RcodeNameError:
		h.say = nxdomain
	case dns.RcodeSuccess:
		h.say = nodata
		h.takeAddresses(m, qtype)
	}
	return m, h
}

func (h *half) takeAddresses(m *dns.Msg, qtype uint16) {
	for _, rr := range m.Answer {
		addr, ok := Address(rr)
		switch rrtype := rr.Header().Rrtype; {
		case ok && rrtype == qtype:
			h.say, h.addrs = data, append(h.addrs, addr)
		case rrtype != dns.TypeCNAME:
			h.awkward = true
		}
	}
}

// Address returns the address in an A or AAAA record; false for other records, and for data of a wrong length.
func Address(rr dns.RR) (addr netip.Addr, ok bool) {
	switch rr := rr.(type) {
	case *dns.A:
		addr, ok = netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		addr, ok = netip.AddrFromSlice(rr.AAAA.To16())
	}
	return addr, ok
}

// Describe says in a few words what came back to a question.
func Describe(r stub.Reply, qtype uint16, timeout time.Duration) string {
	switch r.Fate {
	case stub.Silent:
		return fmt.Sprintf("no reply within %v", timeout)
	case stub.Refused:
		return "nobody listens there"
	case stub.Closed:
		return "the connection is closed without a reply"
	case stub.Reset:
		return "the connection is reset"
	}
	m := new(dns.Msg)
	if err := m.Unpack(r.Bytes); err != nil && len(r.Bytes) != headerSize {
		return fmt.Sprintf("%d octets that are no DNS message", len(r.Bytes))
	}
	if !m.Response {
		return "a question instead of a reply"
	}
	return describeMessage(m, qtype)
}

// headerSize is the length of a reply that has nothing but a header.
const headerSize = 12

func describeMessage(m *dns.Msg, qtype uint16) string {
	rcode, ok := dns.RcodeToString[m.Rcode]
	if !ok {
		rcode = fmt.Sprintf("return code %d", m.Rcode)
	}
	if m.Rcode != dns.RcodeSuccess {
		return rcode
	}
	var addrs []netip.Addr
	for _, rr := range m.Answer {
		if addr, ok := Address(rr); ok && rr.Header().Rrtype == qtype {
			addrs = append(addrs, addr)
		}
	}
	words := []string{rcode + " " + short(addrs)}
	switch {
	case len(addrs) == 0 && len(m.Answer) == 0:
		words[0] = rcode + " without an address"
	case len(addrs) == 0:
		words[0] = fmt.Sprintf("%s with %d records, none of them an address", rcode, len(m.Answer))
	}
	if m.Truncated {
		words = append(words, "truncated")
	}
	return strings.Join(words, ", ")
}

// hijacked reports whether a name below a search domain of the nodes has the addresses of a wildcard there, and
// exists without the search domain. This is the proof of the fix wildcard.
func (w *world) hijacked(name string) bool {
	kind, at := w.names.Classify(name)
	if kind != names.NodeStep || strings.Count(name[:at], ".") < 2 {
		return false
	}
	a, aaaa := w.pair(name)
	if a.say != data && aaaa.say != data {
		return false
	}
	if own, own6 := w.pair(name[:at]); own.say != data && own6.say != data {
		return false
	}
	other, other6 := w.pair(w.random + "." + name[at:])
	return sameAddrs(a.addrs, other.addrs) && sameAddrs(aaaa.addrs, other6.addrs)
}

func sameAddrs(a, b []netip.Addr) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}
