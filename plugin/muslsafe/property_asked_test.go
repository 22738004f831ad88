package muslsafe

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// mayAsk reports whether a query for name may lead to one for asked: name itself, a name that the client would ask for
// later in its search, a random name in its place, or a proof for complete. It knows the configuration, and nothing of the
// code that asks.
func mayAsk(cfg *config, name, asked string) bool {
	if asked == name || isRandomFor(cfg, name, asked) || cfg.fixes[verdict.Absolute] && isUnsearched(cfg, name, asked) {
		return true
	}
	for _, s := range cfg.suffixes.Search() {
		x, ok := strings.CutSuffix(name, "."+string(s))
		if ok && (asked == x+"." || isExpanded(cfg, x, asked)) {
			return true
		}
	}
	for _, c := range cfg.suffixes.Cluster() {
		before, ok := strings.CutSuffix(name, ".svc."+string(c))
		at := strings.LastIndexByte(before, '.')
		if !ok || at < 0 {
			continue
		}
		x, namespace := before[:at], before[at+1:]
		last := x[strings.LastIndexByte(x, '.')+1:]
		proofs := []string{namespace + ".svc." + string(c), namespace + "." + string(c), last + "." + namespace + ".",
			namespace + ".", last + "." + namespace + ".svc." + string(c)}
		steps := []string{x + ".svc." + string(c), x + "." + string(c), x + "."}
		if slices.Contains(slices.Concat(proofs, steps), asked) || isExpanded(cfg, x, asked) || isExpanded(cfg, namespace, asked) {
			return true
		}
	}
	return false
}

// isExpanded reports whether asked is x with a search domain of the nodes appended.
func isExpanded(cfg *config, x, asked string) bool {
	return slices.ContainsFunc(cfg.suffixes.Search(), func(d domain) bool { return asked == x+"."+string(d) })
}

// isUnsearched reports whether asked is a name outside of all suffixes with one that glibc would append to it.
func isUnsearched(cfg *config, name, asked string) bool {
	isBelow := func(d domain) bool { return strings.HasSuffix("."+name, "."+string(d)) }
	if slices.ContainsFunc(slices.Concat(cfg.suffixes.Cluster(), cfg.suffixes.Search()), isBelow) {
		return false
	}
	return isExpanded(cfg, strings.TrimSuffix(name, "."), asked) || slices.ContainsFunc(cfg.suffixes.Cluster(), func(c domain) bool {
		return asked == name+"svc."+string(c) || asked == name+string(c)
	})
}

// isRandomFor reports whether asked is a random name in place of name: directly below its search suffix, or below the domain
// that name is directly below.
func isRandomFor(cfg *config, name, asked string) bool {
	_, zone, _ := strings.Cut(asked, ".")
	if !isRandomName(asked) || !strings.HasSuffix(name, "."+zone) {
		return false
	}
	_, parent, _ := strings.Cut(name, ".")
	isCluster := func(d domain) bool { return zone == string(d) || strings.HasSuffix(zone, "svc."+string(d)) }
	return zone == parent || slices.Contains(cfg.suffixes.Search(), domain(zone)) || slices.ContainsFunc(cfg.suffixes.Cluster(), isCluster)
}

// problemOfAsked returns an error if a query for name led to one that it must not lead to.
func problemOfAsked(cfg *config, name string, asked []string) error {
	for _, n := range asked {
		if !mayAsk(cfg, name, n) {
			return fmt.Errorf("asks for %s, which is not in the search", n)
		}
	}
	return nil
}

// maxQueries is the largest number of queries that one query of a client may cost, itself among them, with n search domains
// of the nodes, if nothing is asked again. The README says the same.
//
// It takes a step that had an address until now, with the client's half over UDP and TCP and the other half (3), and a search
// for complete that finds nothing: the namespace over UDP and TCP (2), its rivals (n + 3), and n + 4 steps for A and AAAA over
// UDP and TCP (4n + 16). Then the client's own query and the other half over UDP and TCP (4), and random
// names below the suffix, in place of the name, and to watch the search domain, for A and AAAA over UDP and TCP (8).
func maxQueries(n int) int { return 5*n + 36 }

// TestAskedNames has random names, configurations and upstreams. No client can make the server ask for a name outside of the
// search of the name that the client asks for, nor for more names than the README says.
func TestAskedNames(t *testing.T) {
	const cases = 3000
	most := map[int]int{}
	for n := range uint64(cases) {
		s := script{rng: rand.New(rand.NewPCG(11, n))}
		cfg := s.config()
		name := s.name(cfg)
		s.u = &upstream{script: map[string]step{}}
		some := []outcome{data, nodata, nxdomain, nxdomain, failure}
		if n%2 == 1 { // long searches, of which the namespace exists
			some = []outcome{nxdomain}
			if found, ok := cfg.suffixes.FirstStep(name); ok {
				s.u.script[found.NamespaceName()] = isEmpty
			}
		}
		p := newMuslsafe(s.says(some, n%3 == 0), cfg)
		limit := maxQueries(len(cfg.suffixes.Search()))
		if p.asker.AskAgain = n%4 == 0; p.asker.AskAgain {
			limit *= 2
		}
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			before := len(s.u.all())
			serve(t, p, &test.ResponseWriter{}, newQuery(name, qtype))
			asked := s.u.all()[before:]
			count := len(cfg.suffixes.Search())
			most[count] = max(most[count], len(asked))
			if len(asked) > limit {
				t.Errorf("seed 11, %d: %d queries for %s; want at most %d: %q", n, len(asked), name, limit, asked)
			}
		}
		if err := problemOfAsked(cfg, name, s.u.all()); err != nil {
			t.Errorf("seed 11, %d: %s with %s: %v", n, name, cfg, err)
		}
	}
	t.Logf("queries at the most, by search domains: %v", most)
}

