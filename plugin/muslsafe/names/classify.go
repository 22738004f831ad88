package names

// A Kind says what a name is in the search of a client.
type Kind uint8

// The kinds of names.
const (
	Plain       Kind = iota // no search suffix is known at its end
	ClusterStep             // a name with a suffix of the cluster appended
	NodeStep                // a name with a search domain of the nodes appended
	Leak                    // a complete name with a suffix appended: see [Suffixes.Leak]
)

var kindNames = [...]string{Plain: "plain", ClusterStep: "cluster step", NodeStep: "node step", Leak: "leak"}

func (k Kind) String() string { return kindNames[k] }

// Classify returns the kind of name, in either case, and the offset at which the appended suffix begins: the length
// of the name if it is plain. It does not allocate memory unless name has upper-case letters.
func (s *Suffixes) Classify(name string) (Kind, int) {
	name = Lower(name)
	if at, leaks := s.Leak(name); leaks {
		return Leak, appendedAt(s, name, at)
	}
	if e := s.Expansion(name); e.Kind != Plain {
		return e.Kind, e.At
	}
	return Plain, len(name)
}

// appendedAt returns the offset at which the suffix begins that was appended to a leak, of which the part from offset
// absent cannot exist.
func appendedAt(s *Suffixes, name string, absent int) int {
	switch end := s.longestMatch(name); {
	case end.cluster:
		return clusterSuffix(name, end.at)
	case end.found:
		return end.at
	}
	return absent + prefixLen(s.cluster, name[absent:]) // the suffix is not known: it is what comes after the cluster domain
}

// prefixLen returns the length of the first of domains that name begins with, 0 if there is none.
func prefixLen(domains []Domain, name string) int {
	for _, d := range domains {
		if len(name) > len(d) && name[:len(d)] == string(d) {
			return len(d)
		}
	}
	return 0
}
