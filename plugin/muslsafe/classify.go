package muslsafe

// A Kind says what a name is in the search of a client.
type Kind uint8

// The kinds of names.
const (
	Plain       Kind = iota // no search suffix is known at its end
	ClusterStep             // a name with a suffix of the cluster appended
	NodeStep                // a name with a search domain of the nodes appended
	Leak                    // a complete name with a suffix appended: what the fix leak denies
)

// A Classifier tells the kinds of names apart exactly as the fixes leak and search do. It is for programs that look
// at names outside of a query, such as those in a log.
type Classifier struct{ suffixes suffixes }

// NewClassifier returns a Classifier for cluster domains and search domains of the nodes, with the rules and the
// default of the properties of these names.
func NewClassifier(cluster, search []string) (*Classifier, error) {
	if len(cluster) == 0 {
		cluster = []string{defaultCluster}
	}
	c, err := parseDomains(cluster)
	if err != nil {
		return nil, err
	}
	s, err := parseDomains(search)
	if err != nil {
		return nil, err
	}
	var cfg config
	cfg.setSuffixes(c, s)
	return &Classifier{cfg.suffixes}, nil
}

// Classify returns the kind of name, which is fully qualified, and the offset at which the appended suffix begins:
// the length of the name if it is plain. It does not allocate memory unless name has upper-case letters.
func (c *Classifier) Classify(name string) (Kind, int) {
	name = lower(name)
	t := c.suffixes.longestTail(name)
	at, leaks := c.suffixes.leak(name)
	switch p := c.suffixes.place(name); {
	case leaks && t.cluster:
		return Leak, clusterSuffix(name, t.at)
	case leaks && t.found:
		return Leak, t.at
	case leaks: // the suffix is not known: it is what comes after the cluster domain
		return Leak, at + longestPrefix(c.suffixes.cluster, name[at:])
	case p.scope == cluster:
		return ClusterStep, p.at
	case p.scope == node:
		return NodeStep, p.at
	}
	return Plain, len(name)
}

// longestPrefix returns the length of the first of domains that name begins with, 0 if there is none.
func longestPrefix(domains []domain, name string) int {
	for _, d := range domains {
		if len(name) > len(d) && name[:len(d)] == string(d) {
			return len(d)
		}
	}
	return 0
}
