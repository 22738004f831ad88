package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/cluster"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// found is what was found out about one name, in the pods where it is the same.
type found struct {
	in   []string
	name cluster.ProbeName
	key  string
}

// writeProbes writes what was found out in pods: once for all in which it is the same.
func writeProbes(b *strings.Builder, probes []cluster.Probe) {
	var all []found
	for _, p := range probes {
		if p.Error != "" {
			fmt.Fprintf(b, "\n%s: %s: %s\n", place(p), text.FgYellow.Sprint("cannot tell"), p.Error)
		}
		if p.Pod != "" && p.Error == "" {
			fmt.Fprintf(b, "\npod %s: server %s, search %s, ndots %d\n", p.Pod, strings.Join(p.Servers, " "), strings.Join(p.Search, " "), p.Ndots)
		}
		for _, n := range p.Names {
			key := keyOf(n)
			i := slices.IndexFunc(all, func(f found) bool { return f.key == key })
			if i < 0 {
				i = len(all)
				all = append(all, found{name: n, key: key})
			}
			all[i].in = append(all[i].in, place(p))
		}
	}
	for _, f := range all {
		b.WriteString("\n" + probed(f))
	}
}

func place(p cluster.Probe) string {
	if p.Pod != "" {
		return "pod " + p.Pod
	}
	return p.Node
}

// keyOf tells results apart by what matters: answers may come in another order each time.
func keyOf(n cluster.ProbeName) string {
	key := n.Name + " " + n.Status
	for _, h := range n.Hazards {
		key += fmt.Sprintf(" %s %s %s %v", h.Kind, h.Question, h.Fix, h.Harms)
	}
	return key
}

// probed writes one result.
func probed(f found) string {
	var b strings.Builder
	head := fmt.Sprintf("%s from %s: ", f.name.Name, firstOf(f.in, 5))
	switch f.name.Status {
	case "hazards":
		fmt.Fprintf(&b, "%s%s\n", head, text.FgRed.Sprint(count(len(f.name.Hazards), "hazard", "hazards")))
	case "unclear":
		fmt.Fprintf(&b, "%s%s: %s\n", head, text.FgYellow.Sprint("cannot tell"), f.name.Unclear)
	default:
		fmt.Fprintf(&b, "%s%s\n", head, text.FgGreen.Sprint(f.name.Status))
	}
	var shown diagnosis.Report
	for _, t := range f.name.Tools {
		shown.Tools = append(shown.Tools, diagnosis.Tool{Name: t.Tool, Addrs: t.Addresses, Errors: t.Errors, Status: t.Status, Asks: t.Asks})
	}
	b.WriteString(tools(shown))
	for _, h := range f.name.Hazards {
		b.WriteString("\n")
		writeHazard(&b, h)
	}
	return b.String()
}

func writeHazard(b *strings.Builder, h cluster.Hazard) {
	fmt.Fprintf(b, "  %s\n", text.Bold.Sprint(h.Kind))
	for _, a := range h.Answers {
		fmt.Fprintf(b, "    %-12s%s: %s\n", a.Type+"?", h.Question, a.Answer)
	}
	if len(h.Answers) == 0 && h.Question != "" {
		fmt.Fprintf(b, "    %-12s%s\n", "not asked", h.Question)
	}
	paragraph(b, "why", h.Why)
	for i, l := range effects(h.Harms) {
		label := ""
		if i == 0 {
			label = "breaks"
		}
		paragraph(b, label, l)
	}
	if h.Fix != "" {
		paragraph(b, "cure", "muslsafe: "+h.Fix)
	} else {
		paragraph(b, "cure", "none that a DNS server could have")
	}
	paragraph(b, "without it", h.Workaround)
}

// effects has a line for each effect, with the libcs that suffer it.
func effects(harms []cluster.Harm) (lines []string) {
	libcs := make(map[string][]string)
	var order []string
	for _, h := range harms {
		if libcs[h.Effect] == nil {
			order = append(order, h.Effect)
		}
		libcs[h.Effect] = append(libcs[h.Effect], h.Libc)
	}
	for _, effect := range order {
		lines = append(lines, strings.Join(libcs[effect], ", ")+": "+effect)
	}
	return lines
}

// brokenNames counts the names that break somewhere.
func brokenNames(probes []cluster.Probe) int {
	broken := make(map[string]bool)
	for _, p := range probes {
		for _, n := range p.Names {
			if n.Status == "hazards" {
				broken[n.Name] = true
			}
		}
	}
	return len(broken)
}
