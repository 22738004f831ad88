package diagnosis

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// Hazards returns what is wrong with the name servers as a group.
func (r Race) Hazards() (all []Hazard) {
	if h, ok := r.contested(); ok {
		all = append(all, h)
	}
	if h, ok := r.dead(); ok {
		all = append(all, h)
	}
	return all
}

// contested returns the hazard of a race whose result depends on who is first.
func (r Race) contested() (h Hazard, ok bool) {
	h.Kind = Nameservers
	if !r.finds() {
		return h, false
	}
	for i, m := range stub.Models() {
		if r.isContested(i) {
			ok = true
			h.Harms = append(h.Harms, Harm{m, r.effects(i)})
		} else if l := r.Finishes[0].Lookups[i]; m == Glibc() && l.Result.Err != stub.OK {
			h.Harms = append(h.Harms, Harm{m, Error(l.Result.Err) + ", whichever server is first"})
		}
	}
	h.Question, h.Answers = r.evidence()
	return h, ok
}

// finds reports whether any libc can find an address. Where none does, it matters little how each one says so.
func (r Race) finds() bool {
	return slices.ContainsFunc(r.Finishes, func(f Finish) bool {
		return slices.ContainsFunc(f.Lookups, func(l Lookup) bool { return l.Result.Err == stub.OK })
	})
}

// isContested reports whether the result of a libc, by its index, depends on who is first.
func (r Race) isContested(libc int) bool {
	first := r.Finishes[0].Lookups[libc]
	return slices.ContainsFunc(r.Finishes, func(f Finish) bool { return !alike(first, f.Lookups[libc]) })
}

// alike reports whether two lookups come to the same as far as users can tell. The servers of a content network give different
// addresses of one host, so two public addresses count as the same; a private one and a public one do not.
func alike(a, b Lookup) bool {
	if a.Result.Err != b.Result.Err {
		return false
	}
	if a.Result.Err != stub.OK {
		return true
	}
	return lastStep(a) == lastStep(b) && sameKind(a.Result.V4, b.Result.V4) && sameKind(a.Result.V6, b.Result.V6)
}

func lastStep(l Lookup) string { return l.Result.Steps[len(l.Result.Steps)-1].Name }

// sameKind reports whether two lists of addresses are both empty, share an address, or are both private or both public.
func sameKind(a, b []netip.Addr) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	shared := slices.ContainsFunc(a, func(x netip.Addr) bool { return slices.Contains(b, x) })
	return shared || isPrivate(a[0]) == isPrivate(b[0])
}

func isPrivate(a netip.Addr) bool { return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() }

// effects says what one libc gets, by who is first.
func (r Race) effects(libc int) string {
	var words []string
	when := make(map[string][]string)
	oneName := r.findsOneName(libc)
	for _, pure := range []bool{true, false} {
		for _, f := range r.Finishes {
			effect := gets(f.Lookups[libc], oneName)
			switch known := when[effect] != nil; {
			case f.pure() != pure, known && !pure:
				continue
			case !known:
				words = append(words, effect)
			}
			when[effect] = append(when[effect], f.when())
		}
	}
	for i, effect := range words {
		words[i] += " if " + strings.Join(when[effect], " or if ")
	}
	return strings.Join(words, "; ")
}

// when says how the race ends.
func (f Finish) when() string {
	if f.pure() {
		return f.A.String() + " is first"
	}
	return f.A.String() + " is first for A and " + f.AAAA.String() + " for AAAA"
}

// findsOneName reports whether a libc finds the addresses of the same name in the search list, if it finds any.
func (r Race) findsOneName(libc int) bool {
	name := ""
	for _, f := range r.Finishes {
		if l := f.Lookups[libc]; l.Result.Err == stub.OK {
			if name != "" && name != lastStep(l) {
				return false
			}
			name = lastStep(l)
		}
	}
	return true
}

func gets(l Lookup, oneName bool) string {
	switch l.Result.Err {
	case stub.OK:
		if oneName {
			return "gets " + short(l.Addresses())
		}
		return "gets " + short(l.Addresses()) + " for " + strings.TrimSuffix(lastStep(l), ".")
	case stub.Crash:
		return "the program crashes"
	case stub.Hang:
		return "the call never returns"
	}
	return Error(l.Result.Err)
}

// evidence returns the first name on which the servers disagree, and what each of them says to it.
func (r Race) evidence() (name string, answers []Answer) {
	for _, q := range r.Questions {
		if !q.Differ() || name != "" && q.Name != name {
			continue
		}
		name = q.Name
		for i, reply := range q.Replies {
			says := reply.Says + ", from " + reply.Server.Addr().String()
			if i == q.First {
				says += ", the first this time"
			}
			answers = append(answers, Answer{dns.TypeToString[q.Type], says})
		}
	}
	return name, answers
}

// disagree reports whether the servers that answer do not say the same about a name.
func (d *Doctor) disagree(name string) bool {
	for _, qtype := range pairTypes {
		questions := d.addQuestion(nil, stub.Query{Name: name, Type: qtype})
		if questions[0].Differ() {
			return true
		}
	}
	return false
}

// pairTypes are the types that a libc asks for together.
var pairTypes = []uint16{dns.TypeA, dns.TypeAAAA}
