package muslsafe

import (
	"slices"

	"golang.org/x/net/publicsuffix"
)

// search is what a client does with a name X that has fewer dots than its ndots: it asks for X.NAMESPACE.svc.C,
// X.svc.C, X.C, X with each search domain of the nodes, and X itself, until it has an address.
type search struct {
	x         string
	namespace string // NAMESPACE.svc.C, which must exist
	cluster   string // C
	rival     string // the domain that X.NAMESPACE would be in, which must not exist; "" if it cannot
}

// firstStep returns the search that name, in lower case, is the first step of. X has three labels or more: then the name
// is none of a Kubernetes object, but for rare kinds.
//
// It could be the second step of a search for X.NAMESPACE just as well, which a client takes after it found nothing at
// the first. If www.example.co.uk does not exist, then it asks for www.example.co.uk.svc.C, and so does a pod in a
// namespace "uk" that wants to know www.example.co. So it is for the caller to find out that the namespace exists, and,
// if it bears the name of a top-level domain, that X.NAMESPACE can be no name: here, that there is no co.uk. Nor can a
// namespace "svc" be told from the label.
func (s *suffixes) firstStep(name string) (search, bool) {
	t := s.longestTail(name)
	if !t.cluster {
		return search{}, false
	}
	before, label := cutLast(name[:t.at])
	if label != "svc" {
		return search{}, false
	}
	x, namespace := cutLast(before)
	if domain(x).labels() < 3 || hasUnderscore(x) || namespace == "svc" || namespace == "pod" {
		return search{}, false
	}
	found := search{x: x, namespace: name[len(x):], cluster: name[t.at:]}
	if s.isTopLevel(namespace) {
		_, last := cutLast(x)
		found.rival = last + "." + namespace + "."
	}
	return found, true
}

// unregistered are top-level domains that are not in the public DNS and in use all the same: special-use names
// (RFC 6761, RFC 6762, RFC 9476), and those that RFC 6762, appendix G, has found in private networks.
var unregistered = []string{
	"alt", "example", "invalid", "local", "localhost", "test",
	"corp", "home", "internal", "intranet", "lan", "private",
}

// isTopLevel reports whether a label, in lower case, is a top-level domain: of the public DNS, or of a domain in
// the configuration.
func (s *suffixes) isTopLevel(label string) bool {
	if _, registered := publicsuffix.PublicSuffix(label); registered || slices.Contains(unregistered, label) {
		return true
	}
	endsInLabel := func(d domain) bool {
		_, top := cutLast(string(d))
		return top == label
	}
	return slices.ContainsFunc(s.cluster, endsInLabel) || slices.ContainsFunc(s.node, endsInLabel) || slices.ContainsFunc(s.served, endsInLabel)
}

// candidate is one name of a search.
type candidate struct {
	name   string
	scope  scope
	at     int // offset of the search domain, if the scope is node
	pair   []*flight
	public *wildcardCheck
}

// candidates returns the names of a search in order. Leaks are left out, as they have no address. Where a name must pass
// untouched, the list ends, and the client goes on by itself.
func (cfg *config) candidates(s search) []candidate {
	all := []candidate{
		{name: s.x + s.namespace, scope: cluster},
		{name: s.x + "svc." + s.cluster, scope: cluster},
		{name: s.x + s.cluster, scope: cluster},
	}
	for _, d := range cfg.suffixes.order {
		all = append(all, candidate{name: s.x + string(d), scope: node, at: len(s.x)})
	}
	all = append(all, candidate{name: s.x, scope: plain})
	all = slices.DeleteFunc(all, func(cand candidate) bool {
		_, leaks := cfg.suffixes.leak(cand.name)
		return leaks || len(cand.name) > maxName
	})
	if i := slices.IndexFunc(all, func(cand candidate) bool { return anyContains(cfg.except, cand.name) }); i >= 0 {
		return all[:i]
	}
	return all
}

// paired returns what a pair of lookups is to a client that searches: data if there is an address, nxdomain if the
// search goes on, failure if nobody knows. As in judge, an NXDOMAIN for A speaks for the whole name, and none for AAAA.
func paired(a, aaaa outcome) outcome {
	switch {
	case a == data || aaaa == data:
		return data
	case a == unknown || aaaa == unknown:
		return unknown
	case a == failure || aaaa == failure && a != nxdomain:
		return failure
	}
	return nxdomain
}
