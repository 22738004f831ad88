package names

import (
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// A Search is what a client does for a name X that has fewer dots than ndots: it asks for X.NAMESPACE.svc.C, X.svc.C, X.C, X
// with each search domain of the nodes, and X itself, until it has an address.
type Search struct {
	X         string // fully qualified
	Namespace string // a label with its dot
	Cluster   string // C, fully qualified
}

// FirstStep returns the search whose first step name, in lower case, looks like. X has two labels or more: a name with one is
// that of a Service.
//
// The name may also belong to a Kubernetes object, or be the second step of a search for X.NAMESPACE whose first step found
// nothing. So the result of the search may only be used with the proofs of [Suffixes.Rivals]. A namespace "svc" or "pod"
// cannot be told from these labels in a name of the cluster.
func (s *Suffixes) FirstStep(name string) (Search, bool) {
	end := s.longestMatch(name)
	if !end.cluster {
		return Search{}, false
	}
	before, label := cutLast(name[:end.at])
	if label != "svc" {
		return Search{}, false
	}
	x, namespace := cutLast(before)
	if Domain(x).Labels() < 2 || hasUnderscore(x) || isObjectType(namespace) {
		return Search{}, false
	}
	return Search{X: x, Namespace: namespace + ".", Cluster: name[end.at:]}, true
}

// NamespaceName returns the name of the namespace, which must exist if the search is what it looks like.
func (s Search) NamespaceName() string { return s.Namespace + "svc." + s.Cluster }

// Steps returns the names of a search in order. Names that are too long are left out, and so are leaks, because they have no
// address.
func (s *Suffixes) Steps(search Search) []string {
	if len(search.X) > maxName { // escapes make a name longer in text than on the wire
		return nil
	}
	list := []Domain{Domain(search.NamespaceName()), Domain("svc." + search.Cluster), Domain(search.Cluster)}
	return s.expand(search.X, append(list, s.searchOrder...))
}

// Unsearched returns the names that glibc, unlike musl, asks for after name X, in lower case, which has ndots dots or more, was
// not found: X.svc.C and X.C for each cluster domain, and X with the search domains of the nodes. Leaks and names that are too
// long are left out. There are none for a name that nobody searches for: one of a single label, below a suffix, with an
// underscore, or in a reverse zone.
func (s *Suffixes) Unsearched(name string) []string {
	if Domain(name).Labels() < 2 || s.longestMatch(name).found || hasUnderscore(name) ||
		AnyContains(reverse[:], name) || slices.Contains(s.zones, Domain(name)) {
		return nil
	}
	var list []Domain
	for _, c := range s.cluster {
		list = append(list, "svc."+c, c)
	}
	steps := s.expand(name, append(list, s.searchOrder...))
	return slices.DeleteFunc(steps, func(step string) bool { return step == name })
}

// Rivals returns names of which one would have to exist if the client meant something else: the Service that X is an endpoint
// of, if X has two labels, and the domains that X.NAMESPACE could be in. If none of them exists, the client searches for X.
//
// A client that searches for www.example.co.uk, which does not exist, asks for www.example.co.uk.svc.C. So does a client in the
// namespace "uk" that searches for www.example.co. As the domain co.uk exists, the former client may have asked, so the answer
// must not be an address of www.example.co. If the namespace does not have the name of a known top-level domain, no such
// top-level domain may exist.
func (s *Suffixes) Rivals(search Search) []string {
	var names []string
	_, last := cutLast(search.X)
	if Domain(search.X).Labels() == 2 {
		names = append(names, last+"."+search.NamespaceName())
	}
	names = append(names, search.Namespace+search.Cluster)
	for _, d := range s.searchOrder {
		names = append(names, search.Namespace+string(d))
	}
	if isTopLevel(search.Namespace, s.cluster, s.node) {
		return append(names, last+"."+search.Namespace)
	}
	return append(names, search.Namespace)
}

// unregistered are top-level domains that are in use without being registered: special-use names (RFC 6761, RFC 6762,
// RFC 9476), and those of private networks in RFC 6762, appendix G.
var unregistered = []string{
	"alt", "example", "invalid", "local", "localhost", "test",
	"corp", "home", "internal", "intranet", "lan", "private",
}

// isTopLevel reports whether a name of one label, in lower case, is a top-level domain: a registered one, one that is in use
// without being registered, or that of a suffix.
func isTopLevel(name string, domains ...[]Domain) bool {
	label := strings.TrimSuffix(name, ".")
	if _, registered := publicsuffix.PublicSuffix(label); registered || slices.Contains(unregistered, label) {
		return true
	}
	endsInLabel := func(d Domain) bool {
		_, top := cutLast(string(d))
		return top == label
	}
	return slices.ContainsFunc(slices.Concat(domains...), endsInLabel)
}
