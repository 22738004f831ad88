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
	minChoice  = 1      // seconds that a choice holds at least, so that both halves of a pair get the same one
)

// searches are the running searches on behalf of clients, and the choices that were made. A choice holds as long as the
// answers behind it.
type searches struct {
	choices *bounded.Map[choiceKey, *choice]

	mu      *sync.Mutex
	running map[searcher]*walk
}

// searcher is a client with a search. Both halves of a pair have the same one.
type searcher struct {
	client netip.Addr
	tcp    bool
	name   string
	rd, ad bool
}

func newSearches() searches {
	return searches{bounded.New[choiceKey, *choice](maxChoices), new(sync.Mutex), make(map[searcher]*walk)}
}

// remembered returns the choice for a first step, or nil.
func (s *searches) remembered(key choiceKey, now time.Time) *choice {
	if c, ok := s.choices.Get(key); ok && c.choiceKey == key && now.Before(c.expires) {
		return c
	}
	return nil
}

// forget drops a choice, unless another one has taken its place.
func (s *searches) forget(c *choice) {
	if now, ok := s.choices.Get(c.choiceKey); ok && now == c {
		s.choices.Remove(c.choiceKey)
	}
}

// join returns the running walk that is equal to w, or w itself, which must then be ended by leave.
func (s *searches) join(key searcher, w *walk) *walk {
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.running[key]; other != nil {
		return other
	}
	s.running[key] = w
	return w
}

// leave ends a walk for everybody who waits for it.
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

	done  chan struct{} // closed when found is set
	found found
}

// searchStep is one name of a search.
type searchStep struct {
	name       string
	pair       []*lookup.Lookup // nil if nobody has asked
	isAbsolute bool             // the name as the client asked for it, which must not exist
}

// choose makes the choice. Equal searches of one client share a walk, so that both halves of a pair get the same choice.
func (w *walk) choose(plan func(*walk)) found {
	if len(w.Query.Extra) > 0 { // with EDNS, whose options may differ
		return w.run(plan)
	}
	client, tcp := lookup.AddrOf(w.Writer)
	key := searcher{client, tcp, w.Name, w.Query.RecursionDesired, w.Query.AuthenticatedData}
	w.done, w.found = make(chan struct{}), w.none(reply.BriefTTL)
	if other := w.searches.join(key, w); other != w {
		<-other.done
		return other.found
	}
	defer w.searches.leave(key, w)
	w.found = w.run(plan)
	return w.found
}

// complete plans a search from its first step, with the proofs that it is one.
func (w *walk) complete(s names.Search) {
	w.steps = w.cfg.stepsOf(w.cfg.suffixes.Steps(s))
	w.namespace = w.askFor(s.NamespaceName(), s.Cluster)
	for _, name := range w.cfg.suffixes.Rivals(s) {
		w.rivals = append(w.rivals, w.askFor(name, s.Cluster))
	}
}

// run asks for one step after the other, as the client would, and remembers the choice.
func (w *walk) run(plan func(*walk)) found {
	plan(w)
	for {
		elapsed := time.Since(w.began)
		if f, ok := w.decide(elapsed); ok {
			w.searches.choices.Put(f.choiceKey, f.choice)
			return f
		}
		w.Wait(untilNext(elapsed, 0))
	}
}

// askFor asks whether a name exists. For a name of the cluster it asks for MX: another muslsafe there may deny a name without
// an address, so that searches go on.
func (w *walk) askFor(name, cluster string) *lookup.Lookup {
	if names.Domain(cluster).Contains(name) {
		return w.Ask(name, dns.TypeMX)
	}
	return w.Ask(name, dns.TypeA)
}

// stepsOf returns the names of a search in order. The list ends before a name that must pass untouched; the client continues
// by itself.
func (cfg *config) stepsOf(list []string) []searchStep {
	var steps []searchStep
	for _, name := range list {
		if names.AnyContains(cfg.except, name) {
			break
		}
		steps = append(steps, searchStep{name: name})
	}
	return steps
}

// decide makes the choice: the first step that has an address. If time is over, a proof is missing or a step fails, there is
// none, and the client searches by itself. It returns false while the choice is open.
func (w *walk) decide(elapsed time.Duration) (found, bool) {
	proof := w.proof(elapsed)
	if proof == verdict.No {
		return w.none(reply.BriefTTL), true
	}
	ttl := w.cfg.ttl
	for _, l := range w.proofs() {
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
		case o == verdict.Failed, o == verdict.Data && (st.name == w.Name || w.mayBeHijacked(st.name)):
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

// proofs are the lookups that prove what kind of search this is. An absolute name needs none.
func (w *walk) proofs() []*lookup.Lookup {
	if w.namespace == nil {
		return nil
	}
	return append(w.rivals, w.namespace)
}

// proof reports whether the search is proven to be what it looks like.
func (w *walk) proof(elapsed time.Duration) verdict.Answer {
	if w.namespace == nil {
		return verdict.Yes
	}
	w.namespace = w.Proof(w.namespace)
	rivals := make([]verdict.Outcome, len(w.rivals))
	for i, l := range w.rivals {
		rivals[i] = halfBy(l, elapsed, lateAfter).Outcome
	}
	return verdict.IsSearch(provenBy(w.namespace, elapsed, lateAfter), rivals)
}

// readStep returns what a step means to the client.
func (w *walk) readStep(st *searchStep, elapsed time.Duration) verdict.Outcome {
	for i, l := range st.pair {
		st.pair[i] = w.Proof(l)
	}
	a := provenBy(st.pair[0], elapsed, lateAfter)
	aaaa := verdict.WithoutIPv6(a)
	if len(st.pair) > 1 {
		aaaa = provenBy(st.pair[1], elapsed, lateAfter)
	}
	if st.isAbsolute {
		return verdict.AbsentBy(a, aaaa)
	}
	return verdict.StepOf(a, aaaa)
}

// mayBeHijacked reports whether a step may be a wildcard's. The client has to ask for such a name by itself, because that
// query is judged.
func (w *walk) mayBeHijacked(step string) bool {
	return w.cfg.fixes[verdict.Wildcard] && isAnyones(step, w.cfg.suffixes.Expansion(step))
}

// take chooses a step, for as long as the denials of the other steps hold.
func (w *walk) take(st *searchStep, ttl uint32) found {
	f := w.none(ttl)
	f.winner, f.pair = st.name, slices.Clone(st.pair)
	return f
}

// none chooses no step.
func (w *walk) none(ttl uint32) found {
	ttl = max(min(ttl, w.cfg.ttl), minChoice)
	return found{choice: &choice{choiceKey: choiceKeyOf(w.query), expires: w.began.Add(time.Duration(ttl) * time.Second)}}
}

// denialTTL returns for how many seconds a lookup without an address excludes its name from the search. A lookup that has not
// landed, or has failed, does so briefly.
func denialTTL(l *lookup.Lookup) uint32 {
	if !l.Landed() || l.Best().Reply == nil {
		return reply.BriefTTL
	}
	return reply.DenialTTL(l.Best().Reply)
}
