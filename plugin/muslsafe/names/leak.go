package names

import "strings"

// Leak reports whether only search expansion can have made name, in lower case: a resolver appended a suffix to a name that was
// already complete, and the result does not exist. The part of the name from offset at cannot exist.
//
// There are three proofs. Without one, a name is not a leak:
//
//	web.default.svc.cluster.local.example.com.  a suffix was appended to a name in the cluster domain
//	db.corp.example.org.corp.example.org.       a suffix of the nodes was appended to a name below a suffix of the nodes
//	1.2.0.192.in-addr.arpa.example.com.         a suffix of the nodes was appended to a reverse name
func (s *Suffixes) Leak(name string) (at int, ok bool) {
	end := s.longestMatch(name)
	if at, ok = s.pastCluster(name, end); ok {
		return at, true
	}
	if !end.found || end.cluster {
		return 0, false
	}
	at, ok = pastNode(s.node, name[:end.at])
	return at, ok && !reachesBack(s.zones, name, at)
}

// pastCluster finds svc.C or pod.C inside name with at least one more label after it.
func (s *Suffixes) pastCluster(name string, end match) (at int, ok bool) {
	for _, c := range s.cluster {
		for from := 0; ; from = at + 1 {
			i := strings.Index(name[from:], string(c))
			if i < 0 {
				break
			}
			at = from + i
			if absent, ok := s.pastClusterAt(name, end, c, at); ok {
				return absent, true
			}
		}
	}
	return 0, false
}

// pastClusterAt is pastCluster for the cluster domain c at offset at. The part of the name from the returned offset cannot exist.
func (s *Suffixes) pastClusterAt(name string, end match, c Domain, at int) (absent int, ok bool) {
	switch {
	case at+len(c) == len(name): // nothing was appended
		return 0, false
	case end.at <= at || reachesBack(s.zones, name, at): // the name ends in a longer domain of ours, which contains this text
		return 0, false
	case !followsObjectType(name, at):
		return 0, false
	case end.cluster:
		// The labels before the final cluster domain may well exist (service "cluster" in namespace "local"), so that
		// cluster domain is the smallest zone that a denial can speak for.
		return end.at, !kubernetesShape(name[:end.at])
	}
	// This proof works for unknown suffixes too, if C is unmistakable: "svc.k8s" can be part of an ordinary name.
	return at, c.Labels() >= 2
}

// reachesBack reports whether name ends in one of zones that begins at or before offset at.
func reachesBack(zones []Domain, name string, at int) bool {
	for _, zone := range zones {
		if i := zone.At(name); i >= 0 && i <= at {
			return true
		}
	}
	return false
}

// reverse are the zones of reverse names (RFC 1035, section 3.5; RFC 3596, section 2.5).
var reverse = [...]Domain{"in-addr.arpa.", "ip6.arpa."}

// pastNode finds a reverse name, or a name below a search domain of the nodes, at the end of rest: the part of a name before
// the search domain that it ends in. A search domain of one label proves nothing: "dev" in "api.dev.example.org." is an
// ordinary label.
func pastNode(node []Domain, rest string) (at int, ok bool) {
	for _, d := range reverse {
		if at = d.At(rest); at > 0 {
			return at, true
		}
	}
	for _, d := range node {
		if at = d.At(rest); at > 0 && d.Labels() >= 2 {
			return at, true
		}
	}
	return 0, false
}
