package muslsafe

// expanded reports whether name, in lower case, is X.S: a name X with a search suffix S appended. The offset at
// is where S begins, and 0 if there is none. A suffix itself is no expanded name, though a shorter suffix may stand
// at its end: all names below it would be denied with it (RFC 8020).
func (s suffixes) expanded(name string) (at int, ok bool) {
	t := s.tail(name)
	if !t.found || t.at == 0 {
		return 0, false
	}
	if t.cluster {
		return clusterSuffix(name, t.at), true
	}
	return t.at, true
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
