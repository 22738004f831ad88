package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// lateAfter is when a lookup is shown as slow, in seconds of the user.
const lateAfter = 1.5

// writeReports writes the table of all names, and the hazards below it.
func writeReports(w io.Writer, d *diagnosis.Doctor, reports []diagnosis.Report) error {
	if _, err := fmt.Fprintf(w, "%s\n%s\n", settings(d), lookupTable(reports)); err != nil {
		return err
	}
	for _, r := range reports {
		if _, err := io.WriteString(w, "\n"+findings(r)); err != nil {
			return err
		}
	}
	return nil
}

// settings is the line that says where and how names are looked up.
func settings(d *diagnosis.Doctor) string {
	c := d.Config()
	search := strings.Join(c.Search, " ")
	if search == "" {
		search = "none"
	}
	return fmt.Sprintf("server %s, search %s, ndots %d\n", list(d.Servers()), search, c.Ndots)
}

func list[T fmt.Stringer](all []T) string {
	words := make([]string, len(all))
	for i, x := range all {
		words[i] = x.String()
	}
	return strings.Join(words, " ")
}

// newTable returns an empty table that looks alike in a pipe and on a terminal, but for colours.
func newTable() table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.Style().Options.SeparateRows = true
	return t
}

// lookupTable has a row for each name and a column for each libc.
func lookupTable(reports []diagnosis.Report) string {
	t := newTable()
	head := table.Row{""}
	for _, m := range stub.Models() {
		head = append(head, heading(m))
	}
	t.AppendHeader(head)
	for _, r := range reports {
		row := table.Row{text.WrapHard(r.Name, 40)}
		for _, l := range r.Lookups {
			row = append(row, cell(r, l))
		}
		t.AppendRow(row)
	}
	return t.Render()
}

// heading names a range of libcs.
func heading(m *stub.Model) string {
	if m.Alpine == "" {
		return m.Covers
	}
	return m.Covers + "\nAlpine " + m.Alpine
}

// cell is one lookup: green if it is as it should be, red if it fails, yellow if it is late or not what it should be.
func cell(r diagnosis.Report, l diagnosis.Lookup) string {
	result, color := l.Result.Err.String(), text.FgGreen
	if l.Result.Err == stub.OK {
		result = addresses(l)
	}
	switch {
	case harmed(r, l.Model) && l.Result.Err != stub.OK:
		color = text.FgRed
	case harmed(r, l.Model) || r.Unclear != "" || l.Result.Elapsed.Seconds() > lateAfter:
		color = text.FgYellow
	}
	return color.Sprint(result) + "\n" + fmt.Sprintf("%s, %s", took(l.Result), count(l.Queries(), "query", "queries"))
}

// addresses are those of a lookup that has found any, in the room of one.
func addresses(l diagnosis.Lookup) string {
	addrs := l.Addresses()
	if len(addrs) == 1 {
		return addrs[0].String()
	}
	return fmt.Sprintf("%s +%d", addrs[0], len(addrs)-1)
}

func took(r stub.Result) string {
	if r.Err == stub.Crash {
		return "at once"
	}
	return diagnosis.Seconds(r.Elapsed)
}

func harmed(r diagnosis.Report, m *stub.Model) bool {
	for _, h := range r.Hazards {
		for _, harm := range h.Harms {
			if harm.Model == m {
				return true
			}
		}
	}
	return false
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
