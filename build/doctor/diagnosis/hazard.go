package diagnosis

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A Kind is a way in which lookups break. Those that muslsafe cures have the name of the fix.
type Kind string

// The kinds.
const (
	Leak     Kind = "leak"
	Pair     Kind = "pair"
	Search   Kind = "search"
	Failure  Kind = "failure"
	Fit      Kind = "fit"
	Wildcard Kind = "wildcard"
	Dot      Kind = "dot"

	Outage     Kind = "outage"      // the server fails where nobody can help
	Ndots      Kind = "ndots"       // musl does not search for a name with that many dots
	SearchLine Kind = "search-line" // musl does not read a search line that long
	LongName   Kind = "long-name"   // with its suffix, the name does not fit a question
	Loss       Kind = "loss"        // a packet got lost
	TooMany    Kind = "too-many"    // more addresses than a libc has room for
	Crash      Kind = "crash"       // attempts:0

	Nameservers Kind = "nameservers"     // several name servers do not say the same
	DeadServer  Kind = "dead-nameserver" // one of several is silent
	Odd         Kind = "odd"             // an answer that is none of the above
)

// A Hazard is something that breaks lookups of one name.
type Hazard struct {
	Kind       Kind
	Question   string   // the name that is asked
	Answers    []Answer // none if the libc does not ask
	Harms      []Harm
	Malformed  bool // the name does not arrive at the server as it stands here
	Unsearched bool // absolute searches for it
}

// An Answer is what the server says to one half of a pair.
type Answer struct {
	Type, Says string
}

// A Harm is what the hazard does to one libc.
type Harm struct {
	Model  *stub.Model
	Effect string
}

// Advice is what is known about a kind of hazard.
type Advice struct {
	Why        string // it breaks lookups
	Cure       string // with muslsafe; empty if there is none
	Workaround string // without
}

// absolute is the fix for names that musl does not search for.
const absolute = "absolute"

const byDefault, offByDefault = " (on by default)", " (off by default: write it into the block of muslsafe)"

var advice = map[Kind]Advice{
	Leak: {
		Why:        "A complete name with a suffix of the search list appended exists nowhere, and yet the answer is not NXDOMAIN.",
		Cure:       "leak" + byDefault,
		Workaround: "end the name with a dot, lower ndots in the dnsConfig of the pod, or remove the search domain from the nodes",
	},
	Pair: {
		Why:        "A and AAAA disagree on whether the name exists. musl from 1.2.1 throws the address of one half away if the other half is NXDOMAIN.",
		Cure:       "pair" + byDefault,
		Workaround: "have the server say NOERROR without records instead of NXDOMAIN: in a template of CoreDNS, rcode NOERROR",
	},
	Search: {
		Why:        "A name of the search list that does not exist must be answered with NXDOMAIN. On NOERROR without an address, or a failure, musl ends its search.",
		Cure:       "search" + byDefault,
		Workaround: "end the name with a dot, lower ndots in the dnsConfig of the pod, or remove the search domain from the nodes",
	},
	Failure: {
		Why:        "One half of the pair fails or is late, though the other half says all there is to say. musl waits 5 seconds for it; from 1.2.1 on it then fails.",
		Cure:       "failure" + byDefault + "; with servfail 0 in the block of cache",
		Workaround: "have the server say NOERROR without records for that type, or ask for one family only (AF_INET)",
	},
	Fit: {
		Why:        "The answer does not fit what musl reads: 512 octets and no TCP before 1.2.4, no long chains of aliases in 1.2.4, and no TCP that fails since.",
		Cure:       "fit" + byDefault,
		Workaround: "fewer addresses, shorter chains of aliases, and TCP to port 53 open for musl from 1.2.4",
	},
	Wildcard: {
		Why:        "A wildcard record in a search domain answers for every name, also for those of other people.",
		Cure:       "wildcard" + offByDefault,
		Workaround: "end the name with a dot, lower ndots in the dnsConfig of the pod, or remove the search domain from the nodes",
	},
	Dot: {
		Why:        "With \"search .\" musl before 1.2.4 sends a question that no server can read, is told FORMERR, and waits 5 seconds.",
		Cure:       "dot" + offByDefault,
		Workaround: "remove the dot from the search line of the nodes (systemd-resolved writes it where there is no search domain)",
	},
	Outage: {
		Why:        "The server fails for both halves, and nothing is known of the name. musl waits 5 seconds, whatever it is told.",
		Workaround: "look at the server and what it forwards to",
	},
	Ndots: {
		Why:        "musl never searches for a name that has as many dots as ndots says; glibc does, after the name itself.",
		Workaround: "write the name out, or raise ndots in the dnsConfig of the pod",
	},
	SearchLine: {
		Why:        "musl does not read a line of more than 254 octets: it has no search list at all.",
		Workaround: "shorten the search list of the nodes, or write names out",
	},
	LongName: {
		Why:        "With a suffix appended the name has more than 253 octets. musl before 1.2.4 ends its search there.",
		Workaround: "end the name with a dot",
	},
	TooMany: {
		Why:        "All addresses do not fit 512 octets, so the libc asks over TCP, and there gets more than it has room for: 63 records in musl 1.2.4, 48 addresses since, AAAA first.",
		Workaround: "fewer addresses behind one name",
	},
	Loss: {
		Why:        "A packet was lost, and musl repeats a question after 2.5 seconds only. A and AAAA come from one port at the same time, which makes some versions of conntrack drop one of them.",
		Workaround: "a DNS server on the node (NodeLocal DNSCache), reached without NAT",
	},
	Crash: {
		Why:        "With \"options attempts:0\" musl divides by zero.",
		Workaround: "remove the option from resolv.conf",
	},
	Nameservers: {
		Why:        "musl asks all name servers at once and takes the first NOERROR or NXDOMAIN of any; glibc asks them in order and goes on only where one fails. These servers disagree.",
		Workaround: "use one name server (the cluster's) and have it forward each domain to the server that knows it",
	},
	DeadServer: {
		Why:        "One of the name servers does not answer. glibc waits 5 seconds before it asks the next one, for each name of the search; musl asks all at once.",
		Workaround: "repair the server, or remove it from the resolv.conf of the nodes",
	},
	Odd: {
		Why:        "The libc makes nothing of an answer that others can use; doctor trace shows what it does.",
		Workaround: "look at the server",
	},
}

