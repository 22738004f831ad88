package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/scan"
)

// scanExampleCount is how many paths stand for many.
const scanExampleCount = 3

// evidenceWidth is the width of that column.
const evidenceWidth = 40

// scanReport is what there is to say about one path or image.
func scanReport(r *scan.Report, all bool) string {
	var b strings.Builder
	if !r.Alone {
		b.WriteString(scanTitle(r) + "\n")
	}
	if len(r.Programs) == 0 {
		b.WriteString("no programs\n")
	} else {
		b.WriteString(scanTable(r, all) + "\n")
	}
	for i, p := range r.Unreadable {
		if i == scanExampleCount && !all {
			fmt.Fprintf(&b, "and %s more that could not be read\n", english.Plural(len(r.Unreadable)-i, "file", ""))
			break
		}
		fmt.Fprintf(&b, "%s: %s %s\n", text.FgYellow.Sprint("not read"), printable(p.Path), p.Why)
	}
	return b.String()
}

func scanTitle(r *scan.Report) string {
	title := printable(r.Path)
	if r.Image != "" {
		title += ": " + printable(r.Image)
	}
	if r.Platform != "" {
		title += " (" + printable(r.Platform) + ")"
	}
	return title
}

// printable is a text from a file, without what would change the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return '?'
		}
		return r
	}, s)
}

// scanGroup are programs of which the same can be said.
type scanGroup struct {
	first scan.Program
	paths []string
	why   []string // the evidence, each once
}

// scanGroups groups programs by resolver and version, those at risk first. The version of Go does not matter.
func scanGroups(programs []scan.Program, all bool) (groups []*scanGroup) {
	known := make(map[string]*scanGroup)
	for _, p := range programs {
		key := fmt.Sprint(scanResolver(p), p.Guess)
		if all {
			key = scanName(p)
		}
		g := known[key]
		if g == nil {
			g = &scanGroup{first: p}
			known[key], groups = g, append(groups, g)
		}
		g.paths = append(g.paths, scanName(p))
		if why := strings.Join(p.Evidence, "; "); !slices.Contains(g.why, why) && len(g.why) <= scanExampleCount {
			g.why = append(g.why, why)
		}
	}
	slices.SortStableFunc(groups, func(a, b *scanGroup) int { return scanRank(a.first) - scanRank(b.first) })
	return groups
}

// scanName is the path of a program, with the process if it runs.
func scanName(p scan.Program) string {
	if p.PID == 0 {
		return printable(p.Path)
	}
	return fmt.Sprintf("%s (process %d)", printable(p.Path), p.PID)
}

func scanRank(p scan.Program) int {
	switch {
	case p.AtRisk:
		return 0
	case p.Resolver == scan.Unknown:
		return 1
	}
	return 2
}

func scanTable(r *scan.Report, all bool) string {
	t := newTable()
	t.AppendHeader(table.Row{"resolver", "programs", "evidence", "hazards"})
	for _, g := range scanGroups(r.Programs, all) {
		t.AppendRow(table.Row{
			scanColor(g.first).Sprint(scanResolver(g.first)), scanPaths(g), scanEvidence(g), scanKinds(g.first.Hazards),
		})
	}
	t.SetColumnConfigs([]table.ColumnConfig{
		{Number: 1, WidthMax: 20, WidthMaxEnforcer: text.WrapSoft}, {Number: 2, WidthMax: 40, WidthMaxEnforcer: text.WrapText},
		{Number: 4, WidthMax: 24, WidthMaxEnforcer: text.WrapSoft},
	})
	return t.Render()
}

func scanColor(p scan.Program) text.Color {
	return []text.Color{text.FgRed, text.FgYellow, text.FgGreen}[scanRank(p)]
}

// scanResolver names the resolver, and those that the program can be told to use.
func scanResolver(p scan.Program) string {
	s := string(p.Resolver)
	if p.Version != "" && p.Resolver != scan.Go {
		s += " " + printable(p.Version)
	}
	if p.Guess && p.Resolver != scan.Unknown {
		s += " (guess)"
	}
	for _, o := range p.Also {
		s += strings.TrimRight(", or "+string(o.Resolver)+" "+printable(o.Version), " ")
	}
	return s
}

func scanPaths(g *scanGroup) string {
	var lines []string
	if len(g.paths) > 1 {
		lines = append(lines, english.Plural(len(g.paths), "program", "")+":")
	}
	for i, path := range g.paths {
		if i == scanExampleCount {
			lines = append(lines, "...")
			break
		}
		lines = append(lines, path)
	}
	return strings.Join(lines, "\n")
}

func scanEvidence(g *scanGroup) string {
	lines := slices.Clone(g.why)
	if len(lines) > scanExampleCount {
		lines[scanExampleCount] = "and the like"
	}
	for _, o := range g.first.Also {
		lines = append(lines, string(o.Resolver)+" "+o.When)
	}
	for i, line := range lines {
		lines[i] = text.WrapSoft(printable(line), evidenceWidth)
	}
	return strings.Join(lines, "\n")
}

func scanKinds(all []diagnosis.Kind) string {
	words := make([]string, len(all))
	for i, k := range all {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// scanLegend explains the hazards that are in the tables.
func scanLegend(reports []*scan.Report) string {
	var b strings.Builder
	var seen []diagnosis.Kind
	for _, r := range reports {
		for _, p := range r.Programs {
			for _, k := range p.Hazards {
				if !slices.Contains(seen, k) {
					seen = append(seen, k)
				}
			}
		}
	}
	for _, k := range seen {
		fmt.Fprintf(&b, "%-12s%s\n", k, k.Brief())
	}
	if len(seen) > 0 {
		b.WriteString("doctor NAME shows which of them happen to a name, and what helps.\n\n")
	}
	return b.String()
}

func scanSummary(c scanCount) string {
	switch {
	case c.AtRisk > 0:
		return fmt.Sprintf("%d of %s at risk\n", c.AtRisk, english.Plural(c.Programs, "program", ""))
	case c.Programs == 0:
		return "no program was found, so nothing can be told\n"
	case c.Unknown > 0 || c.Unreadable > 0:
		return fmt.Sprintf("no musl was found, but %s unknown and %s could not be read\n",
			english.Plural(c.Unknown, "resolver is", "resolvers are"), english.Plural(c.Unreadable, "file", ""))
	}
	return fmt.Sprintf("%s, none at risk\n", english.Plural(c.Programs, "program", ""))
}
