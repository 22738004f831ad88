package cluster

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A PodGroup is all pods with the same settings for DNS.
type PodGroup struct {
	Policy      string   `json:"dnsPolicy"`
	HostNetwork bool     `json:"hostNetwork"`
	Nameservers []string `json:"nameservers"` // of the dnsConfig, as are searches and options
	Searches    []string `json:"searches"`
	Options     []string `json:"options"`
	Count       int      `json:"pods"`
	Owners      []string `json:"of"`   // namespace and name of what made the pods, each once
	Asks        string   `json:"asks"` // whom they ask, and what that means
	Namespace   string   `json:"-"`    // the longest name of a namespace with such pods
}

// Pods sorts pods into groups as they come, so that a cluster of any size needs little memory. A nil Pods has none.
type Pods struct {
	groups map[string]*PodGroup
	owners map[string]map[string]bool // by group
}

// NewPods returns no pods yet.
func NewPods() *Pods {
	return &Pods{groups: make(map[string]*PodGroup), owners: make(map[string]map[string]bool)}
}

// Add adds a pod. One that has ended or is about to, or that doctor has made, does not count.
func (p *Pods) Add(pod Pod) {
	m := pod.Metadata
	if pod.Status.Phase == "Succeeded" || pod.Status.Phase == "Failed" || m.DeletionTimestamp != "" || m.Labels[RunLabel] != "" {
		return
	}
	g := groupOf(pod)
	key := fmt.Sprintf("%q %v %q %q %q", g.Policy, g.HostNetwork, g.Nameservers, g.Searches, g.Options)
	if p.groups[key] == nil {
		p.groups[key], p.owners[key] = &g, make(map[string]bool)
	}
	kept := p.groups[key]
	kept.Count++
	if namespace := pod.Metadata.Namespace; len(namespace) > len(kept.Namespace) {
		kept.Namespace = namespace
	}
	p.owners[key][owner(pod)] = true
}

// groupOf returns the group of a pod, without its namespace in what it searches.
func groupOf(pod Pod) PodGroup {
	c := pod.Spec.DNSConfig
	g := PodGroup{
		Policy: cmp.Or(pod.Spec.DNSPolicy, clusterFirst), HostNetwork: pod.Spec.HostNetwork,
		Nameservers: append([]string{}, c.Nameservers...), Searches: []string{}, Options: []string{},
	}
	for _, domain := range c.Searches {
		if rest, ok := strings.CutPrefix(domain, pod.Metadata.Namespace+".svc."); ok {
			domain = ownNamespace + ".svc." + rest
		}
		g.Searches = append(g.Searches, domain)
	}
	for _, o := range c.Options {
		if o.Value != "" {
			o.Name += ":" + o.Value
		}
		g.Options = append(g.Options, o.Name)
	}
	return g
}

// ownNamespace stands for the namespace of a pod in what it searches.
const ownNamespace = "NAMESPACE"

// owner returns what made a pod: its Deployment, which is known by the name of the ReplicaSet, or the pod itself.
func owner(pod Pod) string {
	name := pod.Metadata.Name
	for _, o := range pod.Metadata.OwnerReferences {
		name = o.Name
		if o.Kind == "ReplicaSet" {
			name = strings.TrimSuffix(name, "-"+pod.Metadata.Labels["pod-template-hash"])
		}
		if o.Kind == "Node" { // a static pod
			name = pod.Metadata.Name
		}
	}
	return pod.Metadata.Namespace + "/" + name
}

// Groups returns the groups, the biggest first.
func (p *Pods) Groups() []PodGroup {
	all := []PodGroup{}
	if p == nil {
		return all
	}
	for key, g := range p.groups {
		g.Owners = slices.Sorted(maps.Keys(p.owners[key]))
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b PodGroup) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Policy, b.Policy), slices.Compare(a.Owners, b.Owners),
			slices.Compare(a.Options, b.Options), slices.Compare(a.Searches, b.Searches), slices.Compare(a.Nameservers, b.Nameservers))
	})
	return all
}

// Count returns how many pods there are.
func (p *Pods) Count() (n int) {
	if p != nil {
		for _, g := range p.groups {
			n += g.Count
		}
	}
	return n
}

// The policies of pods, as Kubernetes calls them.
const (
	clusterFirst = "ClusterFirst"
	withHostNet  = "ClusterFirstWithHostNet"
	ofNode       = "Default"
	ownConfig    = "None"
)

// effective is the policy that the kubelet follows: a pod in the network of its node has the DNS of the node, unless it
// says otherwise.
func (g PodGroup) effective() string {
	switch {
	case g.Policy == clusterFirst && g.HostNetwork:
		return ofNode
	case g.Policy == withHostNet:
		return clusterFirst
	}
	return g.Policy
}

// asks says whom the pods of a group ask, and what that means.
func (e *examination) asks(g PodGroup) string {
	switch g.effective() {
	case clusterFirst:
		if len(g.Nameservers) > 0 {
			return e.first() + ", and others"
		}
		return e.first()
	case ownConfig:
		return words(g.Nameservers)
	}
	if g.Policy == clusterFirst {
		return "the DNS of the node, because of hostNetwork: no names of the cluster"
	}
	return "the DNS of the node: no names of the cluster"
}

// first is what the kubelets give to pods: the cluster DNS, or by what probes say, something in front of it.
func (e *examination) first() string {
	for _, v := range e.views {
		for _, server := range v.Servers {
			if addr := hostOf(server); !slices.Contains(e.dns.Addresses, addr) {
				return addr + ", as the kubelets say"
			}
		}
	}
	return "the cluster DNS"
}

// where says which pods these are.
func (g PodGroup) where() string {
	pods := "pods"
	if g.Count == 1 {
		pods = "pod"
	}
	return fmt.Sprintf("%d %s of %s", g.Count, pods, some(g.Owners, 3))
}
