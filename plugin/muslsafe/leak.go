package muslsafe

import "strings"

// suffixes are the domains that resolvers in the cluster append to the names they look up. The lists cluster and node
// go from the longest domain to the shortest, so that the first match is the longest.
type suffixes struct {
	cluster []domain // cluster domains; pods append NAMESPACE.svc.C, svc.C and C of each
	node    []domain // search domains of the nodes, none at or below a cluster domain
	order   []domain // the same as node, in the order in which they are searched
	served  []domain // zones of the server block, which exist whatever they look like
}

// tail is the longest of the suffixes that a name ends in.
type tail struct {
	at      int  // offset in the name
	found   bool // otherwise the name ends in none of them
	cluster bool // it is a cluster domain, not a search domain of the nodes
}

// longestTail finds the longest suffix that name ends in. No search domain of the nodes lies below a cluster domain,
// so a cluster domain, where there is one, is the longest.
func (s suffixes) longestTail(name string) tail {
	if at := longest(s.cluster, name); at >= 0 {
		return tail{at: at, found: true, cluster: true}
	}
	if at := longest(s.node, name); at >= 0 {
		return tail{at: at, found: true}
	}
	return tail{at: len(name)}
}

// longest returns the offset at which the first of domains that name ends in begins, or -1.
func longest(domains []domain, name string) int {
	for _, d := range domains {
		if at := d.at(name); at >= 0 {
			return at
		}
	}
	return -1
}

// leak reports whether name, in lower case, can only have been made by search expansion: a resolver
// appended a suffix to a name that was complete already, and what stands there now exists nowhere.
// The offset at is where the part of the name begins that cannot exist.
//
// There are three proofs, and without one of them there is no verdict:
//
//	web.default.svc.cluster.local.example.com.  a suffix stands on the cluster domain
//	db.corp.example.org.corp.example.org.       a suffix of the node stands on a suffix of the node
//	1.2.0.192.in-addr.arpa.example.com.         a suffix of the node stands on a reverse name
func (s suffixes) leak(name string) (at int, ok bool) {
	t := s.longestTail(name)
	if at, ok = s.pastCluster(name, t); ok {
		return at, true
	}
	if !t.found || t.cluster {
		return 0, false
	}
	at, ok = s.pastNode(name[:t.at])
	return at, ok && !s.serves(name, at)
}

// pastCluster finds svc.C or pod.C inside name with at least one more label after it. No suffix needs to be known for
// this proof if C has two labels or more; "svc.k8s" is an ordinary part of a name.
func (s suffixes) pastCluster(name string, t tail) (at int, ok bool) {
	for _, c := range s.cluster {
		for from := 0; ; from = at + 1 {
			i := strings.Index(name[from:], string(c))
			if i < 0 {
				break
			}
			at = from + i
			switch {
			case at+len(c) == len(name): // nothing after it
			case t.at <= at || s.serves(name, at): // it ends in a domain of ours that reaches back over this one
			case !followsObjectType(name, at):
			case !t.cluster && c.labels() >= 2:
				return at, true
			case !t.cluster:
			case !kubernetesShape(name[:t.at]):
				// The labels before the cluster domain may well exist (service "cluster" in namespace
				// "local"), so the cluster domain is the smallest zone that a denial can speak for.
				return t.at, true
			}
		}
	}
	return 0, false
}

// serves reports whether name ends in a zone of the server block that begins at offset at or before.
func (s suffixes) serves(name string, at int) bool {
	for _, zone := range s.served {
		if i := zone.at(name); i >= 0 && i <= at {
			return true
		}
	}
	return false
}

// followsObjectType reports whether the label before offset at is "svc" or "pod".
func followsObjectType(name string, at int) bool {
	const n = len("svc.")
	return at >= n && (name[at-n:at] == "svc." || name[at-n:at] == "pod.") && labelBegins(name, at-n)
}

// kubernetesShape reports whether before, the part of a name before its cluster domain, can be that of
// a Kubernetes object. The names of the DNS specification for Kubernetes have at most four labels before "svc":
//
//	SERVICE.NAMESPACE.svc                      service
//	HOST.SERVICE.NAMESPACE.svc                 endpoint
//	_PORT._PROTOCOL.SERVICE.NAMESPACE.svc      named port (SRV)
//	HOST.CLUSTERID.SERVICE.NAMESPACE.svc       endpoint in a multi-cluster zone (KEP-1645)
//	ZONE….pin._zone.SERVICE.NAMESPACE.svc      zonal name (CoreDNS kubernetes, option zonal); ZONE may have dots
//	192-0-2-1.NAMESPACE.pod                    pod
func kubernetesShape(before string) bool {
	before, label := cutLast(before)
	if label != "svc" && label != "pod" {
		return false
	}
	for n := 1; before != ""; n++ {
		before, label = cutLast(before)
		if n == 3 && label == "_zone" {
			return true
		}
		if n > 4 {
			return false
		}
	}
	return true
}

// reverse are the zones of reverse names (RFC 1035, section 3.5; RFC 3596, section 2.5).
var reverse = [...]domain{"in-addr.arpa.", "ip6.arpa."}

// pastNode finds a reverse name, or a name below a suffix of the node, in rest: the part of a name before
// the suffix of the node that it ends in. A suffix of one label proves nothing: "dev" in
// "api.dev.example.org." is an ordinary label.
func (s suffixes) pastNode(rest string) (at int, ok bool) {
	for _, d := range reverse {
		if at = d.at(rest); at > 0 {
			return at, true
		}
	}
	for _, d := range s.node {
		if at = d.at(rest); at > 0 && d.labels() >= 2 {
			return at, true
		}
	}
	return 0, false
}
