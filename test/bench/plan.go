package main

import "math"

// assumptions of the plan. A reader puts in their own.
const (
	lookupsPerNode = 50.0 // a second
	coldShare      = 0.05 // of lookups that no cache can answer
	nodesPerServer = 16.0 // as cluster-proportional-autoscaler is set up in the documentation of Kubernetes
	fewestServers  = 2.0
)

// The autoscaler by CPU, as build/kustomize sets it up: what a server requests, and how much of that it is to use.
const (
	requested   = 0.1 // cores
	utilization = 0.8
	mostServers = 16.0
)

// mix is how often programs look up each kind of name.
var mix = map[string]float64{"external": 0.3, "domain": 0.1, "short": 0.2, "namespaced": 0.1, "full": 0.2, "absent": 0.1}

var clusterSizes = []float64{10, 500, 5000}

// unit is what one lookup costs a server, on the average of the mix; and what one server needs.
type unit struct {
	Peer         string  `json:"peer"`
	Packets      float64 `json:"packets"`
	CPUWarm      float64 `json:"cpuWarm"` // µs
	CPUCold      float64 `json:"cpuCold"` // µs
	UpstreamCold float64 `json:"upstreamCold"`
	Resident     float64 `json:"resident"` // MiB, with full caches
}

// setup is a way to run DNS in a cluster: who answers pods, on each node or in the middle.
type setup struct {
	name, peer string
	perNode    bool // on each node, in front of stock CoreDNS
}

var setups = []setup{
	{"stock", "stock", false},
	{"stock with NodeLocal", "stock", true},
	{"muslsafe in place", "muslsafe", false},
	{"muslsafe per node", "muslsafe", true},
	{"complete in place", "complete", false},
}

// plan is what a setup needs in a cluster of a size.
type plan struct {
	Setup    string  `json:"setup"`
	Nodes    float64 `json:"nodes"`
	Lookups  float64 `json:"lookups"` // a second, as all rates here
	Queries  float64 `json:"queries"`
	Cores    float64 `json:"cores"`
	MemoryGB float64 `json:"memoryGiB"`
	Upstream float64 `json:"upstream"`
}

// unitOf averages the costs of a peer; false if something was not measured.
func (r *results) unitOf(peer string) (unit, bool) {
	u := unit{Peer: peer}
	all := true
	figure := func(kind, state, name string) float64 {
		v, ok := r.get("lookups", peer, kind+" "+state, name)
		all = all && ok
		return v
	}
	for _, kind := range kinds {
		u.Packets += mix[kind] * figure(kind, "warm", "packets")
		u.CPUWarm += mix[kind] * figure(kind, "warm", "cpu")
		u.CPUCold += mix[kind] * figure(kind, "cold", "cpu")
		u.UpstreamCold += mix[kind] * figure(kind, "cold", "upstream")
	}
	var ok bool
	u.Resident, ok = r.get("memory", peer, "external names", "resident")
	return u, all && ok
}

func (r *results) plans() (list []plan) {
	stock, ok := r.unitOf("stock")
	if !ok {
		return nil
	}
	for _, nodes := range clusterSizes {
		for _, s := range setups {
			if u, ok := r.unitOf(s.peer); ok {
				list = append(list, s.plan(nodes, u, stock))
			}
		}
	}
	return list
}

// plan does the arithmetic that results.md shows. What a server on the node cannot answer is looked up cold there, and
// once more in the middle.
func (s setup) plan(nodes float64, u, stock unit) plan {
	lookups := nodes * lookupsPerNode
	servers := math.Max(fewestServers, math.Ceil(nodes/nodesPerServer))
	p := plan{
		Setup:    s.name,
		Nodes:    nodes,
		Lookups:  lookups,
		Queries:  lookups * u.Packets,
		Cores:    lookups * ((1-coldShare)*u.CPUWarm + coldShare*u.CPUCold) / 1e6,
		MemoryGB: servers * u.Resident / 1024,
		Upstream: lookups * coldShare * u.UpstreamCold,
	}
	if s.perNode {
		p.Cores += lookups * coldShare * stock.CPUCold / 1e6
		p.MemoryGB = (nodes*u.Resident + servers*stock.Resident) / 1024
	}
	return p
}
