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

// summary is the table of the README: warm external lookups.
func (r *results) summary() string {
	return r.relative("lookups", "external warm", "perSecond", "stock", "lookups/s=perSecond", "packets=packets", "CPU µs=cpu", "median latency µs=p50")
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
