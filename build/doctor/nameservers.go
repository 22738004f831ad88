package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

func nameserversCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "nameservers NAME...",
		Short: "Ask every name server, and show who wins the race and where they disagree",
		Long: `Nameservers asks every name server of the resolv.conf what the libcs would ask for each NAME. musl asks all of them at
once and takes the first answer of any, "no such name" too; glibc asks them in order and goes on only where one fails. It
shows what each server says and how fast, and what each libc gets if one server or another is first.

The exit status is 1 if the result of a lookup depends on who is first.`,
		Example: `  doctor nameservers www.example.org
  doctor nameservers --server 10.96.0.10,192.0.2.53 --search cluster.local --ndots 5 www.example.org`,
		Args: atLeast(1, "a NAME"),
		RunE: func(cmd *cobra.Command, names []string) error { return nameservers(cmd, o, names) },
	}
	o.lookupFlags(c.Flags())
	c.ValidArgsFunction = cobra.NoFileCompletions
	return c
}

func nameservers(cmd *cobra.Command, o *options, names []string) error {
	d, err := o.doctor(cmd)
	if err != nil {
		return err
	}
	stop := questionsAsked(cmd, d)
	races := make([]diagnosis.Race, len(names))
	for i, name := range names {
		races[i] = d.Race(name)
	}
	stop()
	if o.json {
		err = encode(cmd.OutOrStdout(), racesToJSON(d, races))
	} else {
		err = writeRaces(cmd.OutOrStdout(), d, races)
	}
	if err != nil {
		return err
	}
	return statusOfRaces(races)
}

// statusOfRaces sums up: one race whose result matters is enough, and one name to which no server has an answer.
func statusOfRaces(races []diagnosis.Race) error {
	worst := healthy
	for _, r := range races {
		if _, ok := r.Hazard(); ok {
			return status(hazards)
		}
		if !answered(r) {
			worst = unclear
		}
	}
	if worst != healthy {
		return status(worst)
	}
	return nil
}

func answered(r diagnosis.Race) bool {
	for _, q := range r.Questions {
		if q.Answered() {
			return true
		}
	}
	return false
}

func writeRaces(w io.Writer, d *diagnosis.Doctor, races []diagnosis.Race) error {
	if _, err := io.WriteString(w, settings(d)); err != nil {
		return err
	}
	for _, r := range races {
		if _, err := fmt.Fprintf(w, "\n%s\n%s", text.Bold.Sprint(r.Name), race(d, r)); err != nil {
			return err
		}
	}
	return nil
}

// race is all there is to say about one name.
func race(d *diagnosis.Doctor, r diagnosis.Race) string {
	var b strings.Builder
	if !answered(r) {
		return "no name server answers, so nothing can be told\n"
	}
	b.WriteString(questionTable(d, r) + "\n")
	servers := d.Servers()
	if len(servers) == 1 {
		return b.String() + "one name server, so there is no race\n"
	}
	for i, n := range r.Wins() {
		fmt.Fprintf(&b, "%s is first for %d of %s\n", servers[i], n, english.Plural(len(r.Questions), "question", ""))
	}
	if h, ok := r.Hazard(); ok {
		return b.String() + "\n" + finishTable(r) + "\n" + text.FgRed.Sprint("the result depends on who is first") + "\n\n" + hazard(h)
	}
	if r.Differ() {
		return b.String() + text.FgYellow.Sprint("they disagree, and every libc gets an answer of the same kind whoever is first") + "\n"
	}
	return b.String() + text.FgGreen.Sprint("they agree") + "\n"
}

// questionTable has a row for each question and a column for each name server.
func questionTable(d *diagnosis.Doctor, r diagnosis.Race) string {
	t := newTable()
	head := table.Row{"", ""}
	for _, s := range d.Servers() {
		head = append(head, s)
	}
	t.AppendHeader(head)
	for _, q := range r.Questions {
		row := table.Row{text.WrapHard(strings.TrimSuffix(q.Name, "."), 40), dns.TypeToString[q.Type]}
		for i, reply := range q.Replies {
			row = append(row, says(q, reply, i == q.First))
		}
		t.AppendRow(row)
	}
	return t.Render()
}

// says is what one server says: red if the servers disagree.
func says(q diagnosis.Question, reply diagnosis.ServerReply, first bool) string {
	color := text.FgGreen
	if q.Differ() {
		color = text.FgRed
	}
	when := ""
	if reply.Came {
		when = "\n" + milliseconds(reply.Took)
	}
	if first && len(q.Replies) > 1 {
		when += ", first"
	}
	return color.Sprint(text.WrapSoft(reply.Says, 40)) + when
}

func milliseconds(d time.Duration) string {
	ms := d.Seconds() * 1000
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// finishTable has a row for each way in which the race can end, and a column for each libc.
func finishTable(r diagnosis.Race) string {
	t := newTable()
	head := table.Row{"first"}
	for _, m := range stub.Models() {
		head = append(head, heading(m))
	}
	t.AppendHeader(head)
	for _, f := range r.Finishes {
		first := f.A.String()
		if f.A != f.AAAA {
			first = fmt.Sprintf("A %s\nAAAA %s", f.A, f.AAAA)
		}
		row := table.Row{first}
		for _, l := range f.Lookups {
			row = append(row, outcomeOf(l))
		}
		t.AppendRow(row)
	}
	return t.Render()
}

func outcomeOf(l diagnosis.Lookup) string {
	if l.Result.Err != stub.OK {
		return text.FgRed.Sprint(l.Result.Err.String())
	}
	return text.FgGreen.Sprint(addresses(l))
}
