package muslsafe

import (
	"slices"
	"strings"
)

// scope says what a client does with a name that does not exist.
type scope uint8

const (
	plain   scope = iota // nothing more: no search suffix is known at its end
	cluster              // it searches on; the name ends in a suffix of the cluster
	node                 // it searches on; the name ends in a search domain of the nodes
)

// place is where a name stands in the search of a client.
type place struct {
	scope scope
	at    int // offset at which the search suffix begins; 0 if the scope is plain
}

// place finds out whether name, in lower case, is X.S: a name X with a search suffix S appended.
//
// A suffix itself is plain, though a shorter one may stand at its end, and so is a zone of the server block: all names
// below it would be denied with it (RFC 8020). So is a name with an underscore, which is no host name: nobody searches for the address of
// "_acme-challenge", and a cache behind us may hold an NXDOMAIN against its other types.
func (s suffixes) place(name string) place {
	t := s.longestTail(name)
	if !t.found || t.at == 0 || hasUnderscore(name[:t.at]) || slices.Contains(s.served, domain(name)) {
		return place{}
	}
	if !t.cluster {
		return place{scope: node, at: t.at}
	}
	if before := name[:t.at]; before == "svc." || before == "pod." {
		return place{}
	}
	return place{scope: cluster, at: clusterSuffix(name, t.at)}
}

// hasUnderscore reports whether a label of name begins with an underscore (RFC 8552).
func hasUnderscore(name string) bool {
	for i := 0; ; i++ {
		n := strings.IndexByte(name[i:], '_')
		if n < 0 {
			return false
		}
		if i += n; labelBegins(name, i) {
			return true
		}
	}
}

// clusterSuffix returns where the search suffix of a name begins whose cluster domain begins at c. Pods append
// NAMESPACE.svc.C, svc.C and C (kubelet, with dnsPolicy ClusterFirst), and at least one label stands before it.
func clusterSuffix(name string, c int) int {
	rest, label := cutLast(name[:c])
	if rest == "" || label != "svc" {
		return c
	}
	before, _ := cutLast(rest)
	if before == "" {
		return len(rest)
	}
	return len(before)
}

// ahead returns the names that a client asks for after X.S, where S is a search domain of the nodes that begins at
// offset at: X with the search domains that come after S in the list, and X itself. Those that are leaks are left
// out, as they have no address.
func (s suffixes) ahead(name string, at int) []string {
	x, own := name[:at], domain(name[at:])
	var names []string
	after := false
	for _, d := range s.order {
		if after && len(x)+len(d) <= maxName {
			names = append(names, x+string(d))
		}
		after = after || d == own
	}
	names = append(names, x)
	kept := names[:0]
	for _, n := range names {
		if _, leaks := s.leak(n); !leaks {
			kept = append(kept, n)
		}
	}
	return kept
}

// maxName is the length of the longest name in text with its trailing dot (RFC 1035, section 3.1).
const maxName = 254
