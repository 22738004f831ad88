package e2e

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const readme = "../../README.md"

// nodeConf is the resolv.conf of the node in the README, which CoreDNS reads, and podConf that of its pods.
const (
	nodeConf = "nameserver 192.0.2.53\nsearch corp.example.com\n"
	podConf  = "nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local corp.example.com\noptions ndots:5\n"
)

// nodeDNS is the DNS that the node asks: a search domain that never says NXDOMAIN, and a host.
const nodeDNS = `corp.example.com {
    bind 192.0.2.53
    template ANY ANY {
        rcode NOERROR
        authority "{{ .Zone }} 30 IN SOA ns.example.com. hostmaster.example.com. 1 7200 1800 86400 30"
    }
}
example.org {
    bind 192.0.2.53
    hosts {
        192.0.2.80 www.example.org
    }
}
. {
    bind 192.0.2.53
    template ANY ANY {
        rcode NXDOMAIN
        authority ". 30 IN SOA ns.example.com. hostmaster.example.com. 1 7200 1800 86400 30"
    }
}
`

// programs are the two lookups of the README, by the name of their libc.
var programs = map[string]string{"lookup-glibc": "glibc", "lookup-musl": "musl 1.2.5"}

// TestReadmeLookups runs the lookups on the first screen of the README in a pod, with the Corefile that stands there. The first
// block is without the line of muslsafe, the second one with it.
func TestReadmeLookups(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, nodeConf)
	lab.CoreDNS(t, nodeDNS, nil)
	pod := lab.NewJail(t, podConf)
	corefile := lab.Fenced(t, readme, "corefile")[0]
	const line = "    muslsafe\n"
	if !strings.Contains(corefile, line) {
		t.Fatalf("the Corefile of the README has no line %q:\n%s", line, corefile)
	}
	blocks := lab.Fenced(t, readme, "sh-session")
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of lookups in the README; want one without muslsafe and one with it", len(blocks))
	}
	for i, text := range []string{strings.Replace(corefile, line, "", 1), corefile} {
		server := lab.CoreDNS(t, text, nil)
		if got := replay(t, pod, blocks[i]); got != blocks[i] {
			t.Errorf("block %d of the README:\n%s\nwant:\n%s", i+1, blocks[i], got)
		}
		server.Stop()
	}
}

// replay runs the commands of a block in a pod, and returns the block with what they write now.
func replay(t *testing.T, pod *lab.Jail, block string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(block) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		args := strings.Fields(command)
		b.WriteString(line)
		if args[0] == "nslookup" {
			b.WriteString(nslookup(t, pod, args) + "\n")
			continue
		}
		b.WriteString(lookup(t, pod, programs[args[0]], args[1]))
	}
	return b.String()
}

var blanks = regexp.MustCompile(`\n\n+`)

// nslookup runs that of BusyBox. It writes a blank line for each answer, in the order in which they come, which is never the same.
func nslookup(t *testing.T, pod *lab.Jail, args []string) string {
	t.Helper()
	var out strings.Builder
	cmd := exec.Command(lab.LookPath(t, "busybox"), args...)
	cmd.Stdout = &out
	if err := pod.Start(cmd); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v: %s", args, err, &out)
	}
	return strings.TrimRight(blanks.ReplaceAllString(out.String(), "\n\n"), "\n") + "\n"
}

// lookup returns the addresses of a name, or the error, in lines.
func lookup(t *testing.T, pod *lab.Jail, libc, name string) string {
	t.Helper()
	for _, l := range lab.Libcs(t) {
		if l.Name != libc {
			continue
		}
		a, err := l.Look("0", name, pod.Start)
		if err != nil {
			t.Fatal(err)
		}
		if a.Err != "OK" {
			return a.Err + "\n"
		}
		return strings.Join(a.Addrs, "\n") + "\n"
	}
	t.Fatalf("no program for %q; want one of %v", libc, programs)
	return ""
}
