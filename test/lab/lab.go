// Package lab gives tests their own network and view of the file system, in which real resolvers, real servers and the binary of
// this repository meet on port 53, as on a node.
package lab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
)

const inside = "MUSLSAFE_LAB" // set in the environment of the process that runs inside

// whyNot is why this process runs outside of a lab, if it does.
var whyNot error

// Main runs the tests of a package in a lab, as Enter does. Call it from TestMain.
func Main(m *testing.M) int { return Enter(m.Run) }

// Enter runs a program in new namespaces: it starts the binary again inside them, where it calls run, and returns the exit code.
// If the namespaces cannot be created, it calls run outside, and Outside says why.
func Enter(run func() int) int {
	if os.Getenv(inside) == "" {
		code, err := again()
		if err == nil {
			return code
		}
		whyNot = err
		return run()
	}
	if whyNot = furnish(); whyNot != nil {
		fmt.Fprintln(os.Stderr, "lab:", whyNot)
		return 1
	}
	defer os.RemoveAll(os.Getenv(inside))
	return run()
}

// Outside returns why this process is outside a lab, and nil inside.
func Outside() error { return whyNot }

// Require skips a test outside a lab and says why. In CI, where nothing may be skipped, it fails.
func Require(t *testing.T) {
	t.Helper()
	if whyNot != nil {
		Skip(t, "needs network and mount namespaces of its own (root, or unprivileged user namespaces): "+whyNot.Error())
	}
}

// Skip skips a test because this machine lacks something. In CI, it fails.
func Skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// again runs this binary once more, with the same arguments, in new namespaces. An error means that it could
// not be started there.
func again() (code int, err error) {
	dir, err := os.MkdirTemp("", "muslsafe-lab-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)

	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), inside+"="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL,
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	return RunToEnd(cmd)
}

// RunToEnd runs the first process of new namespaces and returns its exit code. If a signal ended this process, the one inside
// would be killed before it has cleaned up. So the signal is passed on, and the process inside ends first.
func RunToEnd(cmd *exec.Cmd) (code int, err error) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	go func() {
		for sig := range signals {
			_ = cmd.Process.Signal(sig) // it may have ended already
		}
	}()
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil // -1 if a signal ended it
	}
	return 0, err
}

// networks are local in the lab: the documentation ranges (RFC 5737), and the ranges of service and node-local addresses in
// Kubernetes.
var networks = []string{"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.96.0.0/12", "169.254.20.0/24"}

// furnish sets up the namespaces.
func furnish() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	if err := run("ip", "link", "set", "lo", "up"); err != nil {
		return err
	}
	for _, network := range networks {
		if err := run("ip", "route", "add", "local", network, "dev", "lo"); err != nil {
			return err
		}
	}
	for file, text := range map[string]string{
		"/etc/resolv.conf":   "",
		"/etc/hosts":         "127.0.0.1 localhost\n",
		"/etc/nsswitch.conf": "hosts: files dns\n",
	} {
		if err := mountFile(file, text); err != nil {
			return err
		}
	}
	// Kubernetes hands its credentials to a pod below /run.
	if err := syscall.Mount("lab", "/run", "tmpfs", 0, ""); err != nil {
		return fmt.Errorf("/run: %w", err)
	}
	return nil
}

func run(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, out)
	}
	return nil
}

// mountFile mounts a file of the lab over one of the machine.
func mountFile(file, text string) error {
	own := filepath.Join(os.Getenv(inside), filepath.Base(file))
	if err := os.WriteFile(own, []byte(text), 0o644); err != nil {
		return err
	}
	if err := syscall.Mount(own, file, "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// ResolvConf sets the contents of /etc/resolv.conf.
func ResolvConf(t *testing.T, text string) {
	t.Helper()
	WriteFile(t, "/etc/resolv.conf", text)
}
