package capture

import (
	"net/netip"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// answer is what the servers said to one question, when all was said.
type answer struct {
	say      say
	known    bool // somebody asked
	addrs    []netip.Addr
	text     string        // for people
	delay    time.Duration // of the first answer of use, from the first question
	awkward  bool          // cut over UDP, over 512 octets, or with records that are neither aliases nor of the type
	cutShort bool          // truncated, and nobody asked over TCP
	tcpFails bool          // and over TCP there was nothing
}

// pair returns what was said to both halves of a name. A half that nobody asked for says what the other one does, as it
// harms nobody.
func (r *replay) pair(name string) (a, aaaa answer) {
	a, aaaa = r.half(name, dns.TypeA), r.half(name, dns.TypeAAAA)
	switch {
	case !a.known && aaaa.known:
		a.say = aaaa.says()
	case a.known && !aaaa.known:
		aaaa.say = a.says()
	}
	return a, aaaa
}

func (r *replay) half(name string, qtype uint16) (a answer) {
	s := r.lookup.find(name, false)
	if s == nil || s.half(qtype) == nil {
		reply, ok := r.answers.find(question{name, qtype, false})
		if ok {
			a.read(reply, qtype)
		}
		a.known = ok
		return a
	}
	h := s.half(qtype)
	for i := range h.tries {
		t := &h.tries[i]
		switch {
		case t.transport == stub.TCP:
			a.readTCP(s.replyTo(t, t.at), qtype)
		case t.fate == stub.Silent:
			if a.text == "" {
				a.describe(stub.Reply{}, qtype)
			}
		case !a.known || a.say == failure:
			first := a.delay
			a.read(s.replyTo(t, t.at), qtype)
			if a.delay = t.at + t.after - h.tries[0].at; a.say == failure && a.known {
				a.delay = first // a failure is known when it comes first
			}
		}
		a.known = a.known || t.fate != stub.Silent
	}
	if a.cutShort && s.connected && !a.tcpFails {
		a.cutShort, a.tcpFails = false, true
	}
	a.known = true
	return a
}

func (a *answer) describe(r stub.Reply, qtype uint16) {
	a.text = "no reply"
	if r.Fate != stub.Silent {
		a.text = diagnosis.Describe(r, qtype, 0)
	}
}

// read takes a reply over UDP.
func (a *answer) read(r stub.Reply, qtype uint16) {
	a.describe(r, qtype)
	a.delay = r.Delay
	m := new(dns.Msg)
	if r.Fate != stub.Answered || m.Unpack(r.Bytes) != nil || !m.Response {
		a.awkward = a.awkward || r.Fate == stub.Answered
		return
	}
	a.awkward = a.awkward || m.Truncated || len(r.Bytes) > dns.MinMsgSize
	a.take(m, qtype)
	a.cutShort = m.Truncated
}

// take reads what a message says.
func (a *answer) take(m *dns.Msg, qtype uint16) {
	a.say, a.addrs = failure, nil
	switch m.Rcode {
	case dns.RcodeNameError:
		a.say = nxdomain
	case dns.RcodeSuccess:
		a.say = nodata
		for _, rr := range m.Answer {
			addr, ok := diagnosis.Address(rr)
			switch kind := rr.Header().Rrtype; {
			case ok && kind == qtype:
				a.say, a.addrs = data, append(a.addrs, addr)
			case kind != dns.TypeCNAME:
				a.awkward = true
			}
		}
	}
}

// readTCP takes a reply over TCP, which replaces the truncated one.
func (a *answer) readTCP(r stub.Reply, qtype uint16) {
	before := *a
	m := new(dns.Msg)
	if r.Fate == stub.Answered && m.Unpack(r.Bytes) == nil && m.Response {
		a.take(m, qtype)
	} else {
		a.say = failure
	}
	a.cutShort, a.awkward = false, true
	over := answer{}
	over.describe(r, qtype)
	a.text = before.text + "; over TCP " + over.text
	if a.say == failure {
		a.tcpFails = true
		if before.say == data {
			a.say, a.addrs = data, before.addrs
		}
	}
}

// says returns what a half comes to. One that was cut, and not asked for over TCP, has more to say than fitted.
func (a answer) says() say {
	if a.cutShort && a.say == nodata {
		return data
	}
	return a.say
}

// fits reports whether all addresses fit a reply over UDP to a client without EDNS, with nothing else in it.
func (a answer) fits(name string) bool {
	const header, question, record = 12, 4, 12 // octets; a record points to the name of the question
	size := header + len(name) + 1 + question
	for _, addr := range a.addrs {
		size += record + addr.BitLen()/8
	}
	return size <= dns.MinMsgSize
}
