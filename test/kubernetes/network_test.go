package kubernetes

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// node is the address of the lab as its pods see it.
const node = "192.0.2.1"

// startNode turns the lab into a node that routes between pods.
func startNode(t *testing.T) {
	t.Helper()
	lab.Require(t)
	if text := lab.ReadFile(t, "/proc/self/uid_map"); strings.Fields(text)[2] == "1" {
		lab.Skip(t, "needs root, to run pods as users of their own")
	}
	if err := os.Chmod(filepath.Dir(lab.Binary(t)), 0o755); err != nil { // those users start it
		t.Fatal(err)
	}
	if err := os.MkdirAll("/run/secrets", 0o755); err != nil { // the secrets of a pod are mounted there
		t.Fatal(err)
	}
	lab.WriteFile(t, "/proc/sys/net/ipv4/ip_forward", "1")
	// Where the pods and the Services of this test are, which are addresses of the lab itself otherwise.
	for _, network := range []string{"198.51.100.0/24", "10.96.0.0/12"} {
		ip(t, "route", "del", "local", network, "dev", "lo")
		t.Cleanup(func() { ip(t, "route", "add", "local", network, "dev", "lo") })
	}
}

// pod is a network namespace with an address of its own, and a resolv.conf.
type pod struct {
	name, addr string
	resolvConf string // file
	secrets    string // folder, for /run/secrets
}

// newPod makes a pod that sees a file as its /etc/resolv.conf.
func newPod(t *testing.T, name, addr, resolvConf string) *pod {
	t.Helper()
	dir := t.TempDir()
	p := &pod{name: name, addr: addr, resolvConf: filepath.Join(dir, "resolv.conf"), secrets: filepath.Join(dir, "secrets")}
	lab.WriteFile(t, p.resolvConf, resolvConf)
	if err := os.Mkdir(p.secrets, 0o755); err != nil {
		t.Fatal(err)
	}
	ip(t, "netns", "add", name)
	t.Cleanup(func() { ip(t, "netns", "del", name) })
	ip(t, "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
	t.Cleanup(func() { ip(t, "link", "del", name) }) // at once; with the namespace it would go some time later
	ip(t, "link", "set", name, "up")
	ip(t, "route", "add", addr, "dev", name, "src", node)
	ip(t, "-n", name, "link", "set", "lo", "up")
	ip(t, "-n", name, "link", "set", "eth0", "up")
	ip(t, "-n", name, "addr", "add", addr+"/32", "dev", "eth0")
	ip(t, "-n", name, "route", "add", node, "dev", "eth0")
	ip(t, "-n", name, "route", "add", "default", "via", node)
	return p
}

// serve gives the pod the address of a Service, as the only one of its pods; kube-proxy would translate it.
func (p *pod) serve(t *testing.T, addr string) {
	t.Helper()
	ip(t, "-n", p.name, "addr", "add", addr+"/32", "dev", "lo")
	ip(t, "route", "add", addr, "dev", p.name, "src", node)
}

// enter makes a command run in the pod. The script may be empty; it runs there before, as root.
func (p *pod) enter(cmd *exec.Cmd, script string) {
	script = `mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /run/secrets && shift 2 && ` + script + ` exec "$@"`
	args := []string{"ip", "netns", "exec", p.name, "sh", "-ec", script, "sh", p.resolvConf, p.secrets}
	cmd.Path = program
	cmd.Args = append(args, cmd.Args...)
}

// program is the ip of iproute2.
var program, _ = exec.LookPath("ip")

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, out))
	}
}

// look looks a name up with a libc in the pod.
func (p *pod) look(t *testing.T, l lab.Libc, name string) lab.Answer {
	t.Helper()
	a, err := l.Look("0", name, func(cmd *exec.Cmd) error {
		p.enter(cmd, "")
		return cmd.Start()
	})
	if err != nil {
		t.Errorf("%s: %v", l.Name, err)
	}
	return a
}
