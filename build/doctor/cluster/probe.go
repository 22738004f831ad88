package cluster

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// A Probe is what doctor found out in a pod: in one of its own on a node, or beside the programs of a pod.
type Probe struct {
	Node    string      `json:"node"`
	Pod     string      `json:"pod,omitempty"`   // namespace/name, if it is not doctor's own
	Error   string      `json:"error,omitempty"` // why nothing is known
	Servers []string    `json:"servers"`
	Search  []string    `json:"search"`
	Ndots   int         `json:"ndots"`
	Names   []ProbeName `json:"names"`
}

// The members of the JSON of doctor that are used: a pod may run another version of it.
type (
	// ProbeName is what was found out about one name.
	ProbeName struct {
		Name    string   `json:"name"`
		Status  string   `json:"status"` // healthy, hazards or unclear
		Unclear string   `json:"unclear,omitempty"`
		Hazards []Hazard `json:"hazards"`
	}
	// Hazard is something that breaks lookups of a name.
	Hazard struct {
		Kind       string   `json:"kind"`
		Question   string   `json:"question,omitempty"`
		Answers    []Answer `json:"answers"`
		Harms      []Harm   `json:"harms"`
		Why        string   `json:"why"`
		Fix        string   `json:"fix,omitempty"`
		Workaround string   `json:"workaround"`
	}
	// Answer is what the server says to one half of a pair.
	Answer struct {
		Type   string `json:"type"`
		Answer string `json:"answer"`
	}
	// Harm is what a hazard does to one libc.
	Harm struct {
		Libc   string `json:"libc"`
		Effect string `json:"effect"`
	}
)

// ReadProbe reads what doctor --json wrote in a pod, where its errors stand among the rest.
func ReadProbe(log []byte) (Probe, error) {
	var p Probe
	err := json.Unmarshal(report.Find(log), &p)
	if err == nil && len(p.Names) == 0 {
		err = errors.New("no names in it")
	}
	if err == nil {
		return p, nil
	}
	if last := lastLine(log); last != "" && !strings.ContainsAny(last, "{}") {
		return Probe{}, fmt.Errorf("doctor says: %s", last)
	}
	return Probe{}, fmt.Errorf("what doctor wrote cannot be read: %w; is the image one of doctor, and not older than this program?", err)
}

// report finds the JSON of doctor, which begins and ends with a line of its own.
var report = regexp.MustCompile(`(?ms)^\{.*^?\}$`)

func lastLine(text []byte) string {
	lines := bytes.Split(bytes.TrimSpace(text), []byte("\n"))
	return string(bytes.TrimSpace(lines[len(lines)-1]))
}

// Targets returns the nodes on which doctor can run, and why it cannot run on the others. Without names, these are all.
func Targets(nodes []Node, names []string) (targets []string, others []Probe, err error) {
	for _, name := range names {
		if !slices.ContainsFunc(nodes, func(n Node) bool { return n.Metadata.Name == name }) {
			return nil, nil, fmt.Errorf("no node %q; expect one of %s", name, some(nodeNames(nodes), 10))
		}
	}
	for _, n := range nodes {
		switch {
		case len(names) > 0 && !slices.Contains(names, n.Metadata.Name):
		case !n.isLinux():
			others = append(others, Probe{Node: n.Metadata.Name, Error: "it does not run containers of Linux"})
		case !n.isReady():
			others = append(others, Probe{Node: n.Metadata.Name, Error: "the node is not ready"})
		default:
			targets = append(targets, n.Metadata.Name)
		}
	}
	return targets, others, nil
}

func nodeNames(nodes []Node) (names []string) {
	for _, n := range nodes {
		names = append(names, n.Metadata.Name)
	}
	return names
}

// A NodeView is the DNS as pods with the settings of most pods have it, on the nodes where it is the same.
type NodeView struct {
	Nodes   []string `json:"nodes"`
	Servers []string `json:"servers"`
	Search  []string `json:"search"` // with that of the pod's namespace
	Ndots   int      `json:"ndots"`
	Domains []string `json:"domains"` // of the search list, those of the node
}

