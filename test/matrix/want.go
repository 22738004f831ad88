package matrix

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// InTime is what a lookup may take where every half of the first domain that matters has answered, or never will.
const InTime = 1500 * time.Millisecond

// An Outcome is what a lookup comes to.
type Outcome uint8

// The outcomes.
const (
	Broken Outcome = iota // addresses of both domains, a hang, a crash, or another error
	FromFirst
	FromSecond
	Fails  // EAI_AGAIN
	Absent // EAI_NONAME or EAI_NODATA
)

// String returns the outcome in words.
func (o Outcome) String() string {
	return [...]string{"broken", "address of the first domain", "address of the second domain", "temporary failure", "no such host"}[o]
}

// Read reads the outcome from the addresses, and from the name of the error, which is "OK" if there are some.
func Read(err string, addrs []netip.Addr) Outcome {
	from := func(net int) bool {
		return len(addrs) > 0 && !slices.ContainsFunc(addrs, func(addr netip.Addr) bool { return upstream.NetOf(addr) != net })
	}
	switch {
	case err == "OK" && from(first):
		return FromFirst
	case err == "OK" && from(second):
		return FromSecond
	case err == "EAI_AGAIN":
		return Fails
	case err == "EAI_NONAME", err == "EAI_NODATA":
		return Absent
	}
	return Broken
}

// A Libc is a way of judging a pair.
type Libc uint8

// The libcs that differ in what becomes of a failure.
const (
	Musl    Libc = iota
	OldMusl      // musl before 1.2.1, to which A alone matters where no half has an address
	Glibc
)

// Want is what may come of a lookup.
type Want struct {
	Outcomes []Outcome
	Soon     bool // within InTime
}

// String returns what is wanted in words.
func (w Want) String() string {
	var words []string
	for _, o := range w.Outcomes {
		words = append(words, o.String())
	}
	text := strings.Join(words, " or ")
	if w.Soon {
		text += " within " + InTime.String()
	}
	return text
}

// Admits reports whether an outcome after a time is right.
func (w Want) Admits(o Outcome, took time.Duration) bool {
	return slices.Contains(w.Outcomes, o) && (!w.Soon || took <= InTime)
}

// Want returns what must come of a lookup. An address of the second domain is that of another host where the first domain has
// the name, or may have it.
func (s Scope) Want(p Pair, l Libc) Want {
	switch {
	case p.A.HasAddress() || p.AAAA.HasAddress():
		return Want{[]Outcome{FromFirst}, true}
	case s == Domain: // it has no host at all, or is dead
		return Want{[]Outcome{FromSecond}, true}
	case p.A == upstream.NXDomain: // which speaks for the whole name (RFC 8020)
		return Want{[]Outcome{FromSecond}, true}
	case !isFailure(p.A) && !isFailure(p.AAAA): // there is no host of this name
		return Want{[]Outcome{FromSecond}, true}
	}
	// There may be one: the domain works, and a half of this name fails. AAAA is no witness: too many servers say NXDOMAIN to
	// it without looking (RFC 4074, section 4.2).
	return Want{afterFailure(p, l), false}
}

// afterFailure returns what a libc may make of a name without an address, one half of which fails for good.
func afterFailure(p Pair, l Libc) []Outcome {
	switch {
	case l == Glibc:
		return append(ofGlibc(p), Fails) // that is better than what it does: it says the truth
	case l == OldMusl && p.A == upstream.NoData:
		return []Outcome{Absent}
	}
	return []Outcome{Fails}
}

// ofGlibc returns what glibc makes of such a pair behind stock CoreDNS, which answers SERVFAIL to what is silent. It ends its
// search at FORMERR, and at REFUSED and NOTIMP if no half says anything better; it goes past all else, right or wrong. Where it
// may do either, it depends on which half is answered first.
func ofGlibc(p Pair) []Outcome {
	says := func(answers ...upstream.Answer) (halves int) {
		for _, a := range []upstream.Answer{p.A, p.AAAA} {
			if slices.Contains(answers, a) {
				halves++
			}
		}
		return halves
	}
	switch {
	case p.A == upstream.FormErr && p.AAAA == upstream.NXDomain:
		return []Outcome{FromSecond, Absent}
	case says(upstream.FormErr) > 0:
		return []Outcome{Absent}
	case says(upstream.NoData, upstream.NXDomain) > 0:
		return []Outcome{FromSecond}
	case says(upstream.Refused, upstream.NotImp) == 2:
		return []Outcome{Absent}
	case says(upstream.ServFail, upstream.Silence) == 2:
		return []Outcome{FromSecond}
	}
	return []Outcome{FromSecond, Absent}
}

func isFailure(a upstream.Answer) bool {
	switch a {
	case upstream.ServFail, upstream.Refused, upstream.NotImp, upstream.FormErr, upstream.Silence:
		return true
	}
	return false
}
