package capture

import (
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// place returns the step to which a question belongs that has not been seen in this form. In this order:
//
//   - the same question from another socket, with the same ID: over TCP, or after a timeout of glibc
//   - the other half of a pair from the same socket
//   - the other half of a pair from another socket, at about the same time, as Go does it
//   - the next name of a search
//   - a new lookup
func (t *tracker) place(e *packets.Event, q query) *step {
	label := firstLabel(q.name)
	k := labelKey{e.Client.Addr(), label}
	var other, search *lookup
	best := none
	for l := t.labels[k]; l != nil; l = l.more {
		s := l.last()
		h := s.half(q.qtype)
		switch {
		case s.name != q.name || s.malformed != q.malformed:
			if s.style != q.style {
				continue
			}
			if b := l.continues(q.name, e.At, t.search(l.client)); b > best || b == best && b > none && len(commonLabels(l.last().name, q.name)) > len(commonLabels(search.last().name, q.name)) {
				best, search = b, l
			}
		case h != nil && h.id == q.id:
			return s
		case h == nil && s.port == e.Client.Port() && e.Transport == stub.UDP:
			return s
		case h == nil && other == nil && len(s.halves) == 1 && s.style == q.style && e.At-s.begin < apart && s.port != e.Client.Port():
			other = l
		}
	}
	if best == weak && other == nil && !search.client.habits.guess(search, q.name) {
		search = nil
	}
	switch {
	case other != nil:
		return other.last()
	case search != nil && len(search.steps) < maxSteps:
		s := t.step(search, e, q)
		t.learn(search)
		return s
	}
	l := t.lookup(k)
	return t.step(l, e, q)
}

// bond is how sure it is that a name is the next one of a search.
type bond uint8

const (
	none bond = iota
	weak      // both begin alike, and come one right after the other: programs also look up such names
	firm
)

// continues says how well a name goes with this search: the name before has come to nothing just now, and both begin with
// what the program asked for. Other names can begin alike, so what is behind has to be as in a search list: the list of
// this client, if that is known, or one suffix that ends with the next, as in Kubernetes.
func (l *lookup) continues(name string, at time.Duration, search []string) bond {
	s := l.last()
	if s.hasAddresses() || !s.isOver(at) || l.tried(name) {
		return none
	}
	if inList(s.name, name, search) {
		return firm
	}
	base := commonLabels(s.name, name)
	if base == "" || len(l.steps) > 1 && base != l.base(search) {
		return none
	}
	before, after := s.name[len(base):], name[len(base):]
	if before == "" || after == "" || len(l.steps) > 1 && (len(search) == 0 || strings.Count(base, ".") > 1) {
		return firm
	}
	switch {
	case strings.HasSuffix(before, "."+after):
		return firm
	case len(search) > 0 || at-s.last > together:
		return none
	}
	return weak
}

// inList reports whether a name follows another one in a search.
func inList(before, name string, search []string) bool {
	if len(search) > 0 && name == before+search[0]+"." {
		return true // glibc has begun with the name itself
	}
	for i, domain := range search {
		base, ok := cutDomain(before, domain)
		if ok && (name == base || i+1 < len(search) && name == base+search[i+1]+".") {
			return true
		}
	}
	return false
}

func (l *lookup) tried(name string) bool {
	for _, s := range l.steps {
		if s.name == name && !s.malformed {
			return true
		}
	}
	return false
}

// isOver reports whether a libc goes on to the next name: it has heard something of each half, or waited for long.
func (s *step) isOver(at time.Duration) bool {
	if at-s.last > settledFor && at-s.begin < time.Second {
		return false
	}
	for i := range s.halves {
		h := &s.halves[i]
		if h.tries[len(h.tries)-1].fate == stub.Silent && !s.settled(h) && at-s.begin < 900*time.Millisecond {
			return false
		}
	}
	return true
}

// hasAddresses reports whether both halves are answered well, at least one of them with addresses: no search goes on after
// that. musl goes on if the other half is NXDOMAIN.
func (s *step) hasAddresses() bool {
	found := false
	for i := range s.halves {
		t := s.whole(&s.halves[i])
		if t == nil || s.rcode(t) != dns.RcodeSuccess {
			return false
		}
		msg := s.bytes(t)
		found = found || len(msg) >= headerSize && answerCount(msg) > 0
	}
	return found
}

func answerCount(msg []byte) int { return int(msg[6])<<8 | int(msg[7]) }

// commonLabels returns the labels with which two names begin, "" if there are none: the root is no such label.
func commonLabels(a, b string) string {
	end := 0
	for i := 0; i < len(a) && i < len(b) && a[i] == b[i]; i++ {
		if a[i] == '.' {
			end = i + 1
		}
	}
	if end == 1 && a[0] == '.' {
		return ""
	}
	return a[:end]
}
