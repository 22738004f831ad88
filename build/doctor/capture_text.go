package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/capture"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// topRows is how many names and clients are listed.
const topRows = 15

// captureWriter writes what a capture shows.
type captureWriter struct {
	*capture.Report
	only   bool // names or clients were asked for
	octets int64
	took   time.Duration
}

// text returns the report for people, or the lookups that were asked for.
func (w *captureWriter) text() string {
	var b strings.Builder
	if w.only {
		for _, t := range w.Traces {
			b.WriteString(traceText(t) + "\n")
		}
		if w.More > 0 {
			fmt.Fprintf(&b, "%s more; --json has up to %s\n", humanize.Comma(w.More), humanize.Comma(tracesAsJSON))
		}
		return b.String()
	}
	b.WriteString(w.head())
	if len(w.Hazards) == 0 {
		b.WriteString("\n" + text.FgGreen.Sprint("nothing breaks") + "\n")
	} else {
		b.WriteString("\n" + w.hazardTable() + "\n")
		for _, h := range w.Hazards {
			b.WriteString("\n" + captureHazard(h))
		}
		b.WriteString("\n" + w.nameTable() + "\n")
	}
	b.WriteString("\n" + w.clientTable() + "\n")
	return b.String()
}

// head says what was read, and what of it was not used.
func (w *captureWriter) head() string {
	var b strings.Builder
	c := w.Counts
	fmt.Fprintf(&b, "%s, %s of DNS, in %.1f s of traffic; %s, read in %.1f s\n", english.Plural(int(c.Packets), "packet", ""),
		humanize.Comma(c.Messages), w.Seconds, humanize.Bytes(uint64(w.octets)), w.took.Seconds())
	fmt.Fprintf(&b, "%s: %s fine on every libc, %s without an address, ", english.Plural(int(w.Lookups), "lookup", ""),
		text.FgGreen.Sprint(humanize.Comma(w.Found)), humanize.Comma(w.Absent))
	fmt.Fprintf(&b, "%s broke, %s would break on another libc\n", text.FgRed.Sprint(humanize.Comma(w.Broke)), text.FgYellow.Sprint(humanize.Comma(w.AtRisk)))
	var skipped []string
	for _, row := range []struct {
		n    int64
		what string
	}{
		{c.Fragments, "fragments of packets"}, {c.Broken, "packets that cannot be read"}, {c.Lost, "TCP connections with missing segments"},
		{c.Bare, "dnstap messages without a DNS message"}, {w.Partial, "lookups with replies cut by the capture (tcpdump -s 0)"},
		{w.Unfinished, "lookups under way at the end"}, {w.Dropped, "lookups given up, too many at a time"}, {w.Unjudged, "lookups of too many clients"},
		{w.Echoes, "packets seen twice"}, {w.Orphans, "replies without a question"}, {w.Others, "questions that are not for addresses"},
	} {
		if row.n > 0 {
			skipped = append(skipped, row.what+": "+humanize.Comma(row.n))
		}
	}
	if len(skipped) > 0 {
		b.WriteString(text.WrapSoft("left out: "+strings.Join(skipped, ", "), width) + "\n")
	}
	return b.String()
}

func (w *captureWriter) hazardTable() string {
	t := newTable()
	t.Style().Options.SeparateRows = false
	t.AppendHeader(table.Row{"hazard", "broke", "at risk", "names", "clients", "slowest"})
	for _, h := range w.Hazards {
		t.AppendRow(table.Row{string(h.Kind), humanize.Comma(h.Broke), humanize.Comma(h.AtRisk), humanize.Comma(int64(h.Names)), humanize.Comma(int64(h.Clients)), slowest(h.Row)})
	}
	alignRight(t, 2, 6)
	return t.Render()
}

// slowest is empty where nothing broke.
func slowest(r capture.Row) string {
	if r.Broke == 0 {
		return ""
	}
	return diagnosis.Seconds(r.Slowest)
}

