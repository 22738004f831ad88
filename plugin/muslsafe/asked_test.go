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
)

// mayAsk reports whether a query for name may lead to one for asked: itself, a name that the client would ask for later
// in its search, the random name of wildcard, or a proof of complete. It knows the configuration, and nothing of the code.
func mayAsk(cfg *config, name, asked string) bool {
	if asked == name {
		return true
	}
	for _, s := range cfg.suffixes.order {
		x, ok := strings.CutSuffix(name, "."+string(s))
		if ok && (asked == x+"." || isExpanded(cfg, x, asked) || isProbe(asked, string(s))) {
			return true
		}
	}
	for _, c := range cfg.suffixes.cluster {
		before, ok := strings.CutSuffix(name, ".svc."+string(c))
		at := strings.LastIndexByte(before, '.')
		if !ok || at < 0 {
			continue
		}
		x, namespace := before[:at], before[at+1:]
		last := x[strings.LastIndexByte(x, '.')+1:]
		proofs := []string{namespace + ".svc." + string(c), namespace + "." + string(c), last + "." + namespace + "."}
		steps := []string{x + ".svc." + string(c), x + "." + string(c), x + "."}
		if slices.Contains(slices.Concat(proofs, steps), asked) || isExpanded(cfg, x, asked) || isExpanded(cfg, namespace, asked) {
			return true
		}
	}
	return false
}

// isExpanded reports whether asked is x with a search domain of the nodes appended.
func isExpanded(cfg *config, x, asked string) bool {
	return slices.ContainsFunc(cfg.suffixes.order, func(d domain) bool { return asked == x+"."+string(d) })
}

func isProbe(asked, zone string) bool {
	label, rest, _ := strings.Cut(asked, ".")
	return rest == zone && strings.HasPrefix(label, "muslsafe-")
}

func problemOfAsked(cfg *config, name string, asked []string) error {
	for _, n := range asked {
		if !mayAsk(cfg, name, n) {
			return fmt.Errorf("asks for %s, which is not in the search", n)
		}
	}
	return nil
}

// maxQueries is how many queries one query of a client may cost at the most, itself among them, with n search domains
// of the nodes. The README says the same.
func maxQueries(n int) int { return 5*n + 24 }

// TestAskedNames has random names, configurations and upstreams. Nobody can make the server ask for a name outside of the
// search that the asked name belongs to, nor for more of them than the README says.
func TestAskedNames(t *testing.T) {
	const cases = 3000
	most := map[int]int{}
	for n := range uint64(cases) {
		s := script{rng: rand.New(rand.NewPCG(11, n))}
		cfg := s.config()
		name := s.name(cfg)
		s.u = &upstream{script: map[string]step{}}
		behaviours := []outcome{data, nodata, nxdomain, nxdomain, failure}
		if n%2 == 1 { // long searches, of which the namespace exists
			behaviours = []outcome{nxdomain}
			if found, ok := cfg.suffixes.firstStep(name); ok {
				s.u.script[found.namespaceName()] = step{outcome: nodata}
			}
		}
		next := test.HandlerFunc(writes(func(r *dns.Msg, overTCP bool) *dns.Msg {
			s.u.mu.Lock()
			defer s.u.mu.Unlock()
			s.u.asked = append(s.u.asked, lower(r.Question[0].Name))
			m := answer(r, s.outcomeOf(behaviours, r.Question[0].Name))
			if !overTCP && n%3 == 0 && dns.CountLabel(r.Question[0].Name) > 4 { // it is asked for over TCP as well
				m.Rcode, m.Truncated, m.Answer = dns.RcodeSuccess, true, nil
			}
			return m
		}))
		p := newMuslsafe(next, cfg)
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			before := len(s.u.log())
			serve(t, p, &test.ResponseWriter{}, query(name, qtype))
			queries := len(s.u.log()) - before
			count := len(cfg.suffixes.order)
			most[count] = max(most[count], queries)
			if queries > maxQueries(count) {
				t.Errorf("seed 11, %d: %d queries for %s; want at most %d: %q", n, queries, name, maxQueries(count), s.u.log()[before:])
			}
		}
		if err := problemOfAsked(cfg, name, s.u.log()); err != nil {
			t.Errorf("seed 11, %d: %s with %s: %v", n, name, cfg, err)
		}
	}
	for count, queries := range most {
		if queries < maxQueries(count)-5 {
			t.Errorf("%d queries at the most with %d search domains; want cases that cost about %d", queries, count, maxQueries(count))
		}
	}
	t.Logf("queries at the most, by search domains: %v", most)
}

