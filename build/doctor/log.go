package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/querylog"
)

// topSuffixes is how many suffixes are listed.
const topSuffixes = 12

func logCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "log FILE|-",
		Short: "Count leaks, steps of a search and pairs in the log of CoreDNS",
		Long: `Log reads what the log plugin of CoreDNS wrote, in the common or the combined format or in JSON (-log-format=json), also
mixed, behind the prefixes of kubectl and containerd, and in docker's JSON. It shows how much of the traffic are leaks,
steps of a search and pairs, by suffix, and what muslsafe would save. Lines that are not queries are counted and skipped.
The search domains of the nodes come from --search or from --resolv-conf.

The exit status is 1 if there are answers that break lookups on musl.`,
		Example: `  kubectl -n kube-system logs -l k8s-app=kube-dns --tail -1 | doctor log -
  doctor log --search corp.example.com coredns.log`,
		Args: exactly(1, "one FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return countLog(cmd, o, args[0]) },
	}
	o.nodeFlags(c.Flags())
	return c
}

func countLog(cmd *cobra.Command, o *options, file string) error {
	search := o.search
	if o.nodeConf != "" {
		node, err := o.node()
		if err != nil {
			return err
		}
		search = append(search, node.Search...)
	}
	suffixes, err := diagnosis.Suffixes(search)
	if err != nil {
		return err
	}
	in, size, err := openLog(cmd.InOrStdin(), file)
	if err != nil {
		return err
	}
	defer in.Close()
	r := querylog.NewReader(suffixes)
	began := time.Now()
	stop := progress(cmd.ErrOrStderr(), func() string { return readSoFar(r.Done(), size, time.Since(began)) })
	stats, err := r.Count(in)
	stop()
	if file == "-" {
		file = "standard input"
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	if stats.Queries == 0 {
		if err == nil {
			err = fmt.Errorf("%s has no queries in %s", file, english.Plural(int(stats.NotRead), "line", ""))
		}
		return fmt.Errorf("%w; expect what the log plugin of CoreDNS writes, as text or JSON", err)
	}
	if err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "doctor: %v; this is what was read before\n", err)
	}
	if err = o.writeLog(cmd.OutOrStdout(), stats, time.Since(began)); err != nil {
		return err
	}
	return logStatus(stats)
}

func (o *options) writeLog(w io.Writer, s *querylog.Stats, took time.Duration) error {
	if !o.json {
		return writeStats(w, s, took)
	}
	return encode(w, struct {
		*querylog.Stats
		Suffixes []querylog.Suffix `json:"suffixes"`
	}{s, s.Top(topSuffixes)})
}

func logStatus(s *querylog.Stats) error {
	if s.Answered+s.Failed+s.Disagree+s.Half > 0 {
		return status(hazards)
	}
	return nil
}

// openLog opens a file and returns its size, 0 if that is not known.
func openLog(in io.Reader, file string) (io.ReadCloser, int64, error) {
	if file == "-" {
		return io.NopCloser(in), 0, nil
	}
	f, err := openFile(file)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func readSoFar(done, size int64, took time.Duration) string {
	s := humanize.Bytes(uint64(done))
	if size > 0 {
		s = fmt.Sprintf("%d %% of %s", done*100/size, humanize.Bytes(uint64(size)))
	}
	return fmt.Sprintf("%s, %s/s", s, humanize.Bytes(uint64(float64(done)/took.Seconds())))
}

// writeStats writes bars, the suffixes, and what to make of it.
func writeStats(w io.Writer, s *querylog.Stats, took time.Duration) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s of log (%s other lines), read in %.1f s\n\n",
		english.Plural(int(s.Queries), "query", "queries"), humanize.Bytes(uint64(s.Bytes)), humanize.Comma(s.NotRead), took.Seconds())
	for _, row := range []struct {
		name  string
		n     int64
		color text.Color
	}{
		{"names as they are meant", s.Meant, text.FgGreen},
		{"steps of a search in the cluster", s.Cluster, text.FgYellow},
		{"steps in search domains of nodes", s.Node, text.FgYellow},
		{"leaks", s.Leaks, text.FgRed},
	} {
		fmt.Fprintf(&b, "%-34s %s %5s  %s\n", row.name, row.color.Sprint(bar(row.n, s.Queries)), percent(row.n, s.Queries), humanize.Comma(row.n))
	}
	if top := s.Top(topSuffixes); len(top) > 0 {
		b.WriteString("\n" + suffixTable(top, s.Queries) + "\n")
	}
	b.WriteString("\n" + troubles(s) + savings(s))
	_, err := io.WriteString(w, b.String())
	return err
}

// barWidth is the width of a bar that stands for all.
const barWidth = 40

// bar draws a share. What is there at all is seen.
func bar(n, of int64) string {
	width := 0
	if of > 0 && n > 0 {
		width = max(1, int((n*barWidth+of/2)/of))
	}
	return strings.Repeat("█", width) + strings.Repeat("·", barWidth-width)
}

func percent(n, of int64) string {
	if of == 0 {
		return "0 %"
	}
	return fmt.Sprintf("%.1f %%", float64(n)*100/float64(of))
}

func suffixTable(top []querylog.Suffix, queries int64) string {
	t := newTable()
	t.Style().Options.SeparateRows = false
	t.AppendHeader(table.Row{"suffix", "queries", "share", "leaks", "steps", "failed"})
	for _, s := range top {
		t.AppendRow(table.Row{
			strings.TrimSuffix(s.Name, "."), humanize.Comma(s.Steps + s.Leaks), percent(s.Steps+s.Leaks, queries),
			humanize.Comma(s.Leaks), humanize.Comma(s.Steps), humanize.Comma(s.Fails),
		})
	}
	var right []table.ColumnConfig
	for column := 2; column <= 6; column++ {
		right = append(right, table.ColumnConfig{Number: column, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(right)
	return t.Render()
}

// troubles are the answers that break lookups on musl.
func troubles(s *querylog.Stats) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s of A and AAAA\n", english.Plural(int(s.Pairs), "pair", ""))
	for _, row := range []struct {
		n    int64
		what string
	}{
		{s.Disagree, "disagree on whether the name exists: musl from 1.2.1 loses the address (fix pair, or search)"},
		{s.Half, "have one half that fails: musl waits 5 s (fix failure)"},
		{s.Answered, "leaks answered with NOERROR: musl ends its search, or gets the wrong address (fix leak)"},
		{s.Failed, "steps and leaks failed: musl waits 5 s and ends its search (fixes leak and search)"},
	} {
		if row.n > 0 {
			fmt.Fprintf(&b, "  %s %s\n", text.FgRed.Sprint(humanize.Comma(row.n)), row.what)
		}
	}
	return b.String()
}

// savings are the queries that muslsafe answers on its own, or that are not asked any more.
func savings(s *querylog.Stats) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\nwhat muslsafe would save\n")
	for _, row := range []struct {
		fix  string
		n    int64
		what string
	}{
		{"leak", s.Leaks, "of the queries are answered at once, without any upstream"},
		{"complete", s.Cluster + s.Node, "of the queries are steps that find nothing, and are not asked if the server does the search"},
		{"ipv4only", s.AAAA, "of the queries are AAAA, which a cluster without IPv6 need not ask upstream"},
	} {
		fmt.Fprintf(&b, "  %-9s %6s  %s\n", row.fix, percent(row.n, s.Queries), row.what)
	}
	return b.String()
}