// TestMostQueries has the search that costs the most, in front of an upstream that cuts what it sends over UDP to nothing, and
// has no address: the bound is neither passed nor far too high.
func TestMostQueries(t *testing.T) {
	const name = "www.example.net.uk.svc.cluster.local."
	for n := range 5 {
		var node []domain
		for i := range n {
			node = append(node, domain(fmt.Sprintf("corp%d.example.org.", i)))
		}
		u := &upstream{script: map[string]step{}}
		most := 0
		for range 20 { // what is asked depends on what comes first
			p := newMuslsafe(cutsAll(u), newConfig())
			p.cfg.suffixes = names.New([]domain{names.DefaultCluster}, node, nil)
			allFixes(p.cfg)
			p.asker.AskAgain = false
			before := len(u.all())
			serve(t, p, &test.ResponseWriter{}, newQuery(name, dns.TypeA))
			most = max(most, len(u.all())-before)
		}
		if limit := maxQueries(n); most > limit {
			t.Errorf("%d queries with %d search domains; want at most %d", most, n, limit)
		}
		t.Logf("%d queries at the most with %d search domains", most, n)
	}
}

// cutsAll is a next plugin without addresses, which cuts its answers over UDP, but for the names that must not exist where a
// search is completed.
func cutsAll(u *upstream) plugin.Handler {
	return writes(func(r *dns.Msg, overTCP bool) *dns.Msg {
		u.mu.Lock()
		defer u.mu.Unlock()
		name := names.Lower(r.Question[0].Name)
		u.asked = append(u.asked, name)
		switch {
		case name == "net.uk.", strings.HasPrefix(name, "uk.") && name != "uk.svc.cluster.local.":
			return answer(r, nxdomain)
		case !overTCP:
			return cutToNothing(r)
		}
		return answer(r, nodata)
	})
}

// says is a next plugin with some outcomes, which writes down the names that it is asked for. It may cut the answers about
// longer names over UDP, so that these are asked for over TCP as well.
func (s script) says(some []outcome, cuts bool) plugin.Handler {
	return writes(func(r *dns.Msg, overTCP bool) *dns.Msg {
		s.u.mu.Lock()
		defer s.u.mu.Unlock()
		s.u.asked = append(s.u.asked, names.Lower(r.Question[0].Name))
		m := answer(r, s.outcomeOf(some, r.Question[0].Name))
		if cuts && !overTCP && dns.CountLabel(r.Question[0].Name) > 4 {
			m.Rcode, m.Truncated, m.Answer = dns.RcodeSuccess, true, nil
		}
		return m
	})
}

// words are labels that have a meaning somewhere, and some that have none.
var words = []string{"a", "www", "svc", "pod", "cluster", "local", "example", "org", "corp", "uk", "co", "default", "_tcp", "in-addr", "arpa"}

// words returns a name of n labels.
func (s script) words(n int) string {
	var labels []string
	for range n {
		labels = append(labels, words[s.rng.IntN(len(words))])
	}
	return strings.Join(labels, ".") + "."
}

// config returns one with one cluster domain, up to three search domains of the nodes, and any fixes.
func (s script) config() *config {
	cfg := newConfig()
	var node []domain
	for range s.rng.IntN(4) {
		if d := domain(s.words(1 + s.rng.IntN(3))); !slices.Contains(node, d) {
			node = append(node, d)
		}
	}
	cfg.suffixes = names.New([]domain{[]domain{"cluster.local.", "k8s.example."}[s.rng.IntN(2)]}, node, nil)
	allFixes(cfg)
	for f := verdict.None + 1; f < verdict.Dot; f++ {
		cfg.fixes[f] = cfg.fixes[f] && s.rng.IntN(6) > 0
	}
	return cfg
}

// name returns one with any of the suffixes that a client may append, or none.
func (s script) name(cfg *config) string {
	x := s.words(1 + s.rng.IntN(5))
	switch s.rng.IntN(4) {
	case 0:
		return x
	case 1:
		if len(cfg.suffixes.Search()) > 0 {
			return x + string(cfg.suffixes.Search()[s.rng.IntN(len(cfg.suffixes.Search()))])
		}
	}
	return x + s.words(1) + "svc." + string(cfg.suffixes.Cluster()[0])
}

// outcomeOf is random, and stays the same for a name as long as the case lasts.
func (s script) outcomeOf(some []outcome, name string) outcome {
	o, ok := s.u.script[name]
	if !ok {
		o.outcome = some[s.rng.IntN(len(some))]
		s.u.script[name] = o
	}
	return o.outcome
}
