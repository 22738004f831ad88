package capture

import (
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// budget is what muslsafe waits for a half that is late or silent.
const budget = time.Second

// denial is an answer of muslsafe without records.
type denial struct {
	rcode byte // NXDOMAIN, or NOERROR for NODATA
	after time.Duration
}

// denials returns which halves muslsafe would have denied, by type. An answer that is not in it passes as it came.
//
//	leak, search   both halves are NXDOMAIN
//	pair           the half that is NXDOMAIN becomes NODATA
//	failure        the half that fails becomes NODATA; AAAA follows the NXDOMAIN of A
//	dot            NXDOMAIN
func denials(kind diagnosis.Kind, a, aaaa answer) map[uint16]denial {
	late := func(x answer) time.Duration { return min(x.delay, budget) }
	switch kind {
	case diagnosis.Leak, diagnosis.Dot:
		return map[uint16]denial{dns.TypeA: {dns.RcodeNameError, 0}, dns.TypeAAAA: {dns.RcodeNameError, 0}}
	case diagnosis.Search:
		after := max(late(a), late(aaaa))
		return map[uint16]denial{dns.TypeA: {dns.RcodeNameError, after}, dns.TypeAAAA: {dns.RcodeNameError, after}}
	case diagnosis.Pair:
		if a.says() == data && aaaa.says() == nxdomain {
			return map[uint16]denial{dns.TypeAAAA: {dns.RcodeSuccess, aaaa.delay}}
		}
		if aaaa.says() == data && a.says() == nxdomain {
			return map[uint16]denial{dns.TypeA: {dns.RcodeSuccess, a.delay}}
		}
	case diagnosis.Failure:
		return failureDenials(a, aaaa)
	}
	return nil
}

func failureDenials(a, aaaa answer) map[uint16]denial {
	patience := func(x answer) time.Duration {
		if x.text == "no reply" || x.delay > budget {
			return budget
		}
		return x.delay
	}
	bad := func(x answer) bool { return x.says() == failure || x.delay > time.Second }
	switch {
	case a.says() == nxdomain && bad(aaaa):
		return map[uint16]denial{dns.TypeAAAA: {dns.RcodeNameError, patience(aaaa)}}
	case a.says() == data && bad(aaaa):
		return map[uint16]denial{dns.TypeAAAA: {dns.RcodeSuccess, patience(aaaa)}}
	case aaaa.says() == data && bad(a):
		return map[uint16]denial{dns.TypeA: {dns.RcodeSuccess, patience(a)}}
	}
	return nil
}

// answersOf are those to the question of a cause.
func answersOf(j *judge, c cause) (a, aaaa answer) {
	if c.Malformed {
		return a, aaaa
	}
	return j.pair(c.Question)
}

// insteadOf describes what muslsafe would have answered.
func insteadOf(j *judge, c cause) (all []diagnosis.Answer) {
	a, aaaa := answersOf(j, c)
	denied := denials(c.Kind, a, aaaa)
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		if d, ok := denied[qtype]; ok {
			all = append(all, diagnosis.Answer{Type: dns.TypeToString[qtype], Says: sayDenial(d)})
		}
	}
	if c.Kind == diagnosis.Fit && !a.tcpFails && !aaaa.tcpFails {
		for i, half := range []answer{a, aaaa} {
			if half.awkward {
				all = append(all, diagnosis.Answer{Type: []string{"A", "AAAA"}[i], Says: "NOERROR with as many addresses as fit 512 octets, not truncated"})
			}
		}
	}
	return all
}

func sayDenial(d denial) string {
	says := "NXDOMAIN"
	if d.rcode == dns.RcodeSuccess {
		says = "NOERROR without an address"
	}
	if d.after >= budget {
		says += ", after 1 s"
	}
	return says
}

// cure adds the answers of muslsafe to a replay.
func cure(instead map[question]stub.Reply, j *judge, c cause) {
	a, aaaa := answersOf(j, c)
	for qtype, d := range denials(c.Kind, a, aaaa) {
		reply := nothing(stub.Query{Name: c.Question, Type: qtype}, d.rcode)
		reply.Delay = d.after
		instead[question{strings.ToLower(c.Question), qtype, c.Malformed}] = reply
	}
	if c.Kind != diagnosis.Fit {
		return
	}
	for i, half := range []answer{a, aaaa} {
		qtype := []uint16{dns.TypeA, dns.TypeAAAA}[i]
		if half.awkward && len(half.addrs) > 0 {
			instead[question{strings.ToLower(c.Question), qtype, c.Malformed}] = fitted(c.Question, qtype, half)
		}
	}
}

// fitted returns the addresses that fit 512 octets.
func fitted(name string, qtype uint16, a answer) stub.Reply {
	m := new(dns.Msg).SetQuestion(name, qtype)
	m.Response, m.RecursionAvailable, m.Compress = true, true, true
	for _, addr := range a.addrs {
		hdr := dns.RR_Header{Name: name, Rrtype: qtype, Class: dns.ClassINET}
		if addr.Is4() {
			m.Answer = append(m.Answer, &dns.A{Hdr: hdr, A: addr.AsSlice()})
		} else {
			m.Answer = append(m.Answer, &dns.AAAA{Hdr: hdr, AAAA: addr.AsSlice()})
		}
		if m.Len() > dns.MinMsgSize {
			m.Answer = m.Answer[:len(m.Answer)-1]
			break
		}
	}
	msg, err := m.Pack()
	if err != nil {
		return stub.Reply{}
	}
	return stub.Reply{Fate: stub.Answered, Bytes: msg, Delay: a.delay}
}

// cured says what a libc would have got with muslsafe.
func cured(m *stub.Model, conf stub.Config, v *verdict, before *replay, instead map[question]stub.Reply) string {
	r := &replay{lookup: before.lookup, answers: before.answers, asked: make(map[stub.Query]int), instead: instead}
	result := m.Lookup(conf, v.asked.name, v.family, r.exchange)
	if r.unknown != "" {
		return "goes on to " + strings.TrimSuffix(r.unknown, ".") + ", of which the capture has nothing"
	}
	return effect(result)
}
