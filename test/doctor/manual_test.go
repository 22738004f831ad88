package doctor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// company is a second name server, which knows the hosts of the company and denies all others; it is some way off.
var company = &upstream.Script{Zones: []upstream.Zone{
	{Name: ".", A: late("nxdomain"), AAAA: late("nxdomain")},
	{Name: "intranet.example.net.", Host: true, Net: 1, A: late("data"), AAAA: late("nodata")},
}}

// late returns a behaviour that comes second to any server on this machine.
func late(behaviour string) upstream.Behaviour {
	b, err := upstream.Parse(behaviour + "-d600")
	if err != nil {
		panic(err)
	}
	return b
}

// corefileOfSession has what harms musl.
const corefileOfSession = `. {
    errors
    template IN AAAA {
        rcode NXDOMAIN
    }
    cache 30
    forward . /etc/resolv.conf
}
`

// configMapOfSession is one as kubectl writes it.
const configMapOfSession = `apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system
data:
  Corefile: |
    . {
        muslsafe
        cache 30
        forward . 192.0.2.53
    }
`

// TestManualSession runs the sessions of the manual of doctor in a pod without muslsafe, in a folder that has the files which they name.
func TestManualSession(t *testing.T) {
	enterPod(t)
	lab.CoreDNS(t, fmt.Sprintf(cluster, ""), nil)
	upstream.Start(t, "192.0.2.54:53", company)
	dir := t.TempDir()
	for name, text := range map[string]string{
		"Corefile": corefileOfSession, "coredns.yaml": configMapOfSession, "coredns.log": lab.ReadFile(t, "testdata/coredns.log"),
	} {
		lab.WriteFile(t, filepath.Join(dir, name), text)
	}
	unpackImage(t, filepath.Join(dir, "rootfs"))
	if n := len(console.FindAllString(lab.ReadFile(t, manual), -1)); n == 0 {
		t.Fatal("no sessions in the manual")
	}
	checkSessions(t, manual, func(_ int, session string) string { return replay(t, dir, session) })
}

// unpackImage makes a folder as of an unpacked image: a program, and the musl that it runs on.
func unpackImage(t *testing.T, root string) {
	t.Helper()
	i := slices.IndexFunc(lab.Libcs(t), func(l lab.Libc) bool { return l.Name == "musl 1.2.5" })
	program, loader := lab.Libcs(t)[i].Files()
	for file, from := range map[string]string{"usr/bin/app": program, "lib/ld-musl-x86_64.so.1": loader} {
		to := filepath.Join(root, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("cp", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}

// TestManualCommands runs the commands that the manual shows without their output. All of them are commands of doctor.
func TestManualCommands(t *testing.T) {
	enterPod(t)
	lab.CoreDNS(t, fmt.Sprintf(cluster, ""), nil)
	ran := 0
	for _, script := range lab.Fenced(t, manual, "sh") {
		for line := range strings.Lines(script) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), " >")
			args, ok := strings.CutPrefix(command, "doctor ")
			if !ok {
				t.Errorf("%q is no command of doctor, so nobody runs it", command)
				continue
			}
			ran++
			if status, out, errs := doctor(t, strings.Fields(args)...); status != 0 || errs != "" || out == "" {
				t.Errorf("%s = %d\n%s%s", command, status, out, errs)
			}
		}
	}
	if ran < 2 {
		t.Errorf("%d commands; want all that the manual shows", ran)
	}
}
