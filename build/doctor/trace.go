package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/miekg/dns"
	"github.com/spf13/cobra"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

func traceCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "trace NAME",
		Short: "Show one lookup of one libc, step by step",
		Long: `Trace shows what one libc does to look up NAME: each question, what comes back, what the libc makes of it, and how
long it waits. The servers are asked once; the waiting is the libc's, not yours.`,
		Example: `  doctor trace www.example.org
  doctor trace www.example.org --libc musl-1.2.3 --server 10.96.0.10 --search corp.example.com --ndots 5`,
		Args: exactly(1, "one NAME"),
		RunE: func(cmd *cobra.Command, args []string) error { return trace(cmd, o, args[0]) },
	}
	o.lookupFlags(c.Flags())
	c.Flags().StringVar(&o.libc, "libc", "musl-1.2.5", "the libc: "+strings.Join(libcs(), ", ")+", or a version between")
	c.ValidArgsFunction = cobra.NoFileCompletions
	_ = c.RegisterFlagCompletionFunc("libc", cobra.FixedCompletions(libcs(), cobra.ShellCompDirectiveNoFileComp))
	return c
}

func libcs() (names []string) {
	for _, m := range stub.Models() {
		names = append(names, m.Name)
	}
	return names
}

func trace(cmd *cobra.Command, o *options, name string) error {
	m, ok := stub.Find(o.libc)
	if !ok {
		return fmt.Errorf("unknown libc %q; expect one of %s, or a version between", o.libc, strings.Join(libcs(), ", "))
	}
	d, err := o.doctor(cmd)
	if err != nil {
		return err
	}
	stop := questionsAsked(cmd, d)
	r := d.Trace(m, name)
	report := d.Examine(name)
	stop()
	t := timeline{w: cmd.OutOrStdout(), timeout: o.timeout}
	if o.json {
		err = encode(cmd.OutOrStdout(), t.toJSON(m, name, r))
	} else {
		err = t.write(m, name, r)
	}
	if err != nil {
		return err
	}
	return statusOfTrace(report, m, r)
}

// statusOfTrace is that of one libc.
func statusOfTrace(report diagnosis.Report, m *stub.Model, r stub.Result) error {
	switch {
	case harmed(report, m) && report.Unclear == "":
		return status(hazards)
	case r.Err != stub.OK:
		return status(unclear)
	}
	return nil
}

// timeline writes a lookup in the order of time.
type timeline struct {
	w       io.Writer
	timeout time.Duration
	err     error
}

// event is a line of a timeline.
type event struct {
	at    time.Duration
	arrow string
	what  string
}

func (t *timeline) line(at time.Duration, arrow, what string) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, "%9.3f  %s %s\n", at.Seconds(), arrow, what)
	}
}

func (t *timeline) write(m *stub.Model, name string, r stub.Result) error {
	_, t.err = fmt.Fprintf(t.w, "%s looks up %s\n", strings.ReplaceAll(heading(m), "\n", ", "), name)
	for _, s := range r.Steps {
		fmt.Fprintf(t.w, "\n%s\n", text.Bold.Sprint(strings.TrimSuffix(s.Name, ".")))
		for _, e := range events(s, t.timeout) {
			t.line(e.at, e.arrow, e.what)
		}
		t.line(s.End, "=", outcome(s))
	}
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, "\n%s\n", result(r))
	}
	return t.err
}

// events returns what happens in a step, in order.
func events(s stub.Step, timeout time.Duration) (all []event) {
	for _, p := range s.Packets {
		q := p.Query
		question := fmt.Sprintf("%s? to %s over %v", dns.TypeToString[q.Type], q.Server, q.Transport)
		if q.Malformed {
			question += ", in a packet that no server can read"
		}
		if q.Attempt > 1 {
			question += fmt.Sprintf(", attempt %d", q.Attempt)
		}
		all = append(all, event{q.At, "→", question})
		if p.Reply.Fate != stub.Silent && p.Verdict != stub.Unheard {
			says := diagnosis.Describe(p.Reply, q.Type, timeout)
			all = append(all, event{p.Arrives(), "←", fmt.Sprintf("%s: %s. %s", dns.TypeToString[q.Type], says, meaning(p.Verdict))})
		}
	}
	slices.SortStableFunc(all, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	return all
}

// meaning says what the libc makes of a reply.
func meaning(v stub.Verdict) string {
	return map[stub.Verdict]string{
		stub.Accepted:  "It is kept.",
		stub.Ignored:   "It is ignored: the libc goes on waiting.",
		stub.Resent:    "The question goes out again at once.",
		stub.Failed:    "This half has failed; the other one may still count.",
		stub.ToTCP:     "It is thrown away, and the question asked again over TCP.",
		stub.Duplicate: "There is an answer already.",
		stub.Unmatched: "It is no reply to this question, for this libc.",
		stub.Broken:    "It ends the exchange.",
	}[v]
}

// outcome says how a step ends, and what was waited for in vain.
func outcome(s stub.Step) string {
	var open []string
	for _, p := range s.Packets {
		kind := dns.TypeToString[p.Query.Type]
		if !accepted(s, p.Query.Type) && !slices.Contains(open, kind) {
			open = append(open, kind)
		}
	}
	text := ""
	switch {
	case len(s.Packets) == 0:
		text = "the name cannot be asked: "
	case len(open) > 0:
		text = fmt.Sprintf("no answer of use to %s within %s: ", strings.Join(open, " and "), diagnosis.Seconds(s.End-s.Start))
	}
	switch s.Outcome {
	case stub.Found:
		return text + "the lookup ends with an answer"
	case stub.Stop:
		return text + "the search ends here, with " + diagnosis.Error(s.Err)
	}
	return text + "on to the next name, if there is one"
}

func accepted(s stub.Step, qtype uint16) bool {
	return slices.ContainsFunc(s.Packets, func(p stub.Packet) bool {
		return p.Query.Type == qtype && p.Verdict == stub.Accepted
	})
}

// result is the last line.
func result(r stub.Result) string {
	if r.Err != stub.OK {
		return text.FgRed.Sprint(diagnosis.Error(r.Err)) + ending(r)
	}
	return text.FgGreen.Sprint(list(append(r.V4, r.V6...))) + ending(r)
}

func ending(r stub.Result) string {
	if r.Err == stub.Hang || r.Err == stub.Crash {
		return ""
	}
	return " after " + diagnosis.Seconds(r.Elapsed)
}
