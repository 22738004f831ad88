// Doctor finds out which lookups break, on which libc, why, and what fixes them. It asks the DNS server that a pod
// or a machine asks, and lets models of the resolvers of musl and glibc judge the answers.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// version of muslsafe, set by the linker.
var version = "dev"

// The exit statuses.
const (
	healthy = 0
	hazards = 1
	unclear = 2 // it could not be told, for lack of answers or of a command that makes sense
)

// status is an exit status that says all there is to say.
type status int

func (s status) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func main() { os.Exit(runAs(os.Args[0], os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the whole program, called doctor.
func run(args []string, in io.Reader, out, errs io.Writer) int {
	return runAs("doctor", args, in, out, errs)
}

// runAs is the whole program, by the name that it was called by.
func runAs(program string, args []string, in io.Reader, out, errs io.Writer) int {
	root, args := commandLine(program, args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	standardCommands(root)
	root.SetArgs(twoDashes(root, args))
	log.SetFlags(0) // the parser of Corefiles logs imports that match no file
	log.SetPrefix("doctor: ")
	log.SetOutput(errs)
	err := root.Execute()
	if s := status(0); errors.As(err, &s) {
		return int(s)
	}
	if err != nil {
		fmt.Fprintln(errs, "doctor:", err)
		return unclear
	}
	return healthy
}

const about = `Doctor asks a DNS server what the resolvers of musl (Alpine) and glibc would ask for each NAME, and shows what each
of them makes of the answers: the address or the error, the time, and how many queries it takes. Below the table it
explains each hazard: the question and the answer behind it, whom it harms, the fix of muslsafe that cures it, and what
helps without muslsafe. Where something breaks, it also asks for what the search would have come to, and says what
nslookup of BusyBox and dig show, which often is that all is well. It does not look at /etc/hosts.

The exit status is 0 if nothing breaks, 1 if something does, and 2 if it could not be told.`

const examples = `  doctor www.example.org                                 as a pod or this machine would look it up
  doctor --server 10.96.0.10 --ndots 5 --search dnscheck.svc.cluster.local,svc.cluster.local,cluster.local web
  doctor trace www.example.org --libc musl-1.2.3         one lookup, step by step
  doctor nameservers www.example.org                     what each name server says, and who is first
  doctor corefile /etc/coredns/Corefile                  what harms musl in a Corefile
  kubectl -n kube-system get cm coredns -o yaml | doctor configmap -
  kubectl -n kube-system logs -l k8s-app=kube-dns --tail -1 | doctor log -
  doctor capture dns.pcap                                the lookups that broke in a packet capture, and why
  docker save example.org/app:1 | doctor scan -          which resolver is inside
  doctor cluster                                         what breaks lookups in a whole Kubernetes cluster`

// rootCommand returns the command line of doctor.
func rootCommand() *cobra.Command {
	var o options
	root := &cobra.Command{
		Use:           "doctor NAME...",
		Short:         "Which lookups break, on which libc, why, and what fixes them",
		Long:          about,
		Example:       examples,
		Version:       version,
		Args:          cobra.ArbitraryArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) == 0 {
				return cmd.Help()
			}
			return examine(cmd, &o, names)
		},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return o.prepare(cmd) },
	}
	o.screenFlags(root.PersistentFlags())
	_ = root.RegisterFlagCompletionFunc("color", cobra.FixedCompletions([]string{"auto", "always", "never"}, cobra.ShellCompDirectiveNoFileComp))
	o.lookupFlags(root.Flags())
	root.ValidArgsFunction = cobra.NoFileCompletions
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; %s --help lists the flags", err, cmd.CommandPath())
	})
	root.AddCommand(
		traceCommand(&o), nameserversCommand(&o), corefileCommand(&o), configmapCommand(&o), logCommand(&o), captureCommand(&o),
		scanCommand(&o), clusterCommand(&o),
	)
	return root
}

// twoDashes lets long flags have one dash, as those of CoreDNS do: -json is --json.
func twoDashes(root *cobra.Command, args []string) []string {
	known := map[string]bool{"help": true, "version": true}
	for _, c := range append(root.Commands(), root) {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
		c.PersistentFlags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	out := []string{} // not nil, for which the parser takes the arguments of the process
	for i, arg := range args {
		if arg == "--" {
			return append(out, args[i:]...)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && known[name] {
			arg = "-" + arg
		}
		out = append(out, arg)
	}
	return out
}
