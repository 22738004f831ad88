package capture

import (
	"slices"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// judge finds what goes wrong in the lookup of one libc.
type judge struct {
	*replay
	asked    asked
	suffixes *names.Suffixes
	alive    func(name string) bool // a search domain has answered
	result   stub.Result
}

// causes returns the steps that go wrong, in their order.
func (j *judge) causes() (all []cause) {
	for i, s := range j.result.Steps {
		if kind := j.kindOf(s, i == len(j.result.Steps)-1); kind != "" {
			all = append(all, cause{Kind: kind, Question: s.Name, Malformed: isMalformed(s)})
		}
	}
	return all
}

func isMalformed(s stub.Step) bool { return len(s.Packets) > 0 && s.Packets[0].Query.Malformed }

// kindOf says what goes wrong in a step, "" if nothing does.
func (j *judge) kindOf(s stub.Step, last bool) diagnosis.Kind {
	class, _ := j.suffixes.Classify(s.Name)
	late := s.End-s.Start > slow || j.result.Err == stub.Hang && last
	found, stopped := s.Outcome == stub.Found, s.Outcome == stub.Stop
	a, aaaa := j.pair(s.Name)
	has := a.says() == data || aaaa.says() == data
	failed := a.says() == failure || aaaa.says() == failure
	switch {
	case len(s.Packets) == 0 || !a.known && !aaaa.known && !isMalformed(s):
		return ""
	case isMalformed(s) && (stopped || late):
		return diagnosis.Dot
	case isMalformed(s):
		return ""
	case class == names.Leak && (found || stopped || late):
		return diagnosis.Leak
	case found && !late && !j.losesFamily(a, aaaa):
		return ""
	case s.Outcome == stub.Next && !has && !late:
		return ""
	case stopped && !has && !failed && !late && !j.hasMore(s.Name):
		return "" // the name has no address
	}
	return j.pairKind(s, class, a, aaaa)
}

// hasMore reports whether a search has names to try after this one.
func (j *judge) hasMore(name string) bool {
	return j.asked.searched && name != strings.TrimSuffix(j.asked.name, ".")+"."
}

// losesFamily reports whether the name has addresses of both families and the libc returns one of them.
func (j *judge) losesFamily(a, aaaa answer) bool {
	return a.known && aaaa.known && a.says() == data && aaaa.says() == data && (len(j.result.V4) == 0) != (len(j.result.V6) == 0)
}

// pairKind says which pair of answers a libc stumbles over; see the table in the package diagnosis. A search domain that
// fails is no proof that it is dead, but if it has answered in this capture, it is not.
func (j *judge) pairKind(s stub.Step, class names.Kind, a, aaaa answer) diagnosis.Kind {
	x, y := a.says(), aaaa.says()
	has := func(p, q say) bool { return x == p && y == q || x == q && y == p }
	switch {
	case a.tcpFails || aaaa.tcpFails:
		return diagnosis.Fit
	case has(data, nxdomain):
		return diagnosis.Pair
	case has(data, failure) && lost(s) && j.result.Err == stub.OK:
		return diagnosis.Loss
	case has(data, failure), x == nxdomain && y == failure:
		return diagnosis.Failure
	case x == data || y == data:
		return dataKind(s, a, aaaa)
	case has(nodata, nodata) && class == names.Plain:
		return diagnosis.Fit // only what libc cannot read gets here
	case has(nodata, nodata), has(nodata, nxdomain) && class != names.Plain:
		return diagnosis.Search
	case has(nodata, nxdomain):
		return diagnosis.Pair
	case has(nxdomain, nxdomain):
		return lateKind(s)
	case class == names.NodeStep && s.Outcome == stub.Stop && !j.alive(s.Name):
		return diagnosis.Search
	}
	return diagnosis.Outage
}

// lateKind is for answers that agree, and come late.
func lateKind(s stub.Step) diagnosis.Kind {
	if lost(s) {
		return diagnosis.Loss
	}
	return diagnosis.Outage
}

// dataKind is for a name with an address and nothing that contradicts it.
func dataKind(s stub.Step, a, aaaa answer) diagnosis.Kind {
	switch {
	case lost(s):
		return diagnosis.Loss
	case askedTCP(s) && !(a.fits(s.Name) && aaaa.fits(s.Name)):
		return diagnosis.TooMany
	case a.awkward || aaaa.awkward:
		return diagnosis.Fit
	case max(a.delay, aaaa.delay) > time.Second:
		return diagnosis.Failure
	}
	return diagnosis.Odd
}

// lost reports whether a question came to nothing at first, and was answered when it was repeated.
func lost(s stub.Step) bool {
	return slices.ContainsFunc(s.Packets, func(p stub.Packet) bool {
		return p.Reply.Fate == stub.Silent && slices.ContainsFunc(s.Packets, func(q stub.Packet) bool {
			return q.Query.Question() == p.Query.Question() && q.Query.Attempt > p.Query.Attempt && q.Reply.Fate == stub.Answered
		})
	})
}

func askedTCP(s stub.Step) bool {
	return slices.ContainsFunc(s.Packets, func(p stub.Packet) bool { return p.Query.Transport == stub.TCP })
}
