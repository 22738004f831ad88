package cluster

import (
	"fmt"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// podRule finds one thing that the settings of a group of pods do on musl, where glibc may cope.
type podRule func(e *examination, g PodGroup, musl stub.Config) (Finding, bool)

var podRules = []podRule{lowNdots, longSearch, severalServers, searchDot, noPatience, unlistedSearch}

// pods judges the settings of each group.
func (e *examination) pods() (all []Finding) {
	for _, g := range e.Pods.Groups() {
		conf := read(musl(), e.resolvConf(g))
		for _, rule := range podRules {
			if f, ok := rule(e, g, conf); ok {
				f.Where = g.where()
				all = append(all, f)
			}
		}
	}
	return all
}

// unsearched are names that are written for a search, by their dots.
var unsearched = []string{"web", "web.dnscheck", "web.dnscheck.svc", "db-0.db.dnscheck.svc"}

// lowNdots finds pods in which musl does not search for names that glibc searches for. What is not searched for with four
// dots or more is rarely meant to be.
func lowNdots(e *examination, g PodGroup, musl stub.Config) (Finding, bool) {
	n := musl.Ndots
	if n >= len(unsearched) || len(musl.Search) == 0 || e.config.absolute && n > 0 || g.effective() == ofNode && !g.sets("ndots") {
		return Finding{}, false
	}
	f := Finding{
		Level: lint.Advice, Rule: "ndots", What: fmt.Sprintf("ndots is %d: musl never searches for names with %s, such as %s", n, dots(n), unsearched[n]),
		Why:     "glibc asks for such a name as it stands, and then searches; musl does the former only.",
		Instead: "names written out, such as web.dnscheck.svc." + e.clusterDomain() + "\nor absolute in the block of muslsafe, which searches for them\nor ndots:5, with complete in the block of muslsafe against the load",
	}
	if n < 2 {
		f.Level = lint.Hazard
	}
	return f, true
}

// dots says which names are not searched for.
func dots(ndots int) string {
	switch ndots {
	case 0:
		return "any number of dots, or none"
	case 1:
		return "a dot"
	}
	return fmt.Sprintf("%d dots or more", ndots)
}

// longSearch finds search lists that musl does not read.
func longSearch(e *examination, g PodGroup, musl stub.Config) (Finding, bool) {
	text := e.resolvConf(g)
	all := read(glibc(), text).Search
	if len(musl.Search) >= len(all) {
		return Finding{}, false
	}
	line, _, _ := strings.Cut(text, "\n")
	return Finding{
		Level: lint.Hazard, Rule: "search-line",
		What:    fmt.Sprintf("the search line has %d octets, with %d domains: musl does not read it", len(line), len(all)),
		Why:     "musl ignores a line of resolv.conf with more than 254 octets, so it has no search list at all: not even a Service of the pod's own namespace is found by its name alone.",
		Instead: "fewer or shorter searches in the dnsConfig, or fewer search domains on the nodes\nnames of two labels and more: absolute in the block of muslsafe",
	}, true
}

// severalServers finds pods with name servers that musl asks all at once.
func severalServers(e *examination, g PodGroup, musl stub.Config) (Finding, bool) {
	if len(g.Nameservers) == 0 || len(musl.Servers) < 2 {
		return Finding{}, false
	}
	var servers []string
	inCluster := 0
	for _, s := range musl.Servers {
		servers = append(servers, s.String())
		if e.isClusterDNS(s.String()) {
			inCluster++
		}
	}
	f := Finding{
		Level: lint.Hazard, Rule: "nameservers", What: "musl asks " + strings.Join(servers, ", ") + " at the same time, and takes the first answer",
		Why:     "If a server that does not know a name answers sooner than the one that does, the name is not found. glibc asks them one after the other, and the next one only if one does not answer.",
		Instead: "one name server, which forwards to the others what they alone know",
	}
	if inCluster == len(servers) {
		f.Level, f.Why = lint.Advice, "All of them are Services of this cluster. Unless they answer alike, the first answer is not always the same."
	}
	return f, true
}

// searchDot finds a lone dot in the search list, which Kubernetes allows since 1.34.
func searchDot(e *examination, g PodGroup, musl stub.Config) (Finding, bool) {
	if !slices.Contains(musl.Search, ".") || e.config.dot {
		return Finding{}, false
	}
	return Finding{
		Level: lint.Hazard, Rule: "search-dot", What: "there is a lone dot in the search list",
		Why:     "musl before 1.2.4 (Alpine before 3.18) then sends a question that no server can read, is told FORMERR, and waits 5 seconds.",
		Instead: "no dot: musl asks for the name itself at the end of each search\nor dot in the block of muslsafe",
	}, true
}

// noPatience finds options with which musl does not look anything up.
func noPatience(_ *examination, g PodGroup, musl stub.Config) (Finding, bool) {
	switch {
	case g.sets("attempts") && musl.Attempts == 0:
		return Finding{
			Level: lint.Hazard, Rule: "attempts", What: "attempts is 0: musl divides by it, and the program crashes",
			Why: "musl divides its patience by the number of attempts.", Instead: "attempts:2, which is the default",
		}, true
	case g.sets("timeout") && musl.Timeout == 0:
		return Finding{
			Level: lint.Hazard, Rule: "timeout", What: "timeout is 0: musl gives up before it asks",
			Why: "For musl this is the time for all attempts together.", Instead: "timeout:5, which is the default",
		}, true
	}
	return Finding{}, false
}

// unlistedSearch finds search domains of pods that muslsafe does not know.
func unlistedSearch(e *examination, g PodGroup, _ stub.Config) (Finding, bool) {
	if g.effective() == ofNode || !e.config.present {
		return Finding{}, false
	}
	c := e.clusterDomain()
	var unlisted []string
	for _, domain := range g.Searches {
		domain = bare(domain)
		if domain != "" && domain != c && !strings.HasSuffix(domain, "."+c) && !slices.Contains(nodeSearch(e.views), domain) && !e.searches(domain) {
			unlisted = append(unlisted, domain)
		}
	}
	if len(unlisted) == 0 {
		return Finding{}, false
	}
	why := "muslsafe treats names below it as ordinary ones: nothing makes a search go on there."
	if e.config.complete {
		why += " And complete gives these pods what they would find without it."
	}
	return Finding{
		Level: lint.Advice, Rule: "search-of-pods", What: "muslsafe does not know the search domain " + strings.Join(unlisted, " "), Why: why,
		Instead: "muslsafe {\n    search " + strings.Join(append(slices.Concat(e.config.search, nodeSearch(e.views)), unlisted...), " ") + "\n}",
	}, true
}
