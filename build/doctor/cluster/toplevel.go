package cluster

import (
	"fmt"
	"slices"

	"golang.org/x/net/publicsuffix"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// isTopLevel reports whether a name is that of a top-level domain.
func isTopLevel(name string) bool {
	suffix, icann := publicsuffix.PublicSuffix("example." + name)
	return icann && (suffix == name || suffix == "example."+name) // the latter where all second-level domains are public
}

// topLevel finds namespaces in which every Service takes a name of the internet.
func (e *examination) topLevel() (all []Finding) {
	for _, n := range e.Namespaces {
		name := n.Metadata.Name
		if !isTopLevel(name) {
			continue
		}
		var taken []string
		for _, s := range e.Services {
			if s.Metadata.Namespace == name {
				taken = append(taken, s.Metadata.Name+"."+name)
			}
		}
		slices.Sort(taken)
		f := Finding{
			Level: lint.Advice, Rule: "top-level", Where: "Namespace " + name,
			What:    fmt.Sprintf("it is called like a top-level domain: a Service example in it takes the place of example.%s for every pod", name),
			Why:     "Pods search for names of two labels in the cluster first, whatever their libc.",
			Instead: "another name for the namespace, such as " + name + "-apps",
		}
		if len(taken) > 0 {
			f.What = fmt.Sprintf("it is called like a top-level domain: its Services take the place of %s for every pod", some(taken, 5))
		}
		if e.config.complete {
			f.Why += " And complete asks more before it may answer a pod there."
		}
		all = append(all, f)
	}
	return all
}
