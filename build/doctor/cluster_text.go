package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/cluster"
	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// writeCluster writes what the cluster is, what harms it, what pods found, and what could not be read.
func writeCluster(w io.Writer, r cluster.Report) error {
	var b strings.Builder
	writeDNS(&b, r)
	writeNodes(&b, r)
	if len(r.Pods) > 0 {
		b.WriteString("\n" + podTable(r.Pods) + "\n")
	}
	for _, f := range r.Findings {
		b.WriteString("\n" + clusterFinding(f))
	}
	writeProbes(&b, r.Probes)
	if len(r.Lacking) > 0 {
		b.WriteString("\n" + text.FgYellow.Sprint("could not be read") + "\n")
		for _, l := range r.Lacking {
			fmt.Fprintf(&b, "    %s: %s\n", l.What, l.Why)
		}
	}
	b.WriteString("\n" + verdict(r) + "\n")
	_, err := io.WriteString(w, harmless(b.String()))
	return err
}

// control are the characters that move a cursor or do worse, and the colours, which are kept.
var control = regexp.MustCompile(`\x1b\[[0-9;]*m|[\x00-\x09\x0b-\x1f\x7f\x{80}-\x{9f}]`)

// harmless leaves out what a terminal would act on. Some fields of a cluster may hold anything, such as options in the dnsConfig
// of a pod, and those who write them need not be those who read this.
func harmless(s string) string {
	return control.ReplaceAllStringFunc(s, func(c string) string {
		if len(c) > 2 && strings.HasSuffix(c, "m") {
			return c
		}
		return "\uFFFD"
	})
}

// line writes a line of the head.
func line(b *strings.Builder, label, what string) { fmt.Fprintf(b, "%-14s%s\n", label, what) }

func writeDNS(b *strings.Builder, r cluster.Report) {
	line(b, "Kubernetes", r.Kubernetes+", cluster domain "+r.DNS.ClusterDomain)
	switch r.DNS.Found {
	case cluster.Yes:
		line(b, "cluster DNS", fmt.Sprintf("Service %s, %s", r.DNS.Service, strings.Join(r.DNS.Addresses, " ")))
	case cluster.No:
		line(b, "cluster DNS", "there is no Service of one: the DNS of the platform may be outside of the cluster, or on the nodes")
	default:
		line(b, "cluster DNS", "not known")
	}
	for _, w := range r.DNS.Workloads {
		line(b, "", fmt.Sprintf("%s, %d of %d ready, %s", w.Name, w.Ready, w.Desired, strings.Join(w.Images, " ")))
	}
	if r.DNS.Found == cluster.Yes {
		line(b, "", map[cluster.Answered]string{
			cluster.Yes: text.FgGreen.Sprint("its Corefile has muslsafe"), cluster.No: text.FgYellow.Sprint("its Corefile has no muslsafe"),
			cluster.Unknown: "no Corefile of it was found: it may be another server than CoreDNS",
		}[r.DNS.Muslsafe])
	}
	writeFronts(b, r)
}

// writeFronts says what answers before the cluster DNS does.
func writeFronts(b *strings.Builder, r cluster.Report) {
	for i, f := range r.Fronts {
		label := "in front"
		if i > 0 {
			label = ""
		}
		line(b, label, fmt.Sprintf("%s (%s): %s", f.Kind, f.Where, f.Means))
	}
	switch {
	case len(r.Fronts) > 0:
	case slices.ContainsFunc(r.Lacking, func(l cluster.Lack) bool { return strings.HasPrefix(l.What, "daemonsets") || l.What == "nodes" }):
		line(b, "in front", "not known: DaemonSets or nodes could not be read")
	default:
		line(b, "in front", "nothing was found")
	}
}

// writeNodes says what pods have for a resolv.conf.
func writeNodes(b *strings.Builder, r cluster.Report) {
	if len(r.Nodes) == 0 {
		line(b, "nodes", "their search domains are not known: --probe asks a pod on each node")
		return
	}
	for i, v := range r.Nodes {
		label := "nodes"
		if i > 0 {
			label = ""
		}
		search := strings.Join(v.Domains, " ")
		if search == "" {
			search = "none"
		}
		line(b, label, fmt.Sprintf("%s: search domains %s, name server %s, ndots %d", firstOf(v.Nodes, 5), search, strings.Join(v.Servers, " "), v.Ndots))
	}
}

// firstOf writes the first n of a list.
func firstOf(all []string, n int) string {
	if len(all) <= n {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:n], ", "), len(all)-n)
}

// podTable has a row for each group of pods.
func podTable(groups []cluster.PodGroup) string {
	t := newTable()
	t.Style().Options.SeparateRows = false
	t.AppendHeader(table.Row{"pods", "dnsPolicy", "dnsConfig", "they ask", "such as"})
	for _, g := range groups {
		policy := g.Policy
		if g.HostNetwork {
			policy += "\nhostNetwork"
		}
		t.AppendRow(table.Row{g.Count, policy, text.WrapSoft(dnsConfig(g), 36), text.WrapSoft(g.Asks, 30), text.WrapHard(firstOf(g.Owners, 1), 34)})
	}
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 1, Align: text.AlignRight}})
	return t.Render()
}

func dnsConfig(g cluster.PodGroup) string {
	var words []string
	for _, part := range []struct {
		name   string
		values []string
	}{{"nameservers", g.Nameservers}, {"searches", g.Searches}, {"options", g.Options}} {
		if len(part.values) > 0 {
			words = append(words, part.name+" "+strings.Join(part.values, " "))
		}
	}
	return strings.Join(words, "; ")
}

// clusterFinding writes one finding as those of a Corefile are written.
func clusterFinding(f cluster.Finding) string {
	return findingAt(f.Where, lint.Finding{Level: f.Level, Rule: f.Rule, What: f.What, Why: f.Why, Instead: f.Instead})
}

// verdict is the last line.
func verdict(r cluster.Report) string {
	n := 0
	for _, f := range r.Findings {
		if f.Level == lint.Hazard {
			n++
		}
	}
	switch clusterStatus(r) {
	case nil:
		return text.FgGreen.Sprint("nothing was found that breaks lookups on musl")
	case status(unclear):
		return text.FgYellow.Sprint("nothing was found that breaks lookups on musl, but not all could be read")
	}
	words := count(n, "hazard", "hazards")
	if broken := brokenNames(r.Probes); broken > 0 {
		words += ", " + count(broken, "name breaks", "names break") + " in pods"
	}
	return text.FgRed.Sprint(words)
}
