package stub

import (
	"strings"

	"github.com/miekg/dns"
)

// query is __res_context_query: one name, asked and judged. It is good if either answer has a record of any
// kind; without one, the first answer that is an error decides why.
func (g *glibcLookup) query(name string) (pair, bool) {
	g.first, g.errno = dns.RcodeSuccess, noSendErr
	g.begin(absolute(name))
	if !glibcAskable(name) {
		g.herr = noRecovery
		g.end(Stop, g.err())
		return pair{}, false
	}
	g.questions = g.questions[:0]
	for _, t := range g.glibcTypes() {
		g.questions = append(g.questions, Query{Name: absolute(name), Type: t})
	}
	p, ok := g.send()
	if !ok {
		g.herr = tryAgain
	} else {
		g.herr, ok = judgePair(p)
	}
	if ok && g.conf.NoAAAA && g.family == V6 {
		g.herr, ok = noAddress, false
	}
	g.finish(ok)
	return p, ok
}

// glibcTypes returns the questions of one step. With "no-aaaa" a program that wants IPv6 only has the A record
// asked for, to learn whether the name exists; it never gets an address.
func (g *glibcLookup) glibcTypes() []uint16 {
	if g.conf.NoAAAA {
		return []uint16{dns.TypeA}
	}
	return g.types()
}

// finish ends the step as the search will take it.
func (g *glibcLookup) finish(ok bool) {
	switch {
	case g.hung:
		g.end(Stop, Hang)
	case ok:
		g.end(Found, OK)
	case g.errno == nobody, g.herr == noRecovery, g.herr == tryAgain && g.first != dns.RcodeServerFailure:
		g.end(Stop, g.err())
	default:
		g.end(Next, OK)
	}
}

// glibcAskable reports whether res_mkquery can encode a name.
func glibcAskable(name string) bool {
	name = strings.TrimSuffix(name, ".")
	return name == "" || len(name) <= maxName && labelsFit(name)
}

// judgePair is the end of __res_context_query. A missing answer counts as a copy of the other.
func judgePair(p pair) (hostErr, bool) {
	a, b := p.first, p.second
	if len(a) < 12 {
		a = b
	}
	if len(b) < 12 {
		b = a
	}
	if len(a) < 12 {
		return noRecovery, false
	}
	if hasRecords(a) || hasRecords(b) {
		return hostNotFound, true
	}
	rcode := a[3] & 15
	if rcode == dns.RcodeSuccess {
		rcode = b[3] & 15
	}
	switch rcode {
	case dns.RcodeNameError:
		return hostNotFound, false
	case dns.RcodeServerFailure:
		return tryAgain, false
	case dns.RcodeSuccess:
		return noAddress, false
	}
	return noRecovery, false
}

// hasRecords reports whether an answer is NOERROR with a record in its answer section.
func hasRecords(msg []byte) bool {
	return msg[3]&15 == dns.RcodeSuccess && answerCount(msg) > 0
}
