// Package lint points at what harms musl in a Corefile.
package lint

import (
	"cmp"
	"io"
	"slices"
)

// A Level says how bad a finding is.
type Level string

// The levels.
const (
	Hazard Level = "hazard" // lookups break, or the configuration does not do what it says
	Advice Level = "advice" // works, and there is something better
)

// A Finding is one place in a Corefile, and what to write instead.
type Finding struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Level   Level  `json:"level"`
	Rule    string `json:"rule"`
	What    string `json:"what"`
	Why     string `json:"why"`
	Instead string `json:"instead"` // may have several lines
}

// Options are what a Corefile alone does not say.
type Options struct {
	Search  []string // search domains of the nodes
	Servers []string // name servers of the nodes, which "forward . /etc/resolv.conf" goes to; nil if they are not known
}

// rules are all that is looked for, each in one server block.
var rules = []func(c *config, b *block) []Finding{
	muslsafeMissing, aaaaTemplates, templateGuards, templatesWithoutSOA, rewriteGuards, servfailCached, forwardOrder, forwardLoops,
	autopathWithComplete,
}

// Check reads a Corefile and what it imports, and returns the findings by file and line. It fails on what CoreDNS
// would not read either.
func Check(file string, r io.Reader, o Options) ([]Finding, error) {
	c, err := read(file, r)
	if err != nil {
		return nil, err
	}
	c.learn(o)
	var all []Finding
	for _, b := range c.blocks {
		for _, rule := range rules {
			all = append(all, rule(c, b)...)
		}
	}
	return inOrder(all), nil
}

// inOrder sorts findings by place. A snippet that several blocks import is one place.
func inOrder(all []Finding) []Finding {
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Rule, b.Rule))
	})
	return slices.Compact(all)
}
