package stub

import (
	"net/netip"
	"strings"
)

const (
	muslMaxName  = 254 // octets that __lookup_name takes
	muslNameBuf  = 256 // the buffer in which names with a search domain are put together
	muslMaxAddrs = 48  // MAXADDRS, of both families together
)

// musl is one generation of musl's resolver. The zero value is the strictest; each field names what differs.
type musl struct {
	buffer      int   // octets kept of one answer (abuf in name_from_dns)
	tcp         bool  // since 1.2.4: a truncated answer is asked for again over TCP
	maxRecords  int   // before 1.2.5: more questions and answers than this, and the answer is not read (__dns_parse)
	lowPointers bool  // before 1.2.5: a compression pointer to 511 or beyond ends reading
	loose       bool  // before 1.2.4: any address counts whatever was asked, and a record may lack its last octets
	anyHalf     bool  // before 1.2.1: one address is enough, and without any only the first answer is judged
	empty       Errno // an answer without an address
}

// muslLookup is one run of getaddrinfo.
type muslLookup struct {
	*lookup
	*musl
	canon [muslNameBuf]byte // a C string: the name being asked, and where CNAME targets are put
	addrs []netip.Addr
}

// getaddrinfo is __lookup_name without /etc/hosts and numeric names, followed by name_from_dns_search.
func (g *musl) getaddrinfo(l *lookup, name string) Result {
	name, _, _ = strings.Cut(name, "\x00")
	if name == "" || len(name) > muslMaxName {
		return Result{Err: NoName}
	}
	m := &muslLookup{lookup: l, musl: g}
	return m.search(name)
}

// search tries the search list in order, and last the name itself. A name with enough dots, or with a final
// one, is never searched for; and no name that was searched for is tried first.
func (m *muslLookup) search(name string) Result {
	bare := strings.TrimSuffix(name, ".")
	if bare == "" || strings.HasSuffix(bare, ".") {
		return Result{Err: NoName}
	}
	if m.conf.Attempts == 0 {
		return Result{Err: Crash}
	}
	domains := m.conf.Search
	if strings.Count(name, ".") >= m.conf.Ndots || bare != name {
		domains = nil
	}
	m.setCanon(0, bare+".")
	for _, domain := range domains {
		if len(domain) >= muslNameBuf-len(bare)-1 {
			continue
		}
		m.setCanon(len(bare)+1, domain)
		if r, done := m.try(m.canonName()); done {
			return r
		}
	}
	m.setCanon(len(bare), "")
	r, _ := m.try(name)
	return r
}

// setCanon writes a C string into the buffer of names and leaves what is in front of it. Before 1.2.1 that can be
// the target of a CNAME, which then stays there for the rest of the search.
func (m *muslLookup) setCanon(at int, s string) {
	n := copy(m.canon[at:len(m.canon)-1], s)
	m.canon[at+n] = 0
}

// canonName reads the buffer of names as C does, up to the first zero.
func (m *muslLookup) canonName() string {
	s, _, _ := strings.Cut(string(m.canon[:]), "\x00")
	return s
}

// try is name_from_dns: one name, asked for in all types at once, then judged as a whole.
func (m *muslLookup) try(name string) (r Result, done bool) {
	asked, malformed, ok := m.question(name)
	m.begin(absolute(asked))
	if !ok {
		return m.unaskable()
	}
	s := newMuslSend(m, absolute(asked), malformed)
	s.run()
	return m.verdict(s)
}

// question is what __res_mkquery makes of a name, and whether it makes anything. Two final dots ("search .")
// give a malformed packet before 1.2.4 and none at all since.
func (m *muslLookup) question(name string) (asked string, malformed, ok bool) {
	name = strings.TrimSuffix(name, ".")
	octets := len(name)
	asked = strings.TrimSuffix(name, ".")
	malformed = asked != name
	return asked, malformed, octets <= maxName && labelsFit(asked) && !(malformed && m.tcp)
}

// unaskable is the step of a name that does not fit a question: before 1.2.4 it ends the whole search.
func (m *muslLookup) unaskable() (Result, bool) {
	if m.tcp {
		m.end(Next, OK)
		return Result{Err: NoName}, false
	}
	m.end(Stop, NoName)
	return Result{Err: NoName}, true
}
