package names

// followsObjectType reports whether the label before offset at is "svc" or "pod".
func followsObjectType(name string, at int) bool {
	const n = len("svc.")
	return at >= n && isObjectType(name[at-n:at-1]) && name[at-1] == '.' && labelBegins(name, at-n)
}

// isObjectType reports whether names of Kubernetes objects have label between the namespace and the cluster domain.
func isObjectType(label string) bool { return label == "svc" || label == "pod" }

// kubernetesShape reports whether a Kubernetes object can have the name whose part before the cluster domain is before. The
// names of the DNS specification for Kubernetes have at most four labels before "svc":
//
//	SERVICE.NAMESPACE.svc                      service
//	HOST.SERVICE.NAMESPACE.svc                 endpoint
//	_PORT._PROTOCOL.SERVICE.NAMESPACE.svc      named port (SRV)
//	HOST.CLUSTERID.SERVICE.NAMESPACE.svc       endpoint in a multi-cluster zone (KEP-1645)
//	ZONE….pin._zone.SERVICE.NAMESPACE.svc      zonal name (CoreDNS kubernetes, option zonal); ZONE may have dots
//	192-0-2-1.NAMESPACE.pod                    pod
func kubernetesShape(before string) bool {
	before, label := cutLast(before)
	if !isObjectType(label) {
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

// clusterSuffix returns where the search suffix of a name begins, given that its cluster domain begins at c. Pods append
// NAMESPACE.svc.C, svc.C and C (kubelet, with dnsPolicy ClusterFirst), after at least one label.
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