// Advice returns what is known about the hazard.
func (h Hazard) Advice() Advice {
	a := advice[h.Kind]
	if h.Unsearched {
		a.Cure = absolute + offByDefault
	}
	return a
}

// Fix returns the fix of muslsafe that cures the hazard, "" if there is none.
func (h Hazard) Fix() string {
	switch {
	case h.Unsearched:
		return absolute
	case h.Advice().Cure == "":
		return ""
	}
	return string(h.Kind)
}

// blame adds a cause to the report, for one libc.
func (r *Report) blame(w *world, e *examination, c cause) {
	for i := range r.Hazards {
		if h := &r.Hazards[i]; h.Kind == c.kind && h.Question == c.step.Name {
			h.Harms = append(h.Harms, Harm{e.Model, e.effect()})
			return
		}
	}
	h := Hazard{
		Kind: c.kind, Question: c.step.Name, Malformed: isMalformed(c.step), Unsearched: c.unsearched,
		Harms: []Harm{{e.Model, e.effect()}},
	}
	switch {
	case h.Malformed:
		for _, p := range c.step.Packets[:min(len(c.step.Packets), 2)] {
			h.Answers = append(h.Answers, Answer{dns.TypeToString[p.Query.Type], Describe(p.Reply, p.Query.Type, w.timeout)})
		}
	case len(c.step.Packets) > 0:
		a, aaaa := w.pair(c.step.Name)
		h.Answers = []Answer{{"A", a.text}, {"AAAA", aaaa.text}}
	}
	r.Hazards = append(r.Hazards, h)
}

// effect says what the program sees.
func (e *examination) effect() string {
	r := e.Result
	late := ""
	if r.Elapsed > slow {
		late = fmt.Sprintf(" after %s", Seconds(r.Elapsed))
	}
	switch {
	case r.Err == stub.Crash:
		return "the program crashes"
	case r.Err == stub.Hang:
		return "the call never returns"
	case r.Err != stub.OK:
		return Error(r.Err) + late
	}
	step := r.Steps[len(r.Steps)-1]
	switch {
	case step.Name != e.want:
		return fmt.Sprintf("gets %s, of another name (%s)%s", short(e.Addresses()), strings.TrimSuffix(step.Name, "."), late)
	case e.losesFamily(step) && len(r.V4) == 0:
		return "gets no IPv4 address" + late
	case e.losesFamily(step):
		return "gets no IPv6 address" + late
	}
	return "gets " + short(e.Addresses()) + late
}
