package main

import (
	"fmt"
	"os"
	"strings"
)

// The table in the README stands between these lines.
const (
	tableBegins = "<!-- bench -->\n"
	tableEnds   = "<!-- /bench -->\n"
)

// Columns of the table in the README, a column for each peer.
var (
	packetsOf   = []string{"stock", "muslsafe", "complete", "unbound"}
	processorOf = []string{"muslsafe", "complete", "unbound"} // as a multiple of stock
)

// summary is the table in the README: what a warm lookup costs in packets and in processor time, a row per kind of name.
// Kinds that were not measured have no row.
func (r *results) summary() string {
	var columns []string
	for _, peer := range packetsOf {
		columns = append(columns, "packets, "+peer)
	}
	for _, peer := range processorOf {
		columns = append(columns, "CPU, "+peer)
	}
	var out strings.Builder
	head(&out, "lookup", columns)
	for _, kind := range kinds {
		if r.row("lookups", "stock", kind+" warm") != nil {
			r.summaryRow(&out, kind)
		}
	}
	return out.String()
}

func (r *results) summaryRow(out *strings.Builder, kind string) {
	const part = "lookups"
	name := kind + " warm"
	fmt.Fprintf(out, "| `%s` |", newTarget(kind, 7).name)
	for _, peer := range packetsOf {
		packets, ok := r.get(part, peer, name, "packets")
		fmt.Fprintf(out, " %s |", orDash(short3(packets), ok))
	}
	for _, peer := range processorOf {
		times, ok := r.ratio(part, name, "cpu", peer, "stock")
		fmt.Fprintf(out, " %s |", orDash(fmt.Sprintf("%.2f", times), ok))
	}
	out.WriteByte('\n')
}

// orDash returns the figure, or a dash if it was not measured.
func orDash(figure string, measured bool) string {
	if !measured {
		return "–"
	}
	return figure
}

// writeReadme puts the table into a file.
func (r *results) writeReadme(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, _, after, ok := aroundTable(string(text))
	if !ok {
		return fmt.Errorf("%s has no place for the table: lines %q and %q", file, tableBegins, tableEnds)
	}
	return os.WriteFile(file, []byte(before+"\n"+r.summary()+"\n"+after), 0o644)
}

// aroundTable takes a text apart at its table. The lines that mark it stay with their side.
func aroundTable(text string) (before, table, after string, ok bool) {
	before, rest, ok1 := strings.Cut(text, tableBegins)
	table, after, ok2 := strings.Cut(rest, tableEnds)
	return before + tableBegins, table, tableEnds + after, ok1 && ok2
}
