package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// rule is one that krew has published: what the program refuses (internal/index/validation of its source), what the check
// of its index warns of (cmd/validate-krew-manifest), and what its documents ask for.
type rule struct {
	about string
	holds func(m manifest) bool
	harm  func(m *manifest) // breaks it
}

// every returns a rule for each platform.
func every(holds func(p platform) bool) func(manifest) bool {
	return func(m manifest) bool {
		return !slices.ContainsFunc(m.Spec.Platforms, func(p platform) bool { return !holds(p) })
	}
}

// lines reports whether no line of a text is longer than krew shows.
func lines(text string, most int) bool {
	return !slices.ContainsFunc(strings.Split(text, "\n"), func(l string) bool { return len(l) > most })
}

func matches(pattern, text string) bool { return regexp.MustCompile(pattern).MatchString(text) }

// The first twelve are refused by the program, the next two by the check, and the last ones by the people who review.
var rules = []rule{
	{"apiVersion", func(m manifest) bool { return m.APIVersion == "krew.googlecontainertools.github.com/v1alpha2" }, func(m *manifest) { m.APIVersion = "v1" }},
	{"kind", func(m manifest) bool { return m.Kind == "Plugin" }, func(m *manifest) { m.Kind = "plugin" }},
	{"a safe name", func(m manifest) bool { return matches(`^[\w-]+$`, m.Metadata.Name) }, func(m *manifest) { m.Metadata.Name = "a b" }},
	{"a short description", func(m manifest) bool { return m.Spec.ShortDescription != "" }, func(m *manifest) { m.Spec.ShortDescription = "" }},
	{"in one line", func(m manifest) bool { return !strings.ContainsAny(m.Spec.ShortDescription, "\r\n") }, func(m *manifest) { m.Spec.ShortDescription = "a\nb" }},
	{"a semantic version with a v", func(m manifest) bool { return semantic.MatchString(m.Spec.Version) }, func(m *manifest) { m.Spec.Version = "1.0.0" }},
	{"a platform", func(m manifest) bool { return len(m.Spec.Platforms) > 0 }, func(m *manifest) { m.Spec.Platforms = nil }},
	{"an address", every(func(p platform) bool { return strings.HasPrefix(p.URI, "https://") }), func(m *manifest) { m.Spec.Platforms[0].URI = "" }},
	{"a checksum", every(func(p platform) bool { return matches(`^[a-f0-9]{64}$`, p.SHA256) }), func(m *manifest) { m.Spec.Platforms[0].SHA256 = "ABC" }},
	{"a program", every(func(p platform) bool { return p.Bin != "" }), func(m *manifest) { m.Spec.Platforms[0].Bin = "" }},
	{"files from and to", every(func(p platform) bool {
		return len(p.Files) > 0 && !slices.ContainsFunc(p.Files, func(f file) bool { return f.From == "" || f.To == "" })
	}), func(m *manifest) { m.Spec.Platforms[0].Files[0].To = "" }},
	{"a selector by os and arch alone", every(func(p platform) bool {
		_, os := p.Selector.MatchLabels["os"]
		_, arch := p.Selector.MatchLabels["arch"]
		return os && arch && len(p.Selector.MatchLabels) == 2
	}), func(m *manifest) { m.Spec.Platforms[0].Selector.MatchLabels["libc"] = "musl" }},

	{"selectors that do not overlap", func(m manifest) bool {
		seen := map[string]bool{}
		for _, p := range m.Spec.Platforms {
			seen[fmt.Sprint(p.Selector)] = true
		}
		return len(seen) == len(m.Spec.Platforms)
	}, func(m *manifest) { m.Spec.Platforms = append(m.Spec.Platforms, m.Spec.Platforms[0]) }},
	{"lines of 80 characters", func(m manifest) bool { return lines(m.Spec.Description, 80) }, func(m *manifest) { m.Spec.Description = strings.Repeat("a ", 41) }},

	{"a short description of 50 characters", func(m manifest) bool { return len(m.Spec.ShortDescription) <= 50 }, func(m *manifest) { m.Spec.ShortDescription = strings.Repeat("a", 51) }},
	{"a name in lower case with hyphens, and not a general one", func(m manifest) bool {
		return matches(`^[a-z][a-z0-9-]*$`, m.Metadata.Name) && !slices.Contains([]string{"doctor", "diagnose", "dns", "check"}, m.Metadata.Name)
	}, func(m *manifest) { m.Metadata.Name = "doctor" }},
	{"a page", func(m manifest) bool { return strings.HasPrefix(m.Spec.Homepage, "https://") }, func(m *manifest) { m.Spec.Homepage = "" }},
	{"the license beside the program", every(func(p platform) bool {
		return slices.ContainsFunc(p.Files, func(f file) bool { return f.From == "LICENSE" })
	}), func(m *manifest) { m.Spec.Platforms[0].Files = m.Spec.Platforms[0].Files[:1] }},
	{"the program is called by the name of the plugin", every(func(p platform) bool { return strings.TrimSuffix(p.Bin, ".exe") == "kubectl-muslsafe" }), func(m *manifest) { m.Spec.Platforms[0].Bin = "doctor" }},
}
