package verdict

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"
)

// An Outcome is what one lookup, of A or of AAAA, says about a name.
type Outcome uint8

// The outcomes.
const (
	Unknown  Outcome = iota // not asked, or no answer yet
	Failed                  // no usable answer: SERVFAIL, REFUSED, NOTIMP, FORMERR, an error, or silence for too long
	Data                    // the name exists and has records of the asked type
	Nodata                  // the name exists and has no such records
	Nxdomain                // the name does not exist
	NumOutcomes
)

var outcomeNames = [NumOutcomes]string{Unknown: "unknown", Failed: "failure", Data: "data", Nodata: "nodata", Nxdomain: "nxdomain"}

// String returns the outcome as metrics write it.
func (o Outcome) String() string { return outcomeNames[o] }

// IsAnswer reports whether there is an answer about the name.
func (o Outcome) IsAnswer() bool { return o > Failed }

// A Half is what the answer to one lookup says about its half of a pair.
type Half struct {
	Outcome
	IsCut     bool         // the answer was truncated
	IsEmpty   bool         // and nothing of the asked type is left in it
	IsRefused bool         // the failure is a REFUSED
	Addrs     []netip.Addr // sorted; nil unless somebody compares them
}

// Read reads a half from the reply to a lookup for qtype. If there is no reply, a plugin may have returned rcode.
func Read(m *dns.Msg, rcode int, qtype uint16) Half {
	h := Half{Outcome: OutcomeOf(m, qtype)}
	h.IsRefused = m == nil && rcode == dns.RcodeRefused || m != nil && m.Rcode == dns.RcodeRefused
	if h.IsCut = m != nil && m.Truncated; h.IsCut {
		h.IsEmpty = !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return rr.Header().Rrtype == qtype })
	}
	return h
}

// OutcomeOf reads the outcome of a lookup for qtype from its reply, which may be nil. Like musl, which takes every record of
// the type whatever its owner, it does not follow CNAME records. A truncated reply counts as data.
func OutcomeOf(m *dns.Msg, qtype uint16) Outcome {
	switch {
	case m == nil:
		return Failed
	case m.Rcode == dns.RcodeNameError:
		return Nxdomain
	case m.Rcode != dns.RcodeSuccess:
		return Failed
	case m.Truncated:
		return Data
	}
	for _, rr := range m.Answer {
		if rr.Header().Rrtype == qtype {
			return Data
		}
	}
	return Nodata
}

// Addresses returns the addresses of a type in m, sorted.
func Addresses(m *dns.Msg, qtype uint16) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range m.Answer {
		var ip []byte
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A.To4()
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if addr, ok := netip.AddrFromSlice(ip); ok && rr.Header().Rrtype == qtype {
			addrs = append(addrs, addr)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}

// WithoutIPv6 returns the AAAA half that follows from the A half: NODATA if the name exists, otherwise the same.
func WithoutIPv6(a Outcome) Outcome {
	if a == Data {
		return Nodata
	}
	return a
}
