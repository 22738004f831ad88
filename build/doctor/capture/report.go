package capture

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// A Report is what a capture shows.
type Report struct {
	Counts  packets.Counts
	Seconds float64 // from the first packet to the last

	Lookups    int64
	Found      int64 // that every libc answers
	Absent     int64 // for which none has an address
	Broke      int64 // that went wrong for the resolver that asked
	AtRisk     int64 // that would have gone wrong on another libc only
	Unfinished int64 // under way when the capture ended
	Partial    int64 // of whose replies the capture has a part only
	Unjudged   int64 // of too many clients
	Dropped    int64 // given up, as too many were under way
	Echoes     int64 // packets seen twice
	Orphans    int64 // replies without a question
	Others     int64 // questions that are not for addresses

	Hazards []Hazard // the most lookups that broke first
	Names   []Row    // the slowest first
	Clients []Client // the slowest first
	Traces  []Trace  // that were asked for, in the order of time
	More    int64    // traces that were not kept
}

// A Row counts lookups that go wrong.
type Row struct {
	Name    string
	Lookups int64
	Broke   int64
	AtRisk  int64
	Slowest time.Duration // of those that broke
	Kinds   []diagnosis.Kind
	Effect  string // of the slowest
}

// A Client is a Row with its resolver.
type Client struct {
	Row
	Address  netip.Addr
	Resolver Resolver
}

// A Hazard is all lookups that go wrong for one reason.
type Hazard struct {
	Row
	Kind    diagnosis.Kind
	Clients int
	Names   int
	Example Example
}

// An Example is one lookup with a hazard.
type Example struct {
	Client   netip.Addr
	Resolver string
	Name     string
	Cause    Cause
	Harms    []Harm
}

// A Cause is what goes wrong in one step of a lookup.
type Cause = cause

// A Harm is what a hazard does to one libc, and what it would get with muslsafe.
type Harm struct {
	Model *stub.Model
	Asked bool // it is the one that asked
	diagnosis.Harm
	Cured string
}

// A Trace is one lookup, with what each libc makes of it.
type Trace struct {
	Client   netip.Addr
	Resolver Resolver
	At       time.Duration // since 1970
	Name     string        // with a final dot if it was not searched for
	Search   []string
	Took     time.Duration // from the first packet to the last
	Asked    *Outcome      // of the resolver that asked, nil if it is not modelled
	Outcomes []Outcome
	Causes   []Cause
}

// An Outcome is what one libc makes of a lookup.
type Outcome = outcome

// report sums up.
func (a *Analysis) report() *Report {
	r := &Report{
		Counts: a.reader.Counts, Seconds: max(a.last-a.first, 0).Seconds(), Unfinished: a.unfinished, Partial: a.partial, Unjudged: a.unjudged,
		Dropped: a.tracker.dropped, Echoes: a.tracker.echoes, Orphans: a.tracker.orphans, Others: a.tracker.others, More: a.notKept,
	}
	s := &summary{Report: r, hazards: make(map[diagnosis.Kind]*hazardSum), names: make(map[string]*Row)}
	resolvers := make(map[*identity]Resolver)
	for _, id := range a.identities {
		resolver := id.evidence.resolver(id.style)
		resolvers[id] = resolver
		s.identity(id, resolver)
	}
	s.finish()
	for _, k := range a.kept {
		r.Traces = append(r.Traces, k.trace(resolvers[k.id]))
	}
	slices.SortStableFunc(r.Traces, func(x, y Trace) int { return cmp.Compare(x.At, y.At) })
	return r
}

// modelFor returns the model for a lookup: where several programs share a client, IDs that are not close are glibc's.
func (r Resolver) modelFor(near bool) *stub.Model {
	if r.mixed && !near {
		return models[glibc]
	}
	return r.Model
}

func (k *kept) trace(r Resolver) Trace {
	t := Trace{
		Client: k.id.client, Resolver: r, At: k.begin, Name: k.verdict.asked.name, Search: k.verdict.asked.conf.Search, Took: k.took,
		Outcomes: k.verdict.outcomes, Causes: k.verdict.causes,
	}
	if m := r.modelFor(k.near); m != nil {
		t.Asked = &k.verdict.outcomes[slices.Index(models, m)]
	}
	return t
}
