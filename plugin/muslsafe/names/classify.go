package names

// A Kind says what role a name has in the search of a client.
type Kind uint8

// The kinds of names.
const (
	Plain       Kind = iota // it ends in no known search suffix
	ClusterStep             // a name with a suffix of the cluster appended
	NodeStep                // a name with a search domain of the nodes appended
	Leak                    // a complete name with a suffix appended: see [Suffixes.Leak]
)

var kindNames = [...]string{Plain: "plain", ClusterStep: "cluster step", NodeStep: "node step", Leak: "leak"}

func (k Kind) String() string { return kindNames[k] }

// Classify returns the kind of name, which may have upper-case letters, and the offset at which the appended suffix begins:
// the length of the name if it is plain. It allocates memory only if name has upper-case letters.
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

// appendedAt returns the offset at which the suffix that was appended to a leak begins. The part of the name from offset absent
// cannot exist.
func appendedAt(s *Suffixes, name string, absent int) int {
	switch end := s.longestMatch(name); {
	case end.cluster:
		return clusterSuffix(name, end.at)
	case end.found:
		return end.at
	}
	return absent + prefixLen(s.cluster, name[absent:]) // an unknown suffix: whatever comes after the cluster domain
}

// prefixLen returns the length of the first of domains that name begins with, or 0.
func prefixLen(domains []Domain, name string) int {
	for _, d := range domains {
		if len(name) > len(d) && name[:len(d)] == string(d) {
			return len(d)
		}
	}
	return 0
}
