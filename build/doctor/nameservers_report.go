package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// writeRaces writes what was found out about each name.
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
	if len(r.Questions) == 0 {
		return "no libc asks for such a name\n"
	}
	b.WriteString(questionTable(d, r) + "\n")
	if !answered(r) {
		return b.String() + text.FgYellow.Sprint("no name server answers, so nothing can be told") + "\n"
	}
	servers := d.Servers()
	if len(servers) == 1 {
		return b.String() + "one name server, so there is no race\n"
	}
	some := ""
	for i, tally := range r.Tallies() {
		if tally.Answered == 0 {
			some = "those that answer: "
			fmt.Fprintf(&b, "%s\n", text.FgYellow.Sprintf("%s answers nothing", servers[i]))
			continue
		}
		fmt.Fprintf(&b, "%s is first for %d of %s\n", servers[i], tally.First, english.Plural(len(r.Questions), "question", ""))
	}
	all := r.Hazards()
	switch {
	case len(all) > 0 && all[0].Kind == diagnosis.Nameservers:
		b.WriteString("\n" + finishTable(r) + "\n" + text.FgRed.Sprint("the result depends on which server is first") + "\n")
	case r.Differ():
		b.WriteString(some + text.FgYellow.Sprint("their answers differ, but each libc gets a result of the same kind whichever is first") + "\n")
	default:
		b.WriteString(some + text.FgGreen.Sprint("they agree") + "\n")
	}
	for _, h := range all {
		b.WriteString("\n" + hazard(h))
	}
	return b.String()
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
	var shown [][]string
	for _, f := range byWinners(r.Finishes) {
		outcomes := outcomesOf(f)
		if f.A != f.AAAA && slices.ContainsFunc(shown, func(o []string) bool { return slices.Equal(o, outcomes) }) {
			continue // nothing new
		}
		shown = append(shown, outcomes)
		row := table.Row{winners(f)}
		for _, o := range outcomes {
			row = append(row, o)
		}
		t.AppendRow(row)
	}
	return t.Render()
}

// byWinners puts those in front in which one server wins both halves.
func byWinners(finishes []diagnosis.Finish) []diagnosis.Finish {
	finishes = slices.Clone(finishes)
	slices.SortStableFunc(finishes, func(a, b diagnosis.Finish) int {
		switch {
		case (a.A == a.AAAA) == (b.A == b.AAAA):
			return 0
		case a.A == a.AAAA:
			return -1
		}
		return 1
	})
	return finishes
}

func winners(f diagnosis.Finish) string {
	if f.A == f.AAAA {
		return f.A.String()
	}
	return fmt.Sprintf("A %s\nAAAA %s", f.A, f.AAAA)
}

func outcomesOf(f diagnosis.Finish) (all []string) {
	for _, l := range f.Lookups {
		all = append(all, outcomeOf(l))
	}
	return all
}

func outcomeOf(l diagnosis.Lookup) string {
	if l.Result.Err != stub.OK {
		return text.FgRed.Sprint(l.Result.Err.String())
	}
	return text.FgGreen.Sprint(addresses(l))
}
