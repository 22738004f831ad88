package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// config is what the Corefiles of the cluster DNS say, of all server blocks together.
type config struct {
	known    bool
	present  bool // muslsafe is there
	complete bool
	absolute bool
	autopath bool
	dot      bool
	except   []string // in every block with complete or absolute
	search   []string
	cluster  []string
}

// corefiles lints those of the cluster DNS, and learns from them and from those of muslsafe in front of it.
func (e *examination) corefiles() (all []Finding) {
	where := "namespace " + e.dns.service.Metadata.Namespace
	found, blocks := e.lint(where, e.configMapsOf(e.dns.workloads))
	var own config
	own.learn(blocks)
	e.dns.Muslsafe = own.answer()
	elsewhere := e.elsewhere(blocks)
	for _, f := range found {
		if f.Rule == "muslsafe-missing" && elsewhere != "" {
			f.Level, f.Why = lint.Advice, elsewhere
		}
		all = append(all, fromLint(f))
	}
	for _, w := range e.Workloads {
		if isNodeFront(w) {
			_, front := e.blocks(e.configMapsOf([]Workload{w}))
			blocks = append(blocks, front...)
		}
	}
	e.config.learn(blocks)
	return all
}

// elsewhere says where muslsafe is, if it is not in the cluster DNS: in front of it, or behind it.
func (e *examination) elsewhere(blocks []lint.Block) string {
	for _, w := range e.Workloads {
		if isNodeFront(w) {
			return w.name() + " is muslsafe in front of this block. Only pods that do not ask it get answers of this block as they are."
		}
	}
	for _, b := range blocks {
		for _, to := range b.Forwards {
			for _, s := range e.Services {
				if s.Spec.Selector["app.kubernetes.io/name"] == "muslsafe" && slices.Contains(addresses(s), hostOf(strings.TrimPrefix(to, "dns://"))) {
					return "Service " + s.Metadata.path() + " is muslsafe behind it. It does not see names of the cluster, nor what this block makes of answers."
				}
			}
		}
	}
	return ""
}

// lint checks the Corefiles in ConfigMaps. Without any there is nothing to say: the DNS may be another one than CoreDNS.
func (e *examination) lint(where string, maps []ConfigMap) ([]lint.Finding, []lint.Block) {
	manifest, blocks := e.blocks(maps)
	if manifest == nil {
		return nil, nil
	}
	found, err := lint.CheckConfigMaps(where, bytes.NewReader(manifest), lint.Options{Search: nodeSearch(e.views)})
	if err != nil {
		e.unread = append(e.unread, Lack{"the Corefile in " + where, err.Error()})
	}
	return found, blocks
}

// blocks returns the server blocks of ConfigMaps, and the ConfigMaps as a manifest; nothing without a Corefile.
func (e *examination) blocks(maps []ConfigMap) ([]byte, []lint.Block) {
	maps = slices.DeleteFunc(slices.Clone(maps), func(c ConfigMap) bool { return !hasCorefile(c) })
	if len(maps) == 0 {
		return nil, nil
	}
	manifest := manifestOf(maps)
	blocks, _ := lint.ConfigMapBlocks("", bytes.NewReader(manifest)) // lint says what is wrong
	return manifest, blocks
}

// hasCorefile reports whether a ConfigMap has a Corefile or a part of one.
func hasCorefile(c ConfigMap) bool {
	for key := range c.Data {
		if key == "Corefile" || strings.HasSuffix(key, ".server") || strings.HasSuffix(key, ".override") {
			return true
		}
	}
	return false
}

// manifestOf writes ConfigMaps as a list, in JSON, which is YAML as well.
func manifestOf(maps []ConfigMap) []byte {
	type item struct {
		Kind     string            `json:"kind"`
		Metadata map[string]string `json:"metadata"`
		Data     map[string]string `json:"data"`
	}
	list := struct {
		Kind  string `json:"kind"`
		Items []item `json:"items"`
	}{Kind: "List"}
	for _, c := range maps {
		list.Items = append(list.Items, item{"ConfigMap", map[string]string{"name": c.Metadata.Name}, c.Data})
	}
	text, _ := json.Marshal(list) // strings cannot fail
	return text
}

func fromLint(f lint.Finding) Finding {
	return Finding{Level: f.Level, Rule: f.Rule, Where: fmt.Sprintf("%s:%d", f.File, f.Line), What: f.What, Why: f.Why, Instead: f.Instead}
}

// learn collects what the server blocks of the cluster DNS say.
func (c *config) learn(blocks []lint.Block) {
	c.known = len(blocks) > 0
	first := true
	for _, b := range blocks {
		c.cluster = append(c.cluster, b.Cluster...)
		c.autopath = c.autopath || b.Autopath
		if b.Muslsafe == nil {
			continue
		}
		c.present = true
		c.complete = c.complete || b.Has("complete")
		c.absolute = c.absolute || b.Has("absolute")
		c.dot = c.dot || b.Has("dot")
		c.search = append(c.search, b.Muslsafe["search"]...)
		c.cluster = append(c.cluster, b.Muslsafe["cluster"]...)
		if b.Has("complete") || b.Has("absolute") {
			c.except = inBoth(c.except, b.Muslsafe["except"], first)
			first = false
		}
	}
}

// answer says whether muslsafe is there.
func (c config) answer() Answered {
	switch {
	case c.present:
		return Yes
	case c.known:
		return No
	}
	return Unknown
}

// inBoth returns the names that are in both lists. The first list is all there is so far.
func inBoth(so, far []string, first bool) []string {
	if first {
		return far
	}
	return slices.DeleteFunc(slices.Clone(so), func(name string) bool { return !slices.Contains(far, name) })
}

// clusterDomain returns the domain of the cluster, as pods see it or as the Corefile says.
func (e *examination) clusterDomain() string {
	for _, v := range e.views {
		for _, domain := range v.Search {
			if rest, ok := strings.CutPrefix(domain, "svc."); ok {
				return bare(rest)
			}
		}
	}
	if len(e.config.cluster) > 0 {
		return bare(e.config.cluster[0])
	}
	return "cluster.local"
}

// bare returns a name in lower case without a final dot.
func bare(name string) string { return strings.ToLower(strings.TrimSuffix(name, ".")) }

// servers finds a DNS that answers in two ways at once.
func (e *examination) servers() []Finding {
	var names []string
	for _, w := range e.dns.workloads {
		names = append(names, w.name())
	}
	if len(names) < 2 {
		return nil
	}
	return []Finding{{
		Level: lint.Advice, Rule: "two-servers", Where: "Service " + e.dns.Service,
		What:    "several workloads answer for it: " + strings.Join(names, ", "),
		Why:     "Each query goes to any of their pods. Unless all have muslsafe, a lookup breaks now and then.",
		Instead: "scale the old one to 0 when the new one is ready",
	}}
}
