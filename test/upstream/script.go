package upstream

import (
	"net/netip"
	"strings"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// LinkZone is where the CNAMEs of a Behaviour lead. A script that does not list it answers NXDOMAIN there.
const LinkZone = "link.test."

// A Zone says how the names below it are answered, or how one name is.
type Zone struct {
	Name string // with a final dot; "." has all names, the root too
	Net  byte   // its addresses are in 198.18.0.0/15 and 2001:db8::/32, so that an answer shows its zone
	Host bool   // the behaviours are those of Name itself, and of no name below it
	// Scripted: the first two labels of a name are its behaviours for A and AAAA (one label: for both).
	// Otherwise A and AAAA below are the behaviours of all names.
	Scripted bool
	A, AAAA  Behaviour
}

// A Script is a whole server. Names in no zone are NXDOMAIN.
type Script struct {
	Zones     []Zone
	NoTCP     bool // nobody listens there
	Malformed int  // the return code for what cannot be read as a question; 0 means FORMERR
}

// Scripts are the servers of one resolv.conf; nobody listens at other addresses.
type Scripts map[netip.Addr]*Script

// Exchange answers as the server that is asked.
func (s Scripts) Exchange(q stub.Query) stub.Reply {
	if script := s[q.Server]; script != nil {
		return script.Exchange(q)
	}
	return stub.Reply{Fate: stub.Refused}
}

// Exchange says what becomes of a query. It is a pure function of the query.
func (s *Script) Exchange(q stub.Query) stub.Reply {
	if s.NoTCP && q.Transport == stub.TCP {
		return stub.Reply{Fate: stub.Refused}
	}
	if q.Malformed {
		return answered(s.malformed())
	}
	z, b := s.behaviour(strings.ToLower(q.Name), q.Type)
	if q.Attempt <= b.Fails {
		b.Answer, b.TCP = b.FailWith, SameOverTCP
	}
	r := b.reply(q, z)
	r.Delay = b.Delay
	return r
}

// once reports whether the delay of a question counts from the first one of its name and type.
func (s *Script) once(q stub.Query) bool {
	_, b := s.behaviour(strings.ToLower(q.Name), q.Type)
	return b.Once
}

// malformed is what miekg/dns sends back for octets that are no question: a header and nothing else.
func (s *Script) malformed() []byte {
	rcode := s.Malformed
	if rcode == 0 {
		rcode = dns.RcodeFormatError
	}
	return []byte{0, 0, 0x81, byte(rcode), 0, 0, 0, 0, 0, 0, 0, 0}
}

// behaviour finds what the server does with a name.
func (s *Script) behaviour(name string, qtype uint16) (Zone, Behaviour) {
	z, ok := s.zone(name)
	if !ok {
		return z, Behaviour{Answer: NXDomain}
	}
	b := z.A
	if qtype == dns.TypeAAAA {
		b = z.AAAA
	}
	if !z.Scripted {
		return z, b
	}
	labels := strings.Split(strings.TrimSuffix(name, "."+z.Name), ".")
	label := labels[0]
	if qtype == dns.TypeAAAA && len(labels) > 1 {
		label = labels[1]
	}
	b, err := Parse(label)
	if err != nil {
		return z, Behaviour{Answer: NXDomain}
	}
	return z, b
}

// zone returns the host that name is, or else the longest zone that it is below.
func (s *Script) zone(name string) (best Zone, ok bool) {
	for _, z := range s.Zones {
		if z.has(name) && len(z.Name) > len(best.Name) {
			best, ok = z, true
		}
	}
	return best, ok
}

func (z Zone) has(name string) bool {
	switch {
	case z.Host:
		return name == z.Name
	case z.Name == ".":
		return true
	}
	before, ok := strings.CutSuffix(name, z.Name)
	return ok && strings.HasSuffix(before, ".")
}

func answered(msg []byte) stub.Reply { return stub.Reply{Fate: stub.Answered, Bytes: msg} }
