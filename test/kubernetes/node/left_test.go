package node

import (
	"bufio"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestNothingLeft compares the machine before a cluster and after it, which is ended as a terminal does it, and killed.
func TestNothingLeft(t *testing.T) {
	if os.Geteuid() != 0 {
		lab.Skip(t, "needs root")
	}
	if err := Lacking(); err != nil {
		lab.Skip(t, "needs the components of Kubernetes: "+err.Error())
	}
	binary := filepath.Join(t.TempDir(), "keep")
	if out, err := exec.Command("go", "build", "-o", binary, "../keep").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, tc := range []struct {
		about string
		end   func(pid int) error
	}{
		{"interrupted", func(pid int) error { return syscall.Kill(pid, syscall.SIGINT) }},
		{"killed", func(pid int) error { return syscall.Kill(pid, syscall.SIGKILL) }},
		{"killed with its group", func(pid int) error { return syscall.Kill(-pid, syscall.SIGKILL) }},
	} {
		t.Run(tc.about, func(t *testing.T) {
			before := machine(t)
			cmd := exec.Command(binary)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
			await(t, cmd, "cluster: ready")
			if during := machine(t); during["control groups"] == before["control groups"] || during["namespaces"] == before["namespaces"] {
				t.Error("a running cluster is not seen")
			} else if during["settings of the kernel"] != before["settings of the kernel"] {
				t.Error("a running cluster changes settings of the kernel")
			}
			if err := tc.end(cmd.Process.Pid); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // killed
			compare(t, before)
		})
	}
}

// await starts a command and waits until it says something.
func await(t *testing.T, cmd *exec.Cmd, text string) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), text) {
			return
		}
	}
	t.Fatalf("it ended without %q", text)
}

// compare waits until the machine is as it was: what was killed is cleared away a moment later.
func compare(t *testing.T, before map[string]string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		after := machine(t)
		if maps.Equal(after, before) {
			return
		}
		if time.Now().Before(deadline) {
			continue
		}
		for what := range before {
			old, now := strings.Split(before[what], "\n"), strings.Split(after[what], "\n")
			for _, line := range now {
				if !slices.Contains(old, line) {
					t.Errorf("%s: %q was not there before", what, line)
				}
			}
			for _, line := range old {
				if !slices.Contains(now, line) {
					t.Errorf("%s: %q is not there any more", what, line)
				}
			}
		}
		return
	}
}

// machine is what a cluster could leave behind.
func machine(t *testing.T) map[string]string {
	t.Helper()
	m := map[string]string{
		"mounts":                 lab.ReadFile(t, "/proc/self/mountinfo"),
		"control groups":         groups(t),
		"namespaces":             inUse(t),
		"folders":                entries(t),
		"settings of the kernel": settings(t),
	}
	for what, command := range map[string]string{
		"links": "ip -o link", "addresses": "ip -o addr", "routes": "ip route show table all",
		"rules of nftables": "nft list ruleset", "rules of iptables": "iptables-save",
	} {
		out, err := exec.Command("sh", "-c", command+" | grep -v '^#'").CombinedOutput() // without the time
		if err != nil && len(out) > 0 {
			t.Fatalf("%s: %v: %s", command, err, out)
		}
		m[what] = string(out)
	}
	return m
}

// groups lists all control groups but those of other programs that come and go, which have no name of ours.
func groups(t *testing.T) string {
	t.Helper()
	dirs, _, err := hierarchies()
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, dir := range dirs {
		found, err := filepath.Glob(dir + "/" + groupPrefix + "*")
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, found...)
	}
	return strings.Join(list, "\n")
}

// inUse lists the namespaces of all processes.
func inUse(t *testing.T) string {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/ns/*")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil { // the process may have ended
			set[name] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(set)), "\n")
}

// entries lists what is in the folders where containers and their networks leave something.
func entries(t *testing.T) string {
	t.Helper()
	var list []string
	for _, dir := range []string{"/run", "/run/netns", "/var/lib", "/var/lib/cni", "/var/lib/kubelet", "/var/lib/containerd", "/var/log", "/var/log/pods", "/opt", "/etc/cni"} {
		found, _ := os.ReadDir(dir) // it need not be there
		for _, e := range found {
			list = append(list, filepath.Join(dir, e.Name()))
		}
	}
	return strings.Join(list, "\n")
}

// settings are those of the kernel that stay as they are by themselves.
func settings(t *testing.T) string {
	t.Helper()
	var list []string
	for _, dir := range []string{"/proc/sys/vm", "/proc/sys/kernel", "/proc/sys/net"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && !slices.Contains(moving, filepath.Base(path)) {
				text, _ := os.ReadFile(path) // some can only be written
				list = append(list, path+" = "+string(text))
			}
			return nil // some go away meanwhile
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return strings.Join(list, "\n")
}

// moving are files that count something.
var moving = []string{"uuid", "ns_last_pid", "entropy_avail", "pty", "nr", "nf_conntrack_count", "stat_refresh", "random", "usage", "gc_stall_threshold"}
