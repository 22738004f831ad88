package cluster

import (
	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// A State is what was read of a cluster. A list is nil if it could not be read; Lacking says why.
type State struct {
	Version    string // of Kubernetes
	Nodes      []Node
	Namespaces []Namespace
	Services   []Service
	Workloads  []Workload // the Deployments beside the cluster DNS, and the DaemonSets
	ConfigMaps []ConfigMap
	Policies   []Policy
	Pods       *Pods
	Probes     []Probe // nil if no pod was asked
	Lacking    []Lack
}

// A Lack is something that could not be read.
type Lack struct {
	What string `json:"what"`
	Why  string `json:"why"` // the right that is missing, or what kubectl says
}

// A Finding is one thing that harms lookups, or that could be better.
type Finding struct {
	Level   lint.Level `json:"level"`
	Rule    string     `json:"rule"`
	Where   string     `json:"where"`
	What    string     `json:"what"`
	Why     string     `json:"why"`
	Instead string     `json:"instead"` // may have several lines
}

// A Report is what is to be said of a cluster. Members of its JSON are added, never renamed.
type Report struct {
	Kubernetes string     `json:"kubernetes"`
	DNS        DNS        `json:"dns"`
	Fronts     []Front    `json:"inFront"`
	Nodes      []NodeView `json:"nodes"` // empty without a probe
	Pods       []PodGroup `json:"pods"`
	Findings   []Finding  `json:"findings"`
	Probes     []Probe    `json:"probes"`
	Lacking    []Lack     `json:"lacking"`
}

// Examine judges a cluster.
func Examine(s State) Report {
	r := Report{
		Kubernetes: s.Version, Fronts: fronts(s), Nodes: views(s.Probes), Pods: s.Pods.Groups(),
		Probes: append([]Probe{}, s.Probes...), Lacking: append([]Lack{}, s.Lacking...), Findings: []Finding{},
	}
	e := &examination{State: s, views: r.Nodes, dns: findDNS(s)}
	for _, rule := range []func(*examination) []Finding{
		(*examination).corefiles, (*examination).servers, (*examination).bypasses, (*examination).nodes,
		(*examination).pods, (*examination).policies, (*examination).topLevel,
	} {
		r.Findings = append(r.Findings, rule(e)...)
	}
	r.DNS, r.DNS.ClusterDomain = e.dns.DNS, e.clusterDomain()
	for i := range r.Pods {
		r.Pods[i].Asks = e.asks(r.Pods[i])
	}
	r.Lacking = append(r.Lacking, e.unread...)
	return r
}

// examination is a judgement under way.
type examination struct {
	State
	dns    dns
	views  []NodeView
	config config // what the Corefiles of the cluster DNS say
	unread []Lack // what cannot be understood
}

// Level returns the worst of what was found: lint.Hazard, lint.Advice, or "" for nothing.
func (r Report) Level() (worst lint.Level) {
	for _, f := range r.Findings {
		if f.Level == lint.Hazard {
			return lint.Hazard
		}
		worst = lint.Advice
	}
	return worst
}
