package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/lint"
)

// nodeFlags say what the nodes have, which no Corefile does.
func (o *options) nodeFlags(f *pflag.FlagSet) {
	o.searchFlag(f, "search domains of the nodes: `DOMAIN,...`")
	f.StringVar(&o.nodeConf, "resolv-conf", "", "resolv.conf of the nodes, a `FILE`: for its search domains and name servers")
}

func corefileCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "corefile FILE...",
		Short: "Point at what harms musl in a Corefile",
		Long: `Corefile reads Corefiles as CoreDNS does, with imports and environment variables, and points at what harms musl:
why, and what to write instead. FILE may be - for standard input.

Hazards break lookups and make the exit status 1; advice does not.`,
		Example: `  doctor corefile /etc/coredns/Corefile
  doctor corefile --search corp.example.com --json - <Corefile`,
		Args: atLeast(1, "a FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error {
			return checkAll(cmd, o, files, checker{"a Corefile", lint.Check})
		},
	}
	o.nodeFlags(c.Flags())
	return c
}

func configmapCommand(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "configmap FILE|-...",
		Short: "Point at what harms musl in the Corefiles of ConfigMap manifests",
		Long: `Configmap reads manifests in YAML, as kubectl get configmap -o yaml writes them, and checks the Corefiles in them as
doctor corefile does. Those that are imported into a Corefile (coredns-custom) are read with it if they are in the same
file.`,
		Example: `  kubectl -n kube-system get configmap coredns coredns-custom -o yaml | doctor configmap -
  doctor configmap --resolv-conf node-resolv.conf coredns.yaml`,
		Args: atLeast(1, "a FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, files []string) error {
			return checkAll(cmd, o, files, checker{"manifests of ConfigMaps in YAML", lint.CheckConfigMaps})
		},
	}
	o.nodeFlags(c.Flags())
	return c
}

// checkAll checks file after file. One that cannot be read does not keep the rest from being checked.
func checkAll(cmd *cobra.Command, o *options, files []string, c checker) error {
	lo, err := o.lintOptions()
	if err != nil {
		return err
	}
	all, worst := []lint.Finding{}, healthy
	for _, file := range files {
		found, err := c.checkFile(cmd.InOrStdin(), file, lo)
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "doctor:", err)
			worst = unclear
		}
		all = append(all, found...)
	}
	if err := o.writeFindings(cmd.OutOrStdout(), all, worst); err != nil {
		return err
	}
	for _, f := range all {
		if f.Level == lint.Hazard {
			return status(hazards)
		}
	}
	if worst != healthy {
		return status(worst)
	}
	return nil
}

// A checker reads one kind of file.
type checker struct {
	accepts string // what the file should be
	check   func(file string, in io.Reader, o lint.Options) ([]lint.Finding, error)
}

func (c checker) checkFile(in io.Reader, file string, lo lint.Options) ([]lint.Finding, error) {
	if file == "-" {
		file = "standard input"
	} else {
		f, err := openFile(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	text := bufio.NewReader(in)
	if head, _ := text.Peek(peeked); isBinary(head) { // an error comes again when the rest is read
		return nil, fmt.Errorf("%s is not text; expect %s", file, c.accepts)
	}
	found, err := c.check(file, text, lo)
	if err != nil && !strings.Contains(err.Error(), "; expect ") {
		err = fmt.Errorf("%w; expect %s", err, c.accepts)
	}
	return found, err
}

func (o *options) lintOptions() (lo lint.Options, err error) {
	if o.nodeConf != "" {
		if lo, err = o.node(); err != nil {
			return lo, err
		}
	}
	for _, d := range o.search {
		if strings.Trim(d, ".") == "" {
			return lo, errors.New("invalid search domain \"" + d + "\"; expect a domain name")
		}
	}
	lo.Search = append(lo.Search, o.search...)
	return lo, nil
}

// node reads the resolv.conf of the nodes.
func (o *options) node() (lint.Options, error) {
	if _, err := readConf(o.nodeConf); err != nil {
		return lint.Options{}, fmt.Errorf("%w; expect the resolv.conf of the nodes", err)
	}
	return lint.Node(o.nodeConf)
}

func (o *options) writeFindings(w io.Writer, all []lint.Finding, worst int) error {
	if o.json {
		return encode(w, map[string]any{"findings": all})
	}
	if len(all) == 0 && worst == healthy {
		_, err := fmt.Fprintln(w, text.FgGreen.Sprint("nothing that harms musl"))
		return err
	}
	for i, f := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if _, err := io.WriteString(w, finding(f)); err != nil {
			return err
		}
	}
	return nil
}

// finding writes one place, in the form that editors jump to.
func finding(f lint.Finding) string {
	return findingAt(fmt.Sprintf("%s:%d", f.File, f.Line), f)
}

// findingAt writes what was found in a place.
func findingAt(where string, f lint.Finding) string {
	color := text.FgYellow
	if f.Level == lint.Hazard {
		color = text.FgRed
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s: %s (%s)\n", where, color.Sprint(f.Level), f.What, f.Rule)
	paragraph(&b, "why", f.Why)
	for i, line := range strings.Split(f.Instead, "\n") {
		label := ""
		if i == 0 {
			label = "instead"
		}
		fmt.Fprintf(&b, "    %-12s%s\n", label, line)
	}
	return b.String()
}