func alignRight(t table.Writer, from, to int) {
	var right []table.ColumnConfig
	for column := from; column <= to; column++ {
		right = append(right, table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
}

// captureHazard explains one hazard by its example.
func captureHazard(h capture.Hazard) string {
	var b strings.Builder
	e := h.Example
	advice := diagnosis.Hazard{Kind: h.Kind}.Advice()
	fmt.Fprintf(&b, "  %s\n", text.Bold.Sprint(h.Kind))
	paragraph(&b, "for example", fmt.Sprintf("%s (%s) looks up %s", e.Client, e.Resolver, e.Name))
	causeLines(&b, e.Cause)
	paragraph(&b, "why", advice.Why)
	for i, line := range harmLines(e.Harms, func(x capture.Harm) string { return x.Effect }) {
		paragraph(&b, labelOnce(i, "breaks"), line)
	}
	if advice.Cure == "" {
		paragraph(&b, "cure", "none that a DNS server could have")
	} else {
		paragraph(&b, "cure", "muslsafe: "+advice.Cure)
		for i, line := range harmLines(e.Harms, func(x capture.Harm) string { return x.Cured }) {
			paragraph(&b, labelOnce(i, "with it"), line)
		}
	}
	paragraph(&b, "without it", advice.Workaround)
	return b.String()
}

func labelOnce(i int, label string) string {
	if i > 0 {
		return ""
	}
	return label
}

// causeLines has the question, what came back, and what muslsafe would have answered.
func causeLines(b *strings.Builder, c capture.Cause) {
	question := strings.TrimSuffix(c.Question, ".")
	if c.Malformed {
		question += " (malformed)"
	}
	for _, answer := range c.Answers {
		paragraph(b, answer.Type+"?", question+": "+answer.Says)
	}
	for i, answer := range c.Instead {
		paragraph(b, labelOnce(i, "muslsafe"), "would have answered "+answer.Type+" with "+answer.Says)
	}
}

// harmLines has a line for each effect, with the libcs that have it; the one that asked is marked.
func harmLines(harms []capture.Harm, effect func(capture.Harm) string) (lines []string) {
	var effects []string
	libcs := make(map[string][]string)
	for _, h := range harms {
		says := effect(h)
		if says == "" {
			continue
		}
		if libcs[says] == nil {
			effects = append(effects, says)
		}
		name := h.Model.Covers
		if h.Asked {
			name += " (asked)"
		}
		libcs[says] = append(libcs[says], name)
	}
	for _, says := range effects {
		lines = append(lines, strings.Join(libcs[says], ", ")+": "+says)
	}
	return lines
}

func (w *captureWriter) nameTable() string {
	t := newTable()
	t.Style().Options.SeparateRows = false
	t.AppendHeader(table.Row{"name", "hazards", "broke", "at risk", "slowest", "the program"})
	for i, r := range w.Names {
		if i == topRows {
			t.AppendFooter(table.Row{fmt.Sprintf("%s more", humanize.Comma(int64(len(w.Names)-topRows)))})
			break
		}
		t.AppendRow(table.Row{text.WrapHard(r.Name, 44), kindList(r.Kinds), humanize.Comma(r.Broke), humanize.Comma(r.AtRisk), slowest(r), text.WrapSoft(r.Effect, 34)})
	}
	alignRight(t, 3, 5)
	return t.Render()
}

func kindList(kinds []diagnosis.Kind) string {
	var words []string
	for _, k := range kinds {
		words = append(words, string(k))
	}
	return strings.Join(words, ", ")
}

func (w *captureWriter) clientTable() string {
	t := newTable()
	t.Style().Options.SeparateRows = false
	t.AppendHeader(table.Row{"client", "resolver", "sure", "lookups", "broke", "at risk", "slowest"})
	for i, c := range w.Clients {
		if i == topRows {
			t.AppendFooter(table.Row{fmt.Sprintf("%s more", humanize.Comma(int64(len(w.Clients)-topRows)))})
			break
		}
		t.AppendRow(table.Row{c.Address, c.Resolver.Name, sure(c.Resolver), humanize.Comma(c.Lookups), humanize.Comma(c.Broke), humanize.Comma(c.AtRisk), slowest(c.Row)})
	}
	alignRight(t, 3, 7)
	return t.Render()
}
