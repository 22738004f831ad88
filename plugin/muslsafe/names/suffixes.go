package names

import (
	"cmp"
	"slices"
)

// DefaultCluster is the cluster domain unless another one is configured.
const DefaultCluster Domain = "cluster.local."

// Suffixes are the domains that resolvers in a cluster append to the names they look up. They never change, so they can
// be used concurrently.
type Suffixes struct {
	cluster     []Domain // pods append NAMESPACE.svc.C, svc.C and C of each; longest first, so that the first match is the longest
	node        []Domain // search domains of the nodes, none at or below a cluster domain; longest first as well
	searchOrder []Domain // the same as node, in the order in which they are searched
	zones       []Domain // zones of the server block, which exist even if they look like leaks
}

// New returns the Suffixes of a cluster: its cluster domains, the search domains of its nodes in order, and the zones of the
// server block, which are never mistaken for the work of a search. A search domain at or below a cluster domain says nothing
// about the nodes (people copy the search list of a pod), so it is ignored.
func New(cluster, search, zones []Domain) *Suffixes {
	var node []Domain
	for _, d := range search {
		if !AnyContains(cluster, string(d)) && !slices.Contains(node, d) {
			node = append(node, d)
		}
	}
	return &Suffixes{
		cluster:     longestFirst(cluster),
		node:        longestFirst(node),
		searchOrder: node,
		zones:       slices.Clone(zones),
	}
}

// Parse returns the Suffixes for cluster domains and search domains in text, with the rules and the defaults of the
// plugin's properties "cluster" and "search", for a program that reads names outside of a server.
func Parse(cluster, search []string) (*Suffixes, error) {
	if len(cluster) == 0 {
		cluster = []string{string(DefaultCluster)}
	}
	c, err := ParseDomains(cluster)
	if err != nil {
		return nil, err
	}
	s, err := ParseDomains(search)
	if err != nil {
		return nil, err
	}
	return New(c, s, nil), nil
}

// longestFirst returns the domains without repetitions, from the longest to the shortest.
func longestFirst(domains []Domain) []Domain {
	sorted := slices.SortedFunc(slices.Values(domains), func(a, b Domain) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return slices.Compact(sorted)
}

// Cluster returns the cluster domains, from the longest to the shortest. The slice must not be modified.
func (s *Suffixes) Cluster() []Domain { return s.cluster }

// Search returns the search domains of the nodes, in the order of the search. The slice must not be modified.
func (s *Suffixes) Search() []Domain { return s.searchOrder }

// Zones returns the zones of the server block. The slice must not be modified.
func (s *Suffixes) Zones() []Domain { return s.zones }

// match is the longest suffix that a name ends in.
type match struct {
	at      int  // offset in the name; the length of the name if it ends in none
	found   bool // there is one
	cluster bool // it is a cluster domain, not a search domain of the nodes
}

// longestMatch finds the longest suffix that name ends in. No search domain of the nodes is below a cluster domain, so a
// cluster domain at the end of the name is the longest suffix.
func (s *Suffixes) longestMatch(name string) match {
	if at := firstAt(s.cluster, name); at >= 0 {
		return match{at: at, found: true, cluster: true}
	}
	if at := firstAt(s.node, name); at >= 0 {
		return match{at: at, found: true}
	}
	return match{at: len(name)}
}

// firstAt returns the offset of the first of domains that name ends in, or -1.
func firstAt(domains []Domain, name string) int {
	for _, d := range domains {
		if at := d.At(name); at >= 0 {
			return at
		}
	}
	return -1
}
