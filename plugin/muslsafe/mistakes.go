package muslsafe

import (
	"fmt"
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// warnings lists what in a configuration has no effect, or is probably a mistake. The server starts anyway.
func (s *settings) warnings() (list []string) {
	warn := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if served := s.suffixes.Zones(); len(s.zones) > 0 && len(served) > 0 && !overlap(s.zones, served) {
		warn("zones %v are outside the server block %v, so muslsafe does nothing there", s.zones, served)
	}
	if (s.fixes == verdict.Fixes{}) && !s.clients {
		warn("all fixes are disabled, so muslsafe does nothing")
	}
	if s.fixes[verdict.Wildcard] && len(s.suffixes.Search()) == 0 {
		warn(`"wildcard" has no effect, because no search domains of the nodes are known`)
	}
	if s.fixes[verdict.Complete] && len(s.suffixes.Cluster()) == 0 {
		warn(`"complete" has no effect without a cluster domain`)
	}
	if s.fixes[verdict.Absolute] && len(s.suffixes.Cluster())+len(s.suffixes.Search()) == 0 {
		warn(`"absolute" has no effect without a cluster domain or a search domain of the nodes`)
	}
	for _, d := range s.search {
		if names.AnyContains(s.cluster, string(d)) {
			warn("search domain %q is ignored: it belongs to a cluster domain, and says nothing about the nodes", d)
		}
	}
	for _, c := range s.cluster {
		for _, below := range s.cluster {
			if below != c && c.Contains(string(below)) {
				warn("cluster domain %q is below cluster domain %q; expect domains that do not contain each other", below, c)
			}
		}
	}
	return list
}

// overlap reports whether a domain of one list equals, contains or is below one of the other.
func overlap(a, b []names.Domain) bool {
	return slices.ContainsFunc(a, func(d names.Domain) bool {
		return names.AnyContains(b, string(d)) || slices.ContainsFunc(b, func(other names.Domain) bool { return d.Contains(string(other)) })
	})
}

// isPlugin reports whether a token in the block names a plugin and not a property.
func isPlugin(token string) bool {
	isProperty := slices.ContainsFunc(properties, func(p property) bool { return p.name == token })
	return !isProperty && slices.Contains(dnsserver.Directives, token)
}

// unclosed says that the block, which began in a line, is not closed before another plugin begins. If none begins, the } of
// the server block closes it; if that is missing too, CoreDNS finds out before it calls muslsafe.
func unclosed(token string, began int) string {
	return fmt.Sprintf("%q is a plugin, not a property; expect } before it, because the block that begins with { in line %d is not closed", token, began)
}

// surplus says what is wrong with a token after the end of the block.
func surplus(token string) string {
	if token == pluginName {
		return fmt.Sprintf("%q is used twice in this server block; expect it once, with all properties in one block", token)
	}
	return fmt.Sprintf("unexpected token %q; expect nothing after the block of %s", token, pluginName)
}
