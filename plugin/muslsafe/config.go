package muslsafe

import (
	"cmp"
	"fmt"
	"slices"
)

// fix is one of the things that muslsafe does to an answer. Its name is the same in the Corefile, in metrics,
// in metadata and in the Extended DNS Error.
type fix uint8

const (
	noFix       fix = iota
	fixLeak         // NXDOMAIN for a name that only search expansion can make
	fixPair         // A and AAAA agree on whether the name exists
	fixSearch       // NXDOMAIN for a name without an address that the client would search past
	fixFailure      // a failing half of a pair does not hide the other
	fixFit          // an answer fits without EDNS and TCP
	fixIPv4only     // AAAA follows from A
	fixComplete     // the address at the end of a search, at its first step
	fixWildcard     // NXDOMAIN for a name that a wildcard took over
	fixDot          // NXDOMAIN for the malformed query of "search ."
	numFixes
)

// fixNames holds the names of the fixes, in the order of their constants.
var fixNames = [numFixes]string{
	fixLeak: "leak", fixPair: "pair", fixSearch: "search", fixFailure: "failure", fixFit: "fit",
	fixIPv4only: "ipv4only", fixComplete: "complete", fixWildcard: "wildcard", fixDot: "dot",
}

// byDefault are the fixes that are on unless they are disabled. The others are properties of their own.
var byDefault = [numFixes]bool{fixLeak: true, fixPair: true, fixSearch: true, fixFailure: true, fixFit: true}

func (f fix) String() string { return fixNames[f] }

const (
	defaultCluster = "cluster.local."
	defaultResolv  = "/etc/resolv.conf" // of the CoreDNS pod, which has the node's with dnsPolicy: Default
	defaultTTL     = 30                 // seconds
	maxTTL         = 3600               // seconds
)

// config is what one muslsafe in a Corefile asks for: validated, complete and never modified.
type config struct {
	zones    []domain // names outside of them pass untouched; nil stands for the zones of the server block
	except   []domain // names at and below them pass untouched
	suffixes suffixes
	from     string // where the node's suffixes come from, for the log
	enabled  [numFixes]bool
	ttl      uint32 // of synthesized negative answers, in seconds
	report   bool   // decide and count, change nothing
	clients  bool   // count pairs by the library of the client
}

func newConfig() *config { return &config{ttl: defaultTTL, enabled: byDefault} }

// setSuffixes completes the configuration with its domains. A search domain at or below a cluster domain says
// nothing about the nodes (people copy the search list of a pod) and is left out.
func (cfg *config) setSuffixes(cluster, search []domain) {
	var node []domain
	for _, d := range search {
		if !slices.ContainsFunc(cluster, func(c domain) bool { return c.contains(string(d)) }) {
			node = append(node, d)
		}
	}
	cfg.suffixes = suffixes{cluster: longestFirst(cluster), node: longestFirst(node), order: node}
}

// longestFirst returns the domains without repetitions, from the longest to the shortest.
func longestFirst(domains []domain) []domain {
	sorted := slices.SortedFunc(slices.Values(domains), func(a, b domain) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b))
	})
	return slices.Compact(sorted)
}

// judges reports whether there is a fix that looks at answers.
func (cfg *config) judges() bool {
	e := &cfg.enabled
	return e[fixPair] || e[fixSearch] || e[fixFailure] || e[fixFit] || e[fixIPv4only] || e[fixWildcard]
}

// covers reports whether muslsafe may act on name, in lower case.
func (cfg *config) covers(name string) bool {
	if cfg.zones != nil && !anyContains(cfg.zones, name) {
		return false
	}
	return !anyContains(cfg.except, name)
}

func anyContains(domains []domain, name string) bool {
	for _, d := range domains {
		if d.contains(name) {
			return true
		}
	}
	return false
}

// String describes the configuration in force, for the one line that is logged at start-up.
func (cfg *config) String() string {
	var on []string
	for f := noFix + 1; f < numFixes; f++ {
		if cfg.enabled[f] {
			on = append(on, f.String())
		}
	}
	mode := "fixes"
	if cfg.report {
		mode = "report only"
	}
	return fmt.Sprintf("cluster domains %v; search domains %v from %s; %s %v",
		cfg.suffixes.cluster, cfg.suffixes.node, cfg.from, mode, on)
}
