package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// commands returns doctor and all its subcommands, those of subcommands too.
func commands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, commands(sub)...)
	}
	return all
}

// TestHelp holds that each command says what it is for in one line, describes itself, and has examples that its own command line
// accepts.
func TestHelp(t *testing.T) {
	root := rootCommand()
	standardCommands(root)
	for _, c := range commands(root) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			if c.Short == "" || c.Long == "" || strings.TrimSpace(c.Example) == "" {
				t.Fatalf("short %q, long %q, examples %q; want all of them", c.Short, c.Long, c.Example)
			}
			args := append(strings.Fields(c.CommandPath())[1:], "--help")
			if status, out, errs := doctor("", args...); status != healthy || !strings.Contains(out, "Examples:\n"+c.Example) || errs != "" {
				t.Errorf("doctor %q = %d; want the examples\n%s%s", args, status, out, errs)
			}
			found := 0
			for line := range strings.Lines(c.Example) {
				found += checkExample(t, c, line)
			}
			if found == 0 {
				t.Errorf("no example of %s in:\n%s", c.CommandPath(), c.Example)
			}
		})
	}
}

// checkExample finds what is said to doctor in a line, before or behind a pipe, and has the command line of doctor read it. It
// returns 1 if the line is an example of c, or of a subcommand of it.
func checkExample(t *testing.T, c *cobra.Command, line string) int {
	t.Helper()
	args, command := "", ""
	for part := range strings.SplitSeq(line, "|") {
		for _, end := range []string{"   ", " <", " >"} { // what it does, and other files
			part, _, _ = strings.Cut(strings.TrimSpace(part), end)
		}
		if after, ok := strings.CutPrefix(part, "doctor "); ok {
			args, command = after, part
		}
	}
	if command == "" {
		return 0
	}
	root := rootCommand()
	standardCommands(root)
	sub, rest, err := root.Find(strings.Fields(args))
	if err == nil {
		err = sub.ParseFlags(rest)
	}
	if err == nil {
		err = sub.ValidateArgs(sub.Flags().Args())
	}
	if err != nil {
		t.Errorf("%q: %v", command, err)
	}
	if path := c.CommandPath(); sub.CommandPath() == path || c.HasParent() && strings.HasPrefix(sub.CommandPath(), path+" ") {
		return 1
	}
	return 0
}

// TestRefusals has what is wrong in a way that has nothing to do with DNS: one line says what is accepted, and the status is 2.
func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	missing, binary := filepath.Join(dir, "missing"), writeFile(t, "binary", "\x7fELF\x02\x01\x01\x00\x00 \"\x00\xff{\"qname\":\n")
	empty, noYAML := writeFile(t, "empty", ""), writeFile(t, "no.yaml", "a: [\n")
	huge := filepath.Join(dir, "huge")
	if err := os.WriteFile(huge, make([]byte, maxConf+1), 0o600); err != nil {
		t.Fatal(err)
	}
	const file, conf = "expect a file that can be read, or - for standard input", "expect a resolv.conf, by --resolv-conf FILE"
	tests := []struct {
		about string
		args  []string
		errs  string
	}{
		{"a folder for a resolv.conf", []string{"-resolv-conf", dir, "x"}, conf},
		{"a binary file for a resolv.conf", []string{"-resolv-conf", binary, "x"}, "is not text; " + conf},
		{"a resolv.conf that is too large", []string{"-resolv-conf", huge, "x"}, "is larger than 1 MiB; " + conf},
		{"trace, no resolv.conf", []string{"trace", "-resolv-conf", missing, "x"}, conf},
		{"trace of two names", []string{"trace", "x", "y"}, `trace has 2 arguments, ["x" "y"]; expect one NAME`},
		{"trace, an unknown flag", []string{"trace", "-nosuch", "x"}, "doctor trace --help lists the flags"},
		{"nameservers, no resolv.conf", []string{"nameservers", "-resolv-conf", missing, "x"}, conf},
		{"nameservers of nothing", []string{"nameservers"}, "nameservers has no argument; expect a NAME"},
		{"nameservers, a bad server", []string{"nameservers", "-server", "dns", "x"}, `invalid server "dns"; expect an IP address`},
		{"corefile, nothing", []string{"corefile"}, "expect a FILE, or - for standard input"},
		{"corefile, a missing file", []string{"corefile", missing}, file},
		{"corefile, a folder", []string{"corefile", dir}, "is a directory; " + file},
		{"corefile, a binary file", []string{"corefile", binary}, binary + " is not text; expect a Corefile"},
		{"corefile, an empty file", []string{"corefile", empty}, "has no server block; expect a Corefile"},
		{"corefile, no resolv.conf", []string{"corefile", "-resolv-conf", missing, "-"}, "expect the resolv.conf of the nodes"},
		{"configmap, nothing", []string{"configmap"}, "expect a FILE, or - for standard input"},
		{"configmap, a folder", []string{"configmap", dir}, "is a directory; " + file},
		{"configmap, a binary file", []string{"configmap", binary}, binary + " is not text; expect manifests of ConfigMaps in YAML"},
		{"configmap, no YAML", []string{"configmap", noYAML}, "; expect manifests of ConfigMaps in YAML"},
		{"configmap, an empty file", []string{"configmap", empty}, "no ConfigMap with a Corefile; expect an entry Corefile"},
		{"log, nothing", []string{"log"}, "log has no argument; expect one FILE, or - for standard input"},
		{"log, two files", []string{"log", "a", "b"}, `log has 2 arguments, ["a" "b"]; expect one FILE`},
		{"log, a missing file", []string{"log", missing}, file},
		{"log, a folder", []string{"log", dir}, "is a directory; " + file},
		{"log, a binary file", []string{"log", binary}, "expect what the log plugin of CoreDNS writes, as text or JSON"},
		{"log, an empty file", []string{"log", empty}, "has no queries in 0 lines; expect what"},
		{"log, no resolv.conf", []string{"log", "-resolv-conf", dir, "-"}, "expect the resolv.conf of the nodes"},
		{"a flag without its value", []string{"-server"}, "doctor --help lists the flags"},
		{"a flag with a bad value", []string{"-timeout", "long", "x"}, "doctor --help lists the flags"},
		{"completion for an unknown shell", []string{"completion", "tcsh"}, "expect bash, fish, powershell, zsh"},
		{"help on an unknown command", []string{"help", "nosuch"}, `unknown command "nosuch"; expect one of capture, cluster, completion`},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			status, out, errs := doctor("", tc.args...)
			if status != unclear || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, tc.errs) || !strings.HasPrefix(errs, "doctor: ") {
				t.Errorf("doctor %q = %d; want 2, and one line with %q\n%s%s", tc.args, status, tc.errs, out, errs)
			}
		})
	}
}
