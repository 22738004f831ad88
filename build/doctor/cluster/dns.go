package cluster

import (
	"cmp"
	"slices"
	"strings"
)

// DNS is the cluster's DNS.
type DNS struct {
	Found         Answered    `json:"found"`   // whether there is a Service of it
	Service       string      `json:"service"` // namespace/name
	Addresses     []string    `json:"addresses"`
	Workloads     []DNSServer `json:"workloads"`
	Muslsafe      Answered    `json:"muslsafe"` // whether a server block of its Corefile has it
	ClusterDomain string      `json:"clusterDomain"`
}

// Answered is the answer to a question about the cluster.
type Answered string

// The answers.
const (
	Yes     Answered = "yes"
	No      Answered = "no"
	Unknown Answered = "unknown" // it could not be read
)

// A DNSServer is a workload behind the Service.
type DNSServer struct {
	Name    string   `json:"name"` // kind, namespace and name
	Images  []string `json:"images"`
	Ready   int      `json:"ready"`
	Desired int      `json:"desired"`
}

// dns is the cluster's DNS with its objects.
type dns struct {
	DNS
	service   Service
	workloads []Workload
}

// namespaces are where clusters have their DNS.
var namespaces = []string{"kube-system", "openshift-dns"}

// findDNS finds the Service that pods are told to ask, and what answers there.
func findDNS(s State) dns {
	d := dns{DNS: DNS{Found: No, Addresses: []string{}, Workloads: []DNSServer{}}}
	service, ok := dnsService(s.Services)
	if !ok {
		if s.Services == nil {
			d.Found = Unknown
		}
		return d
	}
	d.Found, d.service, d.Service = Yes, service, service.Metadata.path()
	d.Addresses = append(d.Addresses, addresses(service)...)
	for _, w := range s.Workloads {
		if w.Metadata.Namespace == service.Metadata.Namespace && w.desired() > 0 && selects(service, w) {
			d.workloads = append(d.workloads, w)
			d.Workloads = append(d.Workloads, DNSServer{Name: w.name(), Images: w.images(), Ready: w.ready(), Desired: w.desired()})
		}
	}
	return d
}

// dnsService returns the Service of the cluster's DNS. Most platforms call it kube-dns, for old times' sake; OpenShift
// calls it dns-default, and charts give it a name of their own and the label.
func dnsService(services []Service) (Service, bool) {
	best, rank := Service{}, 0
	for _, s := range services {
		r := 0
		switch path := s.Metadata.path(); {
		case path == "kube-system/kube-dns":
			r = 4
		case path == "openshift-dns/dns-default":
			r = 3
		case !slices.Contains(namespaces, s.Metadata.Namespace), strings.HasSuffix(path, "-upstream"):
		case s.Metadata.Labels["k8s-app"] == "kube-dns":
			r = 2
		case s.Metadata.Name == "coredns":
			r = 1
		}
		if r > rank && servesDNS(s) {
			best, rank = s, r
		}
	}
	return best, rank > 0
}

func servesDNS(s Service) bool {
	for _, p := range s.Spec.Ports {
		if p.Port == 53 {
			return len(addresses(s)) > 0
		}
	}
	return false
}

// addresses returns the addresses of a Service, none if it is headless.
func addresses(s Service) (all []string) {
	for _, ip := range append([]string{s.Spec.ClusterIP}, s.Spec.ClusterIPs...) {
		if ip != "" && ip != "None" && !slices.Contains(all, ip) {
			all = append(all, ip)
		}
	}
	return all
}

// selects reports whether a Service finds the pods of a workload.
func selects(s Service, w Workload) bool {
	for key, value := range s.Spec.Selector {
		if w.Spec.Template.Metadata.Labels[key] != value {
			return false
		}
	}
	return len(s.Spec.Selector) > 0
}

// Wanted returns the ConfigMaps that matter once Services and workloads are known, as namespace and name: the Corefiles
// of the cluster DNS and of what stands in front of it, and the settings of Cilium and of Istio that change answers.
func Wanted(s State) (maps [][2]string) {
	for _, w := range append(findDNS(s).workloads, frontWorkloads(s)...) {
		for _, name := range w.configMaps() {
			maps = append(maps, [2]string{w.Metadata.Namespace, name})
		}
	}
	for _, w := range s.Workloads {
		switch {
		case isCilium(w):
			maps = append(maps, [2]string{w.Metadata.Namespace, ciliumConfig})
		case isIstioCNI(w):
			maps = append(maps, [2]string{w.Metadata.Namespace, istioConfig})
		}
	}
	slices.SortFunc(maps, func(a, b [2]string) int { return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1])) })
	return slices.Compact(maps)
}

// DNSNamespace is where the cluster DNS is.
func DNSNamespace(services []Service) string {
	if s, ok := dnsService(services); ok {
		return s.Metadata.Namespace
	}
	return namespaces[0]
}

// configMap returns a ConfigMap, if it was read.
func (s State) configMap(namespace, name string) (ConfigMap, bool) {
	for _, c := range s.ConfigMaps {
		if c.Metadata.Namespace == namespace && c.Metadata.Name == name {
			return c, true
		}
	}
	return ConfigMap{}, false
}

// configMapsOf returns the ConfigMaps that workloads mount.
func (s State) configMapsOf(workloads []Workload) (all []ConfigMap) {
	seen := make(map[string]bool)
	for _, w := range workloads {
		for _, name := range w.configMaps() {
			c, ok := s.configMap(w.Metadata.Namespace, name)
			if ok && !seen[c.Metadata.path()] {
				all, seen[c.Metadata.path()] = append(all, c), true
			}
		}
	}
	return all
}
