package muslsafe

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/bounded"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

const (
	maxChoices = 10_000 // remembered in one server block
	minChoice  = 1      // seconds that a choice holds at the least, so that both halves of a pair meet the same
)

// searches are the searches that are done on behalf of clients, and the choices that were made, for as long as the
// answers hold that they were made by.
type searches struct {
	choices *bounded.Map[string, *choice]

	mu      *sync.Mutex
	running map[searcher]*walk
}

// searcher is a client with a search: two halves of a pair have the same.
type searcher struct {
	client netip.Addr
	tcp    bool
	name   string
	rd, ad bool
}

func newSearches() searches {
	return searches{bounded.New[string, *choice](maxChoices), new(sync.Mutex), make(map[searcher]*walk)}
}

// remembered returns the choice for a first step, or nil.
func (s *searches) remembered(name string, now time.Time) *choice {
	if c, ok := s.choices.Get(name); ok && c.name == name && now.Before(c.expires) {
		return c
	}
	return nil
}

// join returns the walk that is equal to w and under way, or w itself, which must then be ended by leave.
func (s *searches) join(key searcher, w *walk) *walk {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.running[key]; other != nil {
		return other
	}
	s.running[key] = w
	return w
}

// leave ends a walk for all who wait for it.
func (s *searches) leave(key searcher, w *walk) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, key)
	close(w.done)
}

// walk is the search of a client, done on its behalf.
type walk struct {
	*query
	steps     []searchStep
	namespace *lookup.Lookup
	rivals    []*lookup.Lookup

	done  chan struct{} // closed when found is there
	found found
}

// searchStep is one name of a search.
type searchStep struct {
	name string
	pair []*lookup.Lookup // nil if nobody has asked
}

// choose makes the choice. Equal searches of one client share one walk, so that both halves of a pair make the same.
func (w *walk) choose(s names.Search) found {
	if len(w.Query.Extra) > 0 { // with EDNS, whose options may differ
		return w.run(s)
	}
	client, tcp := lookup.AddrOf(w.Writer)
	key := searcher{client, tcp, w.Name, w.Query.RecursionDesired, w.Query.AuthenticatedData}
	w.done, w.found = make(chan struct{}), w.none(reply.BriefTTL)
	if other := w.searches.join(key, w); other != w {
		<-other.done
		return other.found
	}
	defer w.searches.leave(key, w)
	w.found = w.run(s)
	return w.found
}

// run asks for the proofs, and for one step after the other, as the client would, and remembers the choice.
func (w *walk) run(s names.Search) found {
	w.steps = w.cfg.stepsOf(s)
	w.namespace = w.Ask(s.NamespaceName(), dns.TypeA)
	for _, name := range w.cfg.suffixes.Rivals(s) {
		w.rivals = append(w.rivals, w.Ask(name, dns.TypeA))
	}
	for {
		elapsed := time.Since(w.began)
		if f, ok := w.decide(elapsed); ok {
			w.searches.choices.Put(f.name, f.choice)
			return f
		}
		w.Wait(untilNext(elapsed, 0))
	}
}

// stepsOf returns the names of a search in order. Where a name must pass untouched, the list ends, and the client goes on
// by itself.
func (cfg *config) stepsOf(s names.Search) []searchStep {
	var steps []searchStep
	for _, name := range cfg.suffixes.Steps(s) {
		if names.AnyContains(cfg.except, name) {
			break
		}
		steps = append(steps, searchStep{name: name})
	}
	return steps
}

// decide makes the choice: the first step that has an address. If time is over, a proof is missing or a step fails, it is
// none, and the client is left to search by itself. It returns false if the choice is still open.
func (w *walk) decide(elapsed time.Duration) (found, bool) {
	proof := w.proof(elapsed)
	if proof == verdict.No {
		return w.none(reply.BriefTTL), true
	}
	ttl := denialTTL(w.namespace)
	for _, l := range w.rivals {
		ttl = min(ttl, denialTTL(l))
	}
	for i := range w.steps {
		st := &w.steps[i]
		if st.pair == nil {
			st.pair = w.askBoth(st.name)
		}
		switch o := w.readStep(st, elapsed); {
		case o == verdict.Unknown || proof == verdict.Open:
			return found{}, false
		case o == verdict.Failed, o == verdict.Data && st.name == w.Name:
			return w.none(reply.BriefTTL), true
		case o == verdict.Data:
			return w.take(st, ttl), true
		}
		for _, l := range st.pair {
			ttl = min(ttl, denialTTL(l))
		}
	}
	return w.none(ttl), true
}

// proof reports whether the search is what it looks like.
func (w *walk) proof(elapsed time.Duration) verdict.Answer {
	w.namespace = w.Proof(w.namespace)
	rivals := make([]verdict.Outcome, len(w.rivals))
	for i, l := range w.rivals {
		rivals[i] = halfBy(l, elapsed, lateAfter).Outcome
	}
	return verdict.IsSearch(provenBy(w.namespace, elapsed, lateAfter), rivals)
}

// readStep returns what a step is to the client.
func (w *walk) readStep(st *searchStep, elapsed time.Duration) verdict.Outcome {
	for i, l := range st.pair {
		st.pair[i] = w.Proof(l)
	}
	a := provenBy(st.pair[0], elapsed, lateAfter)
	if len(st.pair) == 1 {
		return verdict.StepOf(a, verdict.WithoutIPv6(a))
	}
	return verdict.StepOf(a, provenBy(st.pair[1], elapsed, lateAfter))
}

// take chooses a step, for as many seconds as what excludes the others holds.
func (w *walk) take(st *searchStep, ttl uint32) found {
	f := w.none(ttl)
	f.winner, f.pair = st.name, slices.Clone(st.pair)
	for i, l := range st.pair {
		f.has[i] = l.Half().Outcome == verdict.Data
	}
	return f
}

// none chooses no step.
func (w *walk) none(ttl uint32) found {
	ttl = max(min(ttl, w.cfg.ttl), minChoice)
	return found{choice: &choice{name: w.Name, expires: w.began.Add(time.Duration(ttl) * time.Second)}}
}

// denialTTL returns for how many seconds a lookup that brought no address keeps the search away from its name. One that
// has not landed, or has failed, does so briefly.
func denialTTL(l *lookup.Lookup) uint32 {
	if !l.Landed() || l.Best().Reply == nil {
		return reply.BriefTTL
	}
	return reply.DenialTTL(l.Best().Reply)
}
