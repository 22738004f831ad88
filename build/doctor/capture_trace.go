package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/capture"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// sure is never 100 %: traffic can be made to look like anything.
func sure(r capture.Resolver) string { return fmt.Sprintf("%.0f %%", min(r.Sure*100, 99)) }

// traceText is one lookup, step by step, and what each libc makes of it.
func traceText(t capture.Trace) string {
	var b strings.Builder
	at := time.Unix(0, int64(t.At)).UTC().Format("2006-01-02 15:04:05.000 UTC")
	fmt.Fprintf(&b, "%s, client %s: %s, %s sure\n", at, t.Client, t.Resolver.Name, sure(t.Resolver))
	for _, why := range t.Resolver.Why {
		fmt.Fprintf(&b, "  %s\n", why)
	}
	o := t.Asked
	if o == nil {
		o = &t.Outcomes[3] // the newest musl, for want of a model
		fmt.Fprintf(&b, "this resolver is not modelled; here is what %s would have done\n", o.Model.Covers)
	}
	line := timeline{w: &b}
	_ = line.write(o.Model, strings.TrimSuffix(t.Name, "."), o.Result) // a strings.Builder never fails
	b.WriteString("\n" + outcomeTable(t) + "\n")
	for _, c := range t.Causes {
		fmt.Fprintf(&b, "  %s\n", text.Bold.Sprint(c.Kind))
		causeLines(&b, c)
	}
	return b.String()
}

// outcomeTable has a row for each libc.
func outcomeTable(t capture.Trace) string {
	tb := newTable()
	tb.Style().Options.SeparateRows = false
	tb.AppendHeader(table.Row{"", "gets", "after", "queries", "with muslsafe"})
	for i := range t.Outcomes {
		o := &t.Outcomes[i]
		name := o.Model.Covers
		if t.Asked != nil && t.Asked.Model == o.Model {
			name += " (asked)"
		}
		gets, after, color := o.Result.Err.String(), diagnosis.Seconds(o.Result.Elapsed), text.FgGreen
		if addrs := append(o.Result.V4[:len(o.Result.V4):len(o.Result.V4)], o.Result.V6...); o.Result.Err == stub.OK {
			gets = fewOf(list(addrs))
		}
		if o.Unknown != "" {
			gets, after = "unknown: asks for "+strings.TrimSuffix(o.Unknown, "."), ""
		}
		if len(o.Causes) > 0 {
			color = text.FgRed
		}
		tb.AppendRow(table.Row{name, color.Sprint(text.WrapSoft(gets, 40)), after, o.Queries, text.WrapSoft(o.Cured, 40)})
	}
	alignRight(tb, 3, 4)
	return tb.Render()
}

// fewOf cuts a list of addresses.
func fewOf(s string) string {
	words := strings.Fields(s)
	if len(words) > 2 {
		return fmt.Sprintf("%s +%d", words[0], len(words)-1)
	}
	return s
}
