package capture

import (
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
)

// Options say what to look for.
type Options struct {
	Ports   []uint16     // of servers; nil stands for 53
	Search  []string     // the search list of all clients, without final dots; nil: it is learnt
	Ndots   int          // negative: it is learnt
	Names   []string     // without final dots: the lookups of these names are kept
	Clients []netip.Addr // those of these clients; with names, those of these names by these clients
	Keep    int          // how many are kept at the most
}

// An Analysis makes lookups of one capture.
type Analysis struct {
	options    Options
	reader     *packets.Reader
	tracker    *tracker
	engine     *engine
	memo       memo
	identities []*identity
	kept       []*kept

	begun       bool
	first, last time.Duration
	troubles    int
	unfinished  int64 // lookups that were under way when the capture ended
	partial     int64 // lookups with replies of which the capture has a part only
	unjudged    int64 // lookups of further clients
	notKept     int64
}

// kept is a lookup that was asked for by name or client.
type kept struct {
	id      *identity
	near    bool
	begin   time.Duration // since 1970
	took    time.Duration // as it was seen
	verdict *verdict
}

// New reads the beginning of a capture.
func New(in io.Reader, o Options) (*Analysis, error) {
	if o.Ports == nil {
		o.Ports = []uint16{53}
	}
	r, err := packets.NewReader(in, o.Ports)
	if err != nil {
		return nil, err
	}
	a := &Analysis{options: o, reader: r}
	a.tracker = newTracker(a.lookup, a.learn, a.search)
	a.engine = newEngine(&a.tracker.names)
	return a, nil
}

// Done returns how many octets were read so far. It may be called at any time.
func (a *Analysis) Done() int64 { return a.reader.Done() }

// Read reads the capture to its end. After an error there is a report of what was read before it.
func (a *Analysis) Read() (*Report, error) {
	err := a.reader.Read(func(e *packets.Event) {
		if !a.begun {
			a.begun, a.first = true, e.At
		}
		a.tracker.event(e)
	})
	a.tracker.flush(true)
	return a.report(), err
}

// learn looks at the names of a search.
func (a *Analysis) learn(l *lookup) { l.client.habits.learn(l) }

// search returns the search list of a client.
func (a *Analysis) search(c *client) []string {
	if a.options.Search != nil {
		return a.options.Search
	}
	return c.habits.search
}

// wanted reports whether a lookup is to be kept: one of these clients, if any are given, asks for one of these names.
func (a *Analysis) wanted(l *lookup, known []string) bool {
	o := &a.options
	if o.Keep == 0 || len(o.Clients)+len(o.Names) == 0 || len(o.Clients) > 0 && !slices.Contains(o.Clients, l.client.addr) {
		return false
	}
	if len(o.Names) == 0 {
		return true
	}
	asked := strings.TrimSuffix(l.ask(known, o.Ndots).name, ".")
	return slices.ContainsFunc(o.Names, func(name string) bool { return name == asked || l.tried(name+".") })
}

// keep remembers a lookup with all that was made of it. The replies are copied, as the tracker uses their memory again.
func (a *Analysis) keep(l *lookup, id *identity, v *verdict, near bool) {
	if len(a.kept) >= a.options.Keep {
		a.notKept++
		v.forget()
		return
	}
	for i := range v.outcomes {
		for k := range v.outcomes[i].Result.Steps {
			packets := v.outcomes[i].Result.Steps[k].Packets
			for n := range packets {
				packets[n].Reply.Bytes = append([]byte(nil), packets[n].Reply.Bytes...)
			}
		}
	}
	a.kept = append(a.kept, &kept{id: id, near: near, begin: l.steps[0].begin, took: l.observed(), verdict: v})
}

// forget drops what only a trace needs.
func (v *verdict) forget() {
	for i := range v.outcomes {
		for k := range v.outcomes[i].Result.Steps {
			v.outcomes[i].Result.Steps[k].Packets = nil
		}
	}
}