// words are labels that have a meaning somewhere, and some that have none.
var words = []string{"a", "www", "svc", "pod", "cluster", "local", "example", "org", "corp", "uk", "co", "default", "_tcp", "in-addr", "arpa"}

func (s script) words(n int) string {
	var labels []string
	for range n {
		labels = append(labels, words[s.rng.IntN(len(words))])
	}
	return strings.Join(labels, ".") + "."
}

// config has one cluster domain, up to three search domains of the nodes, and any fixes.
func (s script) config() *config {
	cfg := newConfig()
	var node []domain
	for range s.rng.IntN(4) {
		if d := domain(s.words(1 + s.rng.IntN(3))); !slices.Contains(node, d) {
			node = append(node, d)
		}
	}
	cfg.setSuffixes([]domain{[]domain{"cluster.local.", "k8s.example."}[s.rng.IntN(2)]}, node)
	allFixes(cfg)
	for f := noFix + 1; f < fixDot; f++ {
		cfg.enabled[f] = cfg.enabled[f] && s.rng.IntN(6) > 0
	}
	return cfg
}

// name is one with any of the suffixes that a client may append.
func (s script) name(cfg *config) string {
	x := s.words(1 + s.rng.IntN(5))
	switch s.rng.IntN(4) {
	case 0:
		return x
	case 1:
		if len(cfg.suffixes.order) > 0 {
			return x + string(cfg.suffixes.order[s.rng.IntN(len(cfg.suffixes.order))])
		}
	}
	return x + s.words(1) + "svc." + string(cfg.suffixes.cluster[0])
}

// outcomeOf is random, and the same for a name in the whole case.
func (s script) outcomeOf(behaviours []outcome, name string) outcome {
	o, ok := s.u.script[name]
	if !ok {
		o.outcome = behaviours[s.rng.IntN(len(behaviours))]
		s.u.script[name] = o
	}
	return o.outcome
}

// TestDenialsAreSmall bounds by how much an answer that muslsafe makes is bigger than the question: somebody who forges the
// address of a client gains little.
func TestDenialsAreSmall(t *testing.T) {
	const factor = 4
	worst := 0.0
	check := func(next plugin.Handler, name string, edns bool) {
		r := query(name, dns.TypeAAAA)
		if edns {
			r.SetEdns0(1232, false)
		}
		m := serve(t, testPlugin(next), &test.ResponseWriter{}, r)
		if m == nil || outcomeOf(m, dns.TypeAAAA) == data {
			t.Fatalf("%s: reply = %v; want a denial", name, m)
		}
		worst = max(worst, float64(len(packed(t, m)))/float64(len(packed(t, r))))
	}
	for _, edns := range []bool{false, true} {
		for octets := 40; octets <= 250; octets += 7 {
			check(nil, longName("www", octets-len("svc.cluster.local.example.com."))+"svc.cluster.local.example.com.", edns)
		}
		check(nil, "a.svc.cluster.local.b.", edns)
		check(nil, "a.svc.cluster.local."+longName("b", 230), edns)
		check(answers(data, failure), "a.b.", edns)
		check(answers(data, failure), longName("www", 254), edns)
	}
	if worst > factor || worst < 1 {
		t.Errorf("an answer of %.1f times the question; want at most %d", worst, factor)
	}
	t.Logf("an answer of %.1f times the question at the most", worst)
}
