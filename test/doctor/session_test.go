package doctor

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

var (
	write   = flag.Bool("write", false, "write the sessions into the documents anew")
	picture = flag.String("picture", "", "write a picture of the session to this file, as SVG")
)

const (
	readme = "../../README.md"
	manual = "../../build/doctor/README.md"
)

// behind is the DNS behind the cluster's: the cluster zone, a search domain that never says NXDOMAIN, and a host.
const behind = `(common) {
    bind 192.0.2.53
}
cluster.local {
    import common
    file cluster.zone
}
corp.example.com {
    import common
    template ANY ANY {
        rcode NOERROR
        authority "{{ .Zone }} 30 IN SOA ns.example.com. hostmaster.example.com. 1 7200 1800 86400 30"
    }
}
example.org {
    import common
    hosts {
        192.0.2.80 www.example.org
    }
}
. {
    import common
    template ANY ANY {
        rcode NXDOMAIN
        authority ". 30 IN SOA ns.example.com. hostmaster.example.com. 1 7200 1800 86400 30"
    }
}
`

// clusterZone has one service.
const clusterZone = `$ORIGIN cluster.local.
@                  5 IN SOA ns.dns hostmaster 1 7200 1800 86400 5
httpd.dnscheck.svc 5 IN A   10.96.7.7
`

// cluster is the cluster's DNS; %s is the place of muslsafe.
const cluster = `. {
    bind 10.96.0.10
    %s
    cache 30
    forward . 192.0.2.53
}
`

var console = lab.Fence("console")

// TestReadmeSession runs the session of the README in a pod without muslsafe, and compares what doctor writes.
func TestReadmeSession(t *testing.T) {
	enterPod(t)
	if n := len(console.FindAllString(lab.ReadFile(t, readme), -1)); n != 1 {
		t.Fatalf("%d sessions in the README; want one", n)
	}
	lab.CoreDNS(t, fmt.Sprintf(cluster, ""), nil)
	checkSessions(t, readme, func(_ int, session string) string {
		if *picture != "" {
			draw(t, *picture)
		}
		return replay(t, "", session)
	})
}

// enterPod starts what is behind the DNS of a cluster, and has this process look names up as a pod of it does.
func enterPod(t *testing.T) {
	t.Helper()
	lab.Require(t)
	lab.ResolvConf(t, pod)
	lab.CoreDNS(t, behind, map[string]string{"cluster.zone": clusterZone})
}

// checkSessions compares the sessions of a document with what replay makes of them, or writes them anew.
func checkSessions(t *testing.T, document string, replay func(i int, session string) string) {
	t.Helper()
	text := lab.ReadFile(t, document)
	var b strings.Builder
	last := 0
	for i, at := range console.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(text[last:at[2]] + replay(i, text[at[2]:at[3]]))
		last = at[3]
	}
	b.WriteString(text[last:])
	switch got := b.String(); {
	case *write:
		lab.WriteFile(t, document, got)
	case got != text:
		t.Errorf("the sessions of %s are now:\n%s", document, strings.Join(console.FindAllString(got, -1), "\n"))
	}
}

// replay runs the commands of a session in a folder and returns it with what they write now. nslookup is that of BusyBox.
func replay(t *testing.T, dir, session string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(session) {
		command, ok := strings.CutPrefix(line, "$ ")
		if !ok {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("\n")
		}
		args := strings.Fields(command)
		switch args[0] {
		case "doctor":
			args[0] = lab.Doctor(t)
			b.WriteString(line + timeless(output(t, dir, args)))
		case "nslookup":
			args = append([]string{lab.LookPath(t, "busybox")}, args...)
			b.WriteString(line + oneBlank(output(t, dir, args)))
		default:
			t.Fatalf("%sin a session; want doctor or nslookup", line)
		}
	}
	return b.String()
}

// oneBlank writes one blank line where there are several: nslookup writes one for each answer, in the order in which they come.
func oneBlank(out string) string {
	return strings.TrimRight(blanks.ReplaceAllString(out, "\n\n"), "\n") + "\n"
}

// output returns all that a program writes. Its exit status is part of other tests.
func output(t *testing.T, dir string, args []string) string {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out)
}

// draw writes a picture of a terminal with the session in it.
func draw(t *testing.T, file string) {
	t.Helper()
	const command = "www.example.org httpd.dnscheck.svc.cluster.local"
	out := output(t, "", append([]string{lab.Doctor(t), "-color", "always"}, strings.Fields(command)...))
	lab.WriteFile(t, file, string(terminal("$ doctor "+command+"\n"+timeless(out))))
}

var (
	lessThanASecond = regexp.MustCompile(`\b0\.\d s`)
	milliseconds    = regexp.MustCompile(`│ (\d+(?:\.\d)?) ms(, first)? *`) // in a table
	arrivals        = regexp.MustCompile(`(?m)(^ +0\.000  ← .*\n)+`)
	blanks          = regexp.MustCompile(`\n{3,}`)
	threeDigits     = regexp.MustCompile(`(?m)^( +)0\.\d{3}  `) // of a trace
)

// timeless writes times as they would be if this machine took none: all below a second as 0, and milliseconds in steps of
// 500, which a busy machine stays in.
func timeless(out string) string {
	out = lessThanASecond.ReplaceAllString(out, "0.0 s")
	out = arrivals.ReplaceAllStringFunc(threeDigits.ReplaceAllString(out, "${1}0.000  "), inOrder)
	return milliseconds.ReplaceAllStringFunc(out, func(cell string) string {
		m := milliseconds.FindStringSubmatch(cell)
		ms, _ := strconv.ParseFloat(m[1], 64) // the pattern has made sure of it
		text := fmt.Sprintf("│ %.0f ms%s", math.Floor(ms/500)*500, m[2])
		return text + strings.Repeat(" ", max(1, len(cell)-len(text)))
	})
}

// inOrder sorts lines: of two answers that arrive at the same time, either can be first.
func inOrder(lines string) string {
	return strings.Join(slices.Sorted(strings.Lines(lines)), "")
}
