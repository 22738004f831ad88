package main

import (
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// width of the text below the table.
const width = 100

// findings is what there is to say about one name.
func findings(r diagnosis.Report) string {
	if r.Unclear == "" && len(r.Hazards) == 0 {
		return fmt.Sprintf("%s: %s\n", r.Name, text.FgGreen.Sprint("healthy"))
	}
	var b strings.Builder
	if r.Unclear != "" {
		fmt.Fprintf(&b, "%s: %s: %s\n", r.Name, text.FgYellow.Sprint("cannot tell"), r.Unclear)
	} else {
		fmt.Fprintf(&b, "%s: %s\n", r.Name, text.FgRed.Sprint(count(len(r.Hazards), "hazard", "hazards")))
	}
	b.WriteString(tools(r))
	for _, h := range r.Hazards {
		b.WriteString("\n" + hazard(h))
	}
	return b.String()
}

// tools says what nslookup and dig show, so that nobody believes them.
func tools(r diagnosis.Report) string {
	if len(r.Tools) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n  %s\n", text.Bold.Sprint("what other programs show"))
	for _, t := range r.Tools {
		paragraph(&b, t.Name, t.Shows()+"; "+t.Asks)
	}
	return b.String()
}

// hazard explains one of them.
func hazard(h diagnosis.Hazard) string {
	var b strings.Builder
	a := h.Advice()
	fmt.Fprintf(&b, "  %s\n", text.Bold.Sprint(h.Kind))
	for _, answer := range h.Answers {
		label := answer.Type + "?"
		question := strings.TrimSuffix(h.Question, ".")
		if h.Malformed {
			question += " (malformed)"
		}
		fmt.Fprintf(&b, "    %-12s%s: %s\n", label, question, answer.Says)
	}
	if len(h.Answers) == 0 && h.Question != "" {
		fmt.Fprintf(&b, "    %-12s%s\n", "not asked", strings.TrimSuffix(h.Question, "."))
	}
	paragraph(&b, "why", a.Why)
	for i, line := range harms(h) {
		label := ""
		if i == 0 {
			label = "breaks"
		}
		paragraph(&b, label, line)
	}
	if a.Cure == "" {
		paragraph(&b, "cure", "none that a DNS server could have")
	} else {
		paragraph(&b, "cure", "muslsafe: "+a.Cure)
	}
	paragraph(&b, "without it", a.Workaround)
	return b.String()
}

// paragraph writes text behind a label, wrapped.
func paragraph(b *strings.Builder, label, s string) {
	for i, line := range strings.Split(text.WrapSoft(s, width-16), "\n") {
		if i > 0 {
			label = ""
		}
		fmt.Fprintf(b, "    %-12s%s\n", label, strings.TrimRight(line, " "))
	}
}

// harms has a line for each effect, with the libcs that suffer it.
func harms(h diagnosis.Hazard) (lines []string) {
	var effects []string
	libcs := make(map[string][]string)
	for _, harm := range h.Harms {
		if libcs[harm.Effect] == nil {
			effects = append(effects, harm.Effect)
		}
		libcs[harm.Effect] = append(libcs[harm.Effect], strings.ReplaceAll(heading(harm.Model), "\n", " (")+closing(harm.Model.Alpine))
	}
	for _, effect := range effects {
		lines = append(lines, strings.Join(libcs[effect], ", ")+": "+effect)
	}
	return lines
}

func closing(alpine string) string {
	if alpine == "" {
		return ""
	}
	return ")"
}
