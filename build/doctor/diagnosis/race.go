package diagnosis

import (
	"net/netip"
	"slices"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A Race is one lookup at several name servers. musl asks all of them at once and takes the first NOERROR or NXDOMAIN, whichever
// server it comes from. glibc asks one server after the other, and goes on only where one fails.
type Race struct {
	Name      string
	Questions []Question // in the order in which libcs ask them
	Finishes  []Finish   // every order in which the answers can arrive, as far as it matters
}

// A Question is one that was put to every name server.
type Question struct {
	Name    string // absolute, with a final dot
	Type    uint16 // dns.TypeA or dns.TypeAAAA
	Replies []ServerReply
	First   int // the index of the reply that musl takes, -1 if there is none of use
}

// A ServerReply is what one name server says to a question.
type ServerReply struct {
	Server netip.AddrPort
	Says   string
	Came   bool          // anything at all
	Took   time.Duration // if it came

	half half
}

// A Finish is one way for the race to end, and what comes of the lookup then.
type Finish struct {
	A, AAAA netip.Addr // the server whose answer of that type is the first
	Lookups []Lookup   // in the order of stub.Models
}

// Race puts the questions of one lookup to every name server. Then it runs the lookup once for each pair of winners. An address is no name: no libc asks for it.
func (d *Doctor) Race(name string) Race {
	r := Race{Name: name}
	if _, err := netip.ParseAddr(name); err == nil {
		return r
	}
	for _, a := range d.world.servers {
		for _, aaaa := range d.world.servers {
			f := Finish{A: a, AAAA: aaaa}
			f.Lookups = d.lookups(name, f.order(d.world.ask))
			r.Finishes = append(r.Finishes, f)
		}
	}
	r.Questions = d.questions(r.Finishes)
	return r
}

// order returns an Exchange whose answers over UDP arrive in this order: those of the winners at once, all others later.
func (f Finish) order(ask stub.Exchange) stub.Exchange {
	return func(q stub.Query) stub.Reply {
		r := ask(q)
		if q.Transport != stub.UDP || r.Fate != stub.Answered {
			return r
		}
		if q.Type == dns.TypeA && q.Server == f.A || q.Type == dns.TypeAAAA && q.Server == f.AAAA {
			r.Delay = 0
		} else {
			r.Delay = max(r.Delay, time.Millisecond)
		}
		return r
	}
}

// pure reports whether one server wins both halves.
func (f Finish) pure() bool { return f.A == f.AAAA }

// questions returns what was asked on the way to any of the finishes, once each.
func (d *Doctor) questions(finishes []Finish) (all []Question) {
	for _, f := range finishes {
		for _, l := range f.Lookups {
			for _, s := range l.Result.Steps {
				for _, p := range s.Packets {
					all = d.addQuestion(all, p.Query)
				}
			}
		}
	}
	return all
}

func (d *Doctor) addQuestion(all []Question, query stub.Query) []Question {
	q := Question{Name: query.Name, Type: query.Type, First: -1}
	known := slices.ContainsFunc(all, func(x Question) bool { return x.Name == q.Name && x.Type == q.Type })
	if known || query.Malformed {
		return all
	}
	for i, server := range d.world.servers {
		reply := d.world.reply(server, q.Name, q.Type)
		h := d.world.halfAt(server, q.Name, q.Type)
		q.Replies = append(q.Replies, ServerReply{Server: d.Servers()[i], Says: h.text, Came: reply.Fate == stub.Answered, Took: reply.Delay, half: h})
		if taken(reply) && (q.First < 0 || reply.Delay < q.Replies[q.First].Took) {
			q.First = i
		}
	}
	return append(all, q)
}

// taken reports whether musl takes a reply as an answer: it looks at the return code alone.
func taken(r stub.Reply) bool {
	if r.Fate != stub.Answered || len(r.Bytes) < 4 {
		return false
	}
	rcode := r.Bytes[3] & 15
	return rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError
}

// Differ reports whether the servers that answer do not say the same. Failures are not counted: every libc passes over them.
func (q Question) Differ() bool {
	var first *half
	for i := range q.Replies {
		h := &q.Replies[i].half
		switch {
		case h.say == failure:
		case first == nil:
			first = h
		case h.say != first.say, !sameAddrs(h.addrs, first.addrs):
			return true
		}
	}
	return false
}

// Answered reports whether any server answers.
func (q Question) Answered() bool {
	return slices.ContainsFunc(q.Replies, func(r ServerReply) bool { return r.half.say != failure })
}

// Differ reports whether the servers disagree on any question.
func (r Race) Differ() bool { return slices.ContainsFunc(r.Questions, Question.Differ) }

// A Tally is how one server has done.
type Tally struct {
	First    int // questions that it was the first to answer
	Answered int // questions that it has answered at all
}

// Tallies returns one for each server, in the order of the resolv.conf.
func (r Race) Tallies() []Tally {
	var all []Tally
	for _, q := range r.Questions {
		if all == nil {
			all = make([]Tally, len(q.Replies))
		}
		for i, reply := range q.Replies {
			if i == q.First {
				all[i].First++
			}
			if reply.half.say != failure {
				all[i].Answered++
			}
		}
	}
	return all
}
