package diagnosis

import (
	"net/netip"
	"slices"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// dead returns the hazard of a name server that is silent while another one answers: glibc waits for it, and musl does not.
func (r Race) dead() (h Hazard, ok bool) {
	h.Kind = DeadServer
	if len(r.Finishes) == 0 {
		return h, false
	}
	for _, l := range r.Finishes[0].Lookups {
		i := slices.IndexFunc(l.Result.Steps, waitsForDead)
		if i < 0 {
			continue
		}
		h.Harms = append(h.Harms, Harm{l.Model, gets(l, true) + " after " + Seconds(l.Result.Elapsed)})
		if h.Question == "" {
			h.Question = l.Result.Steps[i].Name
			h.Answers = r.answersTo(h.Question)
		}
	}
	return h, len(h.Harms) > 0
}

// waitsForDead reports whether a libc has lost time to a server from which nothing came, while another server answered.
func waitsForDead(s stub.Step) bool {
	if s.End-s.Start <= slow {
		return false
	}
	answers := make(map[netip.Addr]bool)
	for _, p := range s.Packets {
		answers[p.Query.Server] = answers[p.Query.Server] || p.Reply.Fate != stub.Silent
	}
	silent, heard := false, false
	for _, answered := range answers {
		silent, heard = silent || !answered, heard || answered
	}
	return silent && heard
}

// answersTo returns what each server says to a question for A.
func (r Race) answersTo(name string) (answers []Answer) {
	for _, q := range r.Questions {
		if q.Name != name || q.Type != dns.TypeA {
			continue
		}
		for _, reply := range q.Replies {
			answers = append(answers, Answer{"A", reply.Says + ", from " + reply.Server.Addr().String()})
		}
	}
	return answers
}
