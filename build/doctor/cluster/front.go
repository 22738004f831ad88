package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// A Front is something that answers pods before the cluster DNS does.
type Front struct {
	Kind  string `json:"kind"`
	Where string `json:"where"`
	Means string `json:"means"`
}

// ConfigMaps with settings that change answers.
const (
	ciliumConfig = "cilium-config"    // of the agent of Cilium
	istioConfig  = "istio-cni-config" // of the agent that redirects the traffic of pods to ztunnel
)

func isNodeLocal(w Workload) bool {
	return w.Metadata.Labels["k8s-app"] == "node-local-dns" || w.Metadata.Name == "node-local-dns" || w.Metadata.Name == "nodelocaldns"
}

// isNodeFront reports whether a workload is muslsafe on each node, of the overlays node-front and node-front-cilium.
func isNodeFront(w Workload) bool {
	return w.Kind == "DaemonSet" && strings.HasPrefix(w.Spec.Template.Metadata.Labels["app.kubernetes.io/instance"], "node-front")
}

func isCilium(w Workload) bool {
	return w.Kind == "DaemonSet" && (w.Metadata.Labels["k8s-app"] == "cilium" || w.Metadata.Name == "cilium" || w.Metadata.Name == "anetd")
}

func isZtunnel(w Workload) bool {
	return w.Kind == "DaemonSet" && (w.Metadata.Name == "ztunnel" || w.Metadata.Labels["app"] == "ztunnel")
}

func isIstioCNI(w Workload) bool { return w.Kind == "DaemonSet" && w.Metadata.Name == "istio-cni-node" }

// frontWorkloads returns the workloads in front that are a CoreDNS.
func frontWorkloads(s State) (all []Workload) {
	for _, w := range s.Workloads {
		if isNodeLocal(w) || isNodeFront(w) {
			all = append(all, w)
		}
	}
	return all
}

// fronts returns what stands in front of the cluster DNS.
func fronts(s State) []Front {
	all := []Front{}
	for _, w := range s.Workloads {
		switch {
		case isNodeFront(w):
			all = append(all, Front{"muslsafe", w.name(), "muslsafe on each node: it sees every query of the pods that are told to ask it"})
		case isNodeLocal(w):
			all = append(all, Front{"NodeLocal DNSCache", w.name(), "a cache on each node, with a Corefile of its own"})
		case isCilium(w):
			all = append(all, Front{"Cilium", w.name(), "its DNS proxy sees the queries of pods that a policy with DNS rules selects"})
		case isZtunnel(w):
			all = append(all, s.ztunnel(w))
		}
	}
	if local := s.localDNS(); len(local) > 0 {
		all = append(all, Front{"AKS LocalDNS", "nodes " + some(local, 3),
			"a CoreDNS of the platform on each node, with a Corefile that only the node pool configures; it keeps answers, and old ones too"})
	}
	return append(all, s.strangers()...)
}

// ztunnel says what Istio ambient captures.
func (s State) ztunnel(w Workload) Front {
	f := Front{Kind: "Istio ambient", Where: w.name()}
	for _, cni := range s.Workloads {
		if c, ok := s.configMap(cni.Metadata.Namespace, istioConfig); ok && isIstioCNI(cni) && c.Data["AMBIENT_DNS_CAPTURE"] == "false" {
			f.Means = "ztunnel, which does not capture DNS here (AMBIENT_DNS_CAPTURE is false)"
			return f
		}
	}
	var in []string
	for _, n := range s.Namespaces {
		if n.Metadata.Labels["istio.io/dataplane-mode"] == "ambient" {
			in = append(in, n.Metadata.Name)
		}
	}
	f.Means = "ztunnel answers the queries of pods in the mesh, and asks the cluster DNS for names it does not know"
	if len(in) > 0 {
		f.Means += "; namespaces in the mesh: " + some(in, 5)
	}
	return f
}

// localDNS returns the nodes with the DNS of AKS.
func (s State) localDNS() (nodes []string) {
	for _, n := range s.Nodes {
		if n.Metadata.Labels["kubernetes.azure.com/localdns-state"] == "enabled" {
			nodes = append(nodes, n.Metadata.Name)
		}
	}
	return nodes
}

// known are addresses at which pods find something else than the cluster DNS.
var known = map[string]string{
	"169.254.20.10":   "a DNS on the node: NodeLocal DNSCache, or muslsafe as node-front",
	"169.254.10.10":   "AKS LocalDNS, for pods with the DNS of the node",
	"169.254.10.11":   "AKS LocalDNS",
	"169.254.169.254": "Cloud DNS of GKE",
}

// strangers are name servers that pods were told to ask, and that are not the cluster DNS.
func (s State) strangers() (all []Front) {
	ours := findDNS(s)
	seen := make(map[string]bool)
	for _, p := range s.Probes {
		for _, server := range p.Servers {
			addr := hostOf(server)
			if p.Pod != "" || seen[addr] || ours.Service == "" || slices.Contains(ours.Addresses, addr) {
				continue
			}
			seen[addr] = true
			means := known[addr]
			if means == "" {
				means = "a name server that is not the Service " + ours.Service
			}
			all = append(all, Front{"name server " + addr, "resolv.conf of pods", means})
		}
	}
	return all
}

// bypasses finds fronts that send names past a cluster DNS with muslsafe.
func (e *examination) bypasses() (all []Finding) {
	for _, w := range frontWorkloads(e.State) {
		where := "namespace " + w.Metadata.Namespace
		found, blocks := e.lint(where, e.configMapsOf([]Workload{w}))
		for _, f := range found {
			if f.Rule != "muslsafe-missing" { // this is judged below, by where the block forwards to
				all = append(all, fromLint(f))
			}
		}
		for _, b := range blocks {
			if to := e.past(b); to != "" {
				all = append(all, bypass(w, b, to, e.config.present))
			}
		}
	}
	return all
}

// past returns where a block without muslsafe sends the names of the nodes' domains and all others, if that is not the
// cluster DNS; "" if it is, or if that cannot be told.
func (e *examination) past(b lint.Block) string {
	if b.Muslsafe != nil || !slices.Contains(b.Zones, ".") {
		return ""
	}
	for _, to := range b.Forwards {
		if !e.isClusterDNS(to) {
			return to
		}
	}
	return ""
}

// isClusterDNS reports whether an address is a Service in front of the same pods, or what NodeLocal DNSCache puts in its place.
func (e *examination) isClusterDNS(to string) bool {
	if strings.Contains(to, "PILLAR__CLUSTER__DNS") {
		return true
	}
	for _, s := range e.Services {
		if slices.Contains(addresses(s), hostOf(strings.TrimPrefix(to, "dns://"))) {
			return true
		}
	}
	return false
}

func bypass(w Workload, b lint.Block, to string, muslsafe bool) Finding {
	f := Finding{
		Level: lint.Advice, Rule: "front-bypass", Where: w.name(),
		What:    fmt.Sprintf("it forwards %s to %s, past the cluster DNS", strings.Join(b.Zones, " "), to),
		Why:     "What the cluster DNS does for musl, with muslsafe in it or without, does not reach these names.",
		Instead: "muslsafe on the node (overlay node-front), or forward . ADDRESS with that of a Service in front of muslsafe",
	}
	if muslsafe {
		f.Level = lint.Hazard
		f.Why = "muslsafe in the cluster DNS never sees these names: what the search domains of the nodes answer reaches pods as it is."
	}
	return f
}
