package diagnosis

import (
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// examination is one lookup beside the best that could be made of it.
type examination struct {
	*world
	Lookup
	candidates []string
	want       string // the first candidate that has an address of its own, "" if there is none
	outage     bool   // it cannot be known, as the server fails on the way
}

// cause is a step that goes wrong.
type cause struct {
	kind       Kind
	step       stub.Step
	unsearched bool
}

// unexplained reports whether the cause was named by the answers of one server, which are fine, and so says nothing about why a libc
// that has asked several of them is worse off.
func (c cause) unexplained() bool {
	return slices.Contains([]Kind{Odd, Fit, TooMany, Failure, Loss}, c.kind)
}

// best returns the first candidate with addresses that are neither those of a leak nor of a wildcard. A search domain of
// the nodes that is dead is passed over. Any other failure is an outage: nobody can know whether that name exists.
func (w *world) best(candidates []string) (name string, outage bool) {
	for _, name := range candidates {
		kind, at := w.names.Classify(name)
		if kind == names.Leak || w.hijacked(name) {
			continue
		}
		a, aaaa := w.pair(name)
		switch {
		case a.say == data || aaaa.say == data:
			return name, false
		case a.say == nxdomain, a.say == nodata && aaaa.say != failure, kind == names.NodeStep && w.isDead(name, at):
			continue
		}
		return "", true
	}
	return "", false
}

// isDead reports whether what a name with a suffix at an index gets is about its domain: a random name in its place gets it
// as well. This is the proof of the fix search.
func (w *world) isDead(name string, at int) bool {
	a, aaaa := w.pair(name)
	_, parent, _ := strings.Cut(name, ".")
	return slices.ContainsFunc([]string{name[at:], parent}, func(zone string) bool {
		other, other6 := w.pair(w.random + "." + zone)
		return other.say == a.say && other6.say == aaaa.say
	})
}

// causes returns the steps that go wrong, in their order.
func (e *examination) causes() (all []cause) {
	if e.Result.Err == stub.Crash {
		return []cause{{kind: Crash}}
	}
	for i, s := range e.Result.Steps {
		if kind := e.kindOf(s, i == len(e.Result.Steps)-1); kind != "" {
			all = append(all, cause{kind: kind, step: s})
		}
	}
	if len(all) == 0 && e.Result.Err != stub.OK && e.want != "" && len(e.Result.Steps) > 0 {
		all = append(all, cause{kind: Odd, step: e.Result.Steps[len(e.Result.Steps)-1]})
	}
	return all
}

// kindOf says what goes wrong in a step, "" if nothing does.
func (e *examination) kindOf(s stub.Step, last bool) Kind {
	class, _ := e.names.Classify(s.Name)
	late := s.End-s.Start > slow || e.Result.Err == stub.Hang && last
	found, stopped := s.Outcome == stub.Found, s.Outcome == stub.Stop
	switch {
	case len(s.Packets) == 0:
		return ""
	case isMalformed(s) && (stopped || late):
		return Dot
	case isMalformed(s):
		return ""
	case class == names.Leak && (found || stopped && e.want != "" || late):
		return Leak
	case found && e.hijacked(s.Name):
		return Wildcard
	case found && !late && !e.losesFamily(s):
		return ""
	case s.Outcome == stub.Next && s.Name != e.want && !late:
		return ""
	case stopped && e.want == "" && !e.outage && !late:
		return "" // it would have found nothing either way
	}
	return e.pairKind(s, class)
}

func isMalformed(s stub.Step) bool { return len(s.Packets) > 0 && s.Packets[0].Query.Malformed }

// losesFamily reports whether the name has addresses of both families and the libc returns one of them.
func (e *examination) losesFamily(s stub.Step) bool {
	a, aaaa := e.pair(s.Name)
	return a.say == data && aaaa.say == data && (len(e.Result.V4) == 0 || len(e.Result.V6) == 0)
}

// pairKind says which pair of answers a libc stumbles over:
//
//	A         AAAA      plain name         with a suffix of the cluster   with a search domain of the nodes
//	data      NXDOMAIN  pair               pair                           pair            (and mirrored)
//	data      failure   failure            failure                        failure         (and mirrored)
//	data      other     fit, too-many or loss, or failure if it is late
//	NXDOMAIN  failure   failure            failure                        failure
//	no address          fit, if awkward    search                         search
//	NXDOMAIN  NODATA    pair               search                         search          (and mirrored)
//	failure   other     outage             outage                         search, if the domain is dead and there is an address further down
func (e *examination) pairKind(s stub.Step, class names.Kind) Kind {
	a, aaaa := e.pair(s.Name)
	has := func(x, y say) bool { return a.say == x && aaaa.say == y || a.say == y && aaaa.say == x }
	switch {
	case a.tcpFails || aaaa.tcpFails:
		return Fit
	case has(data, nxdomain):
		return Pair
	case has(data, failure), a.say == nxdomain && aaaa.say == failure:
		return Failure
	case a.say == data || aaaa.say == data:
		return dataKind(s, a, aaaa)
	case has(nodata, nodata) && class == names.Plain:
		return Fit // only what libc cannot read gets here
	case has(nodata, nodata), has(nodata, nxdomain) && class != names.Plain:
		return Search
	case has(nodata, nxdomain):
		return Pair
	case has(nxdomain, nxdomain):
		return Odd
	case class == names.NodeStep && e.want != "":
		return Search
	}
	return Outage
}

// dataKind is for a name with an address and nothing that contradicts it.
func dataKind(s stub.Step, a, aaaa half) Kind {
	switch {
	case lost(s):
		return Loss
	case askedTCP(s) && !(a.fits(s.Name) && aaaa.fits(s.Name)):
		return TooMany
	case a.awkward || aaaa.awkward:
		return Fit
	case max(a.delay, aaaa.delay) > time.Second:
		return Failure
	}
	return Odd
}

// lost reports whether a question came to nothing at first, and was answered when it was repeated.
func lost(s stub.Step) bool {
	return slices.ContainsFunc(s.Packets, func(p stub.Packet) bool {
		return p.Reply.Fate == stub.Silent && slices.ContainsFunc(s.Packets, func(q stub.Packet) bool {
			return q.Query.Question() == p.Query.Question() && q.Reply.Fate == stub.Answered
		})
	})
}

func askedTCP(s stub.Step) bool {
	return slices.ContainsFunc(s.Packets, func(p stub.Packet) bool { return p.Query.Transport == stub.TCP })
}

// fits reports whether all addresses fit a reply over UDP to a client without EDNS, with nothing else in it.
func (h half) fits(name string) bool {
	const header, question, record = 12, 4, 12 // octets; a record points to the name of the question
	size := header + len(name) + 1 + question
	for _, addr := range h.addrs {
		size += record + addr.BitLen()/8
	}
	return size <= dns.MinMsgSize
}

// differs finds names that one libc never gets to, for reasons of its own, while the reference does.
func (d *Doctor) differs(e, reference *examination) (cause, bool) {
	if e.Result.Err == stub.OK || e.outage || e.want != "" || reference.want == "" || slices.Contains(e.candidates, reference.want) {
		return cause{}, false
	}
	steps := e.Result.Steps
	isUnsearched := len(e.candidates) > 0 && slices.Contains(e.names.Unsearched(e.candidates[0]), reference.want)
	switch {
	case len(steps) > 0 && len(steps[len(steps)-1].Packets) == 0:
		return cause{kind: LongName, step: steps[len(steps)-1]}, true
	case len(d.confs[e.Model].Search) < len(d.confs[reference.Model].Search):
		return cause{SearchLine, stub.Step{Name: reference.want}, isUnsearched}, true
	case strings.HasPrefix(e.Model.Name, "musl"):
		return cause{Ndots, stub.Step{Name: reference.want}, isUnsearched}, true
	}
	return cause{}, false
}

// reference returns the last of all that has something to find: glibc, or else the newest musl.
func reference(all []*examination) *examination {
	for _, e := range slices.Backward(all) {
		if e.want != "" {
			return e
		}
	}
	return all[len(all)-1]
}
