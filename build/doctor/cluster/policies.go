package cluster

import (
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// rules returns all rules of a policy.
func (p Policy) rules() []PolicyRule {
	if p.Spec == nil {
		return p.Specs
	}
	return append([]PolicyRule{*p.Spec}, p.Specs...)
}

// connects returns the names that pods may connect to, and asks those that they may ask for.
func (p Policy) connects() (names []FQDN) {
	for _, r := range p.rules() {
		for _, egress := range r.Egress {
			names = append(names, egress.ToFQDNs...)
		}
	}
	return names
}

func (p Policy) asks() (names []FQDN) {
	for _, r := range p.rules() {
		for _, egress := range r.Egress {
			for _, port := range egress.ToPorts {
				names = append(names, port.Rules.DNS...)
			}
		}
	}
	return names
}

// isAny reports whether a selector has all names.
func (f FQDN) isAny() bool { return f.MatchPattern == "*" || f.MatchPattern == "**" }

// domain returns the domain in which all names are that are selected: the name, or what stands behind the last
// wildcard. It is empty if there is none.
func (f FQDN) domain() string {
	if f.MatchName != "" {
		return bare(f.MatchName)
	}
	rest := f.MatchPattern[strings.LastIndexByte(f.MatchPattern, '*')+1:]
	if len(rest) == len(f.MatchPattern) {
		return bare(rest)
	}
	_, domain, _ := strings.Cut(rest, ".") // the wildcard may be a part of a label
	return bare(domain)
}

// policies finds those of Cilium that harm lookups on musl, or that muslsafe makes deny what they should allow.
func (e *examination) policies() (all []Finding) {
	all = append(all, e.refused()...)
	if !e.config.complete && !e.config.absolute && !e.config.autopath {
		return all
	}
	for _, p := range e.Policies {
		if harmed := e.unexcepted(p); len(harmed) > 0 {
			all = append(all, e.aliased(p, harmed))
		}
	}
	return all
}

// unexcepted returns the names of a policy that muslsafe answers by an alias.
func (e *examination) unexcepted(p Policy) (harmed []FQDN) {
	for _, f := range p.connects() {
		isExcepted := slices.ContainsFunc(e.config.except, func(name string) bool {
			domain, name := f.domain(), bare(name)
			return domain == name || strings.HasSuffix(domain, "."+name)
		})
		if !f.isAny() && (!isExcepted || e.config.autopath) { // autopath has no exceptions
			harmed = append(harmed, f)
		}
	}
	return harmed
}

func (e *examination) aliased(p Policy, harmed []FQDN) Finding {
	plugin := "complete"
	switch {
	case e.config.autopath:
		plugin = "autopath"
	case !e.config.complete:
		plugin = "absolute"
	}
	return Finding{
		Level: lint.Hazard, Rule: "tofqdns", Where: p.Kind + " " + p.Metadata.path(),
		What:    "toFQDNs allows " + selectors(harmed) + ", which pods find by an alias: " + plugin + " answers the first name of the search",
		Why:     "Cilium binds addresses to the name in the question, and that is not the name in the policy: it denies the connection, on every libc.",
		Instead: e.withoutAlias(plugin, harmed),
	}
}

// withoutAlias says how to keep names from being answered by an alias.
func (e *examination) withoutAlias(plugin string, harmed []FQDN) string {
	except := slices.Clone(e.config.except)
	for _, f := range harmed {
		if domain := f.domain(); domain != "" && !slices.Contains(except, domain) {
			except = append(except, domain)
		}
	}
	if plugin == "autopath" || len(except) == 0 {
		return "no " + plugin
	}
	return "muslsafe {\n    " + plugin + "\n    except " + strings.Join(except, " ") + "\n}\nor no " + plugin
}

// selectors writes what a policy has.
func selectors(all []FQDN) string {
	var words []string
	for _, f := range all {
		words = append(words, f.MatchName+f.MatchPattern)
	}
	return some(words, 5)
}

// refused finds a DNS proxy of Cilium that says REFUSED to the names of a search.
func (e *examination) refused() []Finding {
	var with []string
	for _, p := range e.Policies {
		if names := p.asks(); len(names) > 0 && !slices.ContainsFunc(names, FQDN.isAny) {
			with = append(with, p.Metadata.path())
		}
	}
	for _, w := range e.Workloads {
		c, ok := e.configMap(w.Metadata.Namespace, ciliumConfig)
		if !ok || !isCilium(w) || len(with) == 0 || c.Data["tofqdns-dns-reject-response-code"] == "nameError" {
			continue
		}
		return []Finding{{
			Level: lint.Hazard, Rule: "cilium-refused", Where: "policies " + some(with, 3),
			What:    "Cilium says REFUSED to names that the DNS rules of these policies do not allow, such as those of a search",
			Why:     "musl takes REFUSED for no answer: it waits 5 seconds, and gives up the search before it comes to the name that is allowed. muslsafe is not asked.",
			Instead: "tofqdns-dns-reject-response-code: nameError in ConfigMap " + c.Metadata.path() + " (dnsProxy.dnsRejectResponseCode in the values of the chart)\nor matchPattern: \"*\" in the DNS rules",
		}}
	}
	return nil
}
