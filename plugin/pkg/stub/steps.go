package stub

import (
	"fmt"
	"time"
)

// A Step is one name that a lookup tried.
type Step struct {
	Name       string // absolute, with a final dot
	Start, End time.Duration
	Packets    []Packet // in the order of sending; none if the name could not be asked
	Outcome    Outcome
	Err        Errno // for Stop: what the program gets, if nothing comes after
}

// A Packet is one query and what the libc made of its reply.
type Packet struct {
	Query   Query
	Reply   Reply
	Verdict Verdict
}

// Arrives returns when the reply, if there is one, reaches the libc.
func (p Packet) Arrives() time.Duration { return p.Query.At + p.Reply.Delay }

// An Outcome is what a step means for the lookup.
type Outcome uint8

// The outcomes of a step.
const (
	Next  Outcome = iota // the search goes on with the next name, if there is one
	Found                // an answer to return: the lookup ends
	Stop                 // the rest of the search list is not tried; glibc may still try the name as it is
)

var outcomeNames = [...]string{"next", "found", "stop"}

// String returns the outcome in one word.
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("Outcome(%d)", uint8(o))
}

// A Verdict is what the libc made of the reply to one packet.
type Verdict uint8

// The verdicts, as far as a trace has to tell them apart.
const (
	Unheard   Verdict = iota // no reply, or after the libc had stopped listening
	Accepted                 // kept as this question's answer
	Ignored                  // a return code that the libc does not listen to: it goes on waiting
	Resent                   // SERVFAIL: the question is sent again at once
	Failed                   // glibc: a failure of this half; the other one may still count
	ToTCP                    // truncated: asked again over TCP
	Duplicate                // the question has its answer already
	Unmatched                // not a reply to this question, or too short to tell
	Broken                   // ends the exchange with this server
)

var verdictNames = [...]string{
	"unheard", "accepted", "ignored", "resent", "failed", "to tcp", "duplicate", "unmatched", "broken",
}

// String returns the verdict in a word or two.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("Verdict(%d)", uint8(v))
}
