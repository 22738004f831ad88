package muslsafe

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// search is what a client does with a name X that has fewer dots than its ndots: it asks for X.NAMESPACE.svc.C,
// X.svc.C, X.C, X with each search domain of the nodes, and X itself, until it has an address.
type search struct {
	x         string
	namespace string // a label with its dot
	cluster   string // C
}

// firstStep returns the search that name, in lower case, looks like the first step of. X has three labels or more: then
// the name is none of a Kubernetes object, but for rare kinds.
//
// It looks like the second step of a search for X.NAMESPACE just as well, which a client takes after it found nothing
// at the first. So what the search shows is to be used with the proofs of [search.rivals] alone. A namespace "svc" or
// "pod" cannot be told from these labels in a name of the cluster.
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
	return search{x: x, namespace: namespace + ".", cluster: name[t.at:]}, true
}

// namespaceName is the name of the namespace, which exists if the search is what it looks like.
func (s search) namespaceName() string { return s.namespace + "svc." + s.cluster }

// rivals are the domains in which X.NAMESPACE would have to be if it was what a client searches for. Where none of them
// exists, nobody has a use for such a name.
//
// If www.example.co.uk does not exist, a client that searches for it asks for www.example.co.uk.svc.C, and so does one in
// the namespace "uk" that searches for www.example.co. As there is a domain co.uk, the latter may not be told.
func (cfg *config) rivals(s search) []string {
	names := []string{s.namespace + s.cluster}
	for _, d := range cfg.suffixes.order {
		names = append(names, s.namespace+string(d))
	}
	if cfg.suffixes.isTopLevel(s.namespace) {
		_, last := cutLast(s.x)
		names = append(names, last+"."+s.namespace)
	}
	return names
}

// unregistered are top-level domains that are not in the public DNS and in use all the same: special-use names
// (RFC 6761, RFC 6762, RFC 9476), and those that RFC 6762, appendix G, has found in private networks.
var unregistered = []string{
	"alt", "example", "invalid", "local", "localhost", "test",
	"corp", "home", "internal", "intranet", "lan", "private",
}

// isTopLevel reports whether a name of one label, in lower case, is a top-level domain: of the public DNS, or of a domain
// in the configuration.
func (s *suffixes) isTopLevel(name string) bool {
	label := strings.TrimSuffix(name, ".")
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
	name string
	pair []*flight // its lookups; nil if nobody has asked
}

// candidates returns the names of a search in order. Leaks are left out, as they have no address. Where a name must pass
// untouched, the list ends, and the client goes on by itself.
func (cfg *config) candidates(s search) []candidate {
	all := []candidate{{name: s.x + s.namespaceName()}, {name: s.x + "svc." + s.cluster}, {name: s.x + s.cluster}}
	for _, d := range cfg.suffixes.order {
		all = append(all, candidate{name: s.x + string(d)})
	}
	all = append(all, candidate{name: s.x})
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
