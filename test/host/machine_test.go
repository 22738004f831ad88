package host

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// machine is a systemd with a file system of its own and the network of the lab.
type machine struct {
	pid string // of its first process, as this process sees it
}

// boot starts a machine, which ends with the test. It has the given folders of this one as well.
func boot(t *testing.T, folders ...string) machine {
	t.Helper()
	lab.Require(t)
	if os.Geteuid() != 0 {
		lab.Skip(t, "needs root, for cgroups and a systemd in namespaces of its own")
	}
	if _, err := os.Stat("/usr/lib/systemd/systemd"); err != nil {
		lab.Skip(t, "needs systemd (test/install.sh installs it): "+err.Error())
	}
	cgroups := hierarchy()
	own := fmt.Sprintf("%s/muslsafe-host-%d", cgroups, os.Getpid())
	if err := os.Mkdir(own, 0o755); err != nil {
		lab.Skip(t, "needs a cgroup of its own: "+err.Error())
	}
	t.Cleanup(func() { removeCgroups(t, own) })
	script, err := filepath.Abs("testdata/boot.sh")
	if err != nil {
		t.Fatal(err)
	}
	const start = `echo $$ >"$1/cgroup.procs"; shift; echo started
exec unshare --mount --pid --ipc --uts --cgroup --fork --kill-child sh "$@"`
	cmd := exec.Command("sh", append([]string{"-euc", start, "sh", own, script, t.TempDir(), cgroups}, folders...)...)
	p := lab.Start(t, "started", cmd)
	m := machine{}
	eventually(t, "the machine runs", func() error {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", cmd.Process.Pid))
		if m.pid = strings.TrimSpace(string(children)); m.pid == "" {
			return fmt.Errorf("it has not started: %v %s", err, p.Log())
		}
		_, err = m.try("systemctl is-active multi-user.target")
		return err
	})
	return m
}

// hierarchy returns where the cgroups are that systemd keeps its services in.
func hierarchy() string {
	const old = "/sys/fs/cgroup/systemd" // of cgroups v1
	if _, err := os.Stat(old); err == nil {
		return old
	}
	return "/sys/fs/cgroup"
}

// removeCgroups removes a cgroup and those in it. What was in them has been killed, and may take a moment to be gone.
func removeCgroups(t *testing.T, dir string) {
	eventually(t, dir+" is removed", func() error {
		var all []string
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				all = append([]string{path}, all...)
			}
			return err
		})
		for _, path := range all {
			if err := syscall.Rmdir(path); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return err
	})
}

// eventually tries something until it goes well.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for err := try(); err != nil; err = try() {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// in has a command run in the machine.
func (m machine) in(cmd *exec.Cmd) *exec.Cmd {
	enter := exec.Command("nsenter", "--target="+m.pid, "--mount", "--pid", "--ipc", "--uts", "--cgroup", "--root", "--wd=/proc/"+m.pid+"/root/src", "--")
	cmd.Path, cmd.Args, cmd.Err = enter.Path, append(enter.Args, cmd.Args...), enter.Err
	return cmd
}

func (m machine) try(script string) (string, error) {
	out, err := m.in(exec.Command("sh", "-euc", script)).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s", script, err, out)
	}
	return string(out), nil
}

// do runs a script as root, which must go well, and returns its output.
func (m machine) do(t *testing.T, script string) string {
	t.Helper()
	out, err := m.try(script)
	if err != nil {
		t.Fatalf("%v\n%s", err, m.log())
	}
	return out
}

// log returns what the services have said.
func (m machine) log() string {
	out, err := m.try("journalctl --no-pager --output=cat")
	if err != nil {
		return err.Error()
	}
	return out
}

// write writes a file of the machine.
func (m machine) write(t *testing.T, file, text string) {
	t.Helper()
	cmd := exec.Command("sh", "-euc", `mkdir -p "${1%/*}" && cat >"$1"`, "sh", file)
	cmd.Stdin = strings.NewReader(text)
	if out, err := m.in(cmd).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", file, err, out)
	}
}
