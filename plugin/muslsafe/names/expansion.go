package names

import "slices"

// An Expansion says what a searching client does if a name has no address.
type Expansion struct {
	Kind Kind // Plain: the search ends; ClusterStep or NodeStep: the search goes on
	At   int  // offset at which the appended suffix begins; 0 if the name is plain
}

// Expansion finds out whether name, in lower case, is X.S: a name X with a search suffix S appended.
//
// Three kinds of names are plain even if they end in a suffix. A suffix itself, because all names below it would be denied
// with it (RFC 8020). A zone of the server block, for the same reason. And a name with an underscore, which is not a host
// name: nobody searches for the address of "_acme-challenge", and a cache in front of us may apply an NXDOMAIN to its other
// types.
func (s *Suffixes) Expansion(name string) Expansion {
	end := s.longestMatch(name)
	if !end.found || end.at == 0 || hasUnderscore(name[:end.at]) || slices.Contains(s.zones, Domain(name)) {
		return Expansion{}
	}
	if !end.cluster {
		return Expansion{Kind: NodeStep, At: end.at}
	}
	if before := name[:end.at]; before == "svc." || before == "pod." {
		return Expansion{}
	}
	return Expansion{Kind: ClusterStep, At: clusterSuffix(name, end.at)}
}

// Ahead returns the names that a client asks for after X.S, where S is a search suffix that begins at offset at: X with
// the suffixes that come after S, and X itself.
func (s *Suffixes) Ahead(name string, at int) []string {
	return s.expand(name[:at], after(s, Domain(name[at:])))
}

// after returns the search suffixes that come after own, a suffix of the cluster or a search domain of the nodes.
func after(s *Suffixes, own Domain) []Domain {
	if i := slices.Index(s.searchOrder, own); i >= 0 {
		return s.searchOrder[i+1:]
	}
	for _, c := range s.cluster {
		switch {
		case own == c:
			return s.searchOrder
		case own == "svc."+c:
			return slices.Concat([]Domain{c}, s.searchOrder)
		case ("svc." + c).At(string(own)) > 0:
			return slices.Concat([]Domain{"svc." + c, c}, s.searchOrder)
		}
	}
	return nil
}

// maxName is the length of the longest name in text with its trailing dot (RFC 1035, section 3.1).
const maxName = 254

// expand returns the names that a search for x asks for: x with each of the suffixes, and x itself. It leaves out expanded
// names that are too long, as resolvers do, and leaks, because they have no address.
func (s *Suffixes) expand(x string, suffixes []Domain) []string {
	names := make([]string, 0, len(suffixes)+1)
	add := func(name string) {
		if _, leaks := s.Leak(name); !leaks {
			names = append(names, name)
		}
	}
	for _, d := range suffixes {
		if len(x)+len(d) <= maxName {
			add(x + string(d))
		}
	}
	add(x)
	return names
}