// views sorts the nodes by what pods have there.
func views(probes []Probe) []NodeView {
	all := []NodeView{}
	for _, p := range probes {
		if p.Error != "" || p.Pod != "" {
			continue
		}
		v := NodeView{[]string{p.Node}, p.Servers, p.Search, p.Ndots, domainsOfNode(p.Search)}
		i := slices.IndexFunc(all, func(o NodeView) bool {
			return slices.Equal(o.Servers, v.Servers) && slices.Equal(o.Search, v.Search) && o.Ndots == v.Ndots
		})
		if i >= 0 {
			all[i].Nodes = append(all[i].Nodes, p.Node)
			continue
		}
		all = append(all, v)
	}
	slices.SortStableFunc(all, func(a, b NodeView) int { return cmp.Compare(len(b.Nodes), len(a.Nodes)) })
	return all
}

// domainsOfNode returns what stands in a search list behind the three domains of the cluster.
func domainsOfNode(search []string) []string {
	for i, domain := range search {
		if c, ok := strings.CutPrefix(domain, "svc."); ok && i+1 < len(search) && search[i+1] == c {
			return append([]string{}, search[i+2:]...)
		}
	}
	return append([]string{}, search...)
}

// nodeSearch returns the search domains of all nodes, each once.
func nodeSearch(views []NodeView) (all []string) {
	for _, v := range views {
		for _, domain := range v.Domains {
			if domain = bare(domain); domain != "" && !slices.Contains(all, domain) {
				all = append(all, domain)
			}
		}
	}
	return all
}

// nodes finds search domains that muslsafe does not know: it reads the resolv.conf of the node on which it runs.
func (e *examination) nodes() (all []Finding) {
	for _, v := range e.views[min(1, len(e.views)):] {
		if len(e.config.search) > 0 || slices.Equal(v.Domains, e.views[0].Domains) {
			continue
		}
		level := lint.Advice
		if e.config.present {
			level = lint.Hazard
		}
		all = append(all, Finding{
			Level: level, Rule: "search-differs", Where: "nodes " + some(v.Nodes, 3),
			What:    fmt.Sprintf("their search domains (%s) are not those of most nodes (%s)", words(v.Domains), words(e.views[0].Domains)),
			Why:     "Without a list, muslsafe takes the search domains of the node on which it runs, and treats names below others as ordinary ones.",
			Instead: "muslsafe {\n    search " + strings.Join(nodeSearch(e.views), " ") + "\n}",
		})
	}
	for _, domain := range nodeSearch(e.views) {
		if e.config.present && len(e.config.search) > 0 && !e.searches(domain) && !strings.Contains(strings.Join(e.config.search, " "), "/") {
			all = append(all, Finding{
				Level: lint.Hazard, Rule: "search-unlisted", Where: "Service " + e.dns.Service,
				What:    fmt.Sprintf("the search domain %s of the nodes is not in the list of muslsafe (%s)", domain, strings.Join(e.config.search, " ")),
				Why:     "Names below a search domain that is not listed are treated as ordinary ones: what breaks searches there reaches musl.",
				Instead: "muslsafe {\n    search " + strings.Join(append(slices.Clone(e.config.search), domain), " ") + "\n}",
			})
		}
	}
	return all
}

// searches reports whether a domain is listed in the search property of muslsafe.
func (e *examination) searches(domain string) bool {
	return slices.ContainsFunc(e.config.search, func(s string) bool { return bare(s) == bare(domain) })
}

// hostOf returns the address of ADDR or ADDR:PORT.
func hostOf(server string) string {
	if a, err := netip.ParseAddrPort(server); err == nil {
		return a.Addr().String()
	}
	return strings.Trim(server, "[]")
}

// words writes a list for people.
func words(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, " ")
}

// some writes the first n of a list, and how many more there are.
func some(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:n], ", "), len(all)-n)
}
