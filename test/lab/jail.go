package lab

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
)

// A Jail starts processes that see their own /etc/resolv.conf.
type Jail struct {
	start chan *exec.Cmd
	done  chan error
}

// NewJail makes a mount namespace for one thread, which is never used for anything else.
func NewJail(t *testing.T, resolvConf string) *Jail {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"resolv.conf":   resolvConf,
		"nsswitch.conf": "hosts: files dns\n",
		"hosts":         "127.0.0.1 localhost\n",
	}
	for name, text := range files {
		WriteFile(t, filepath.Join(dir, name), text)
	}
	j := &Jail{start: make(chan *exec.Cmd), done: make(chan error)}
	go j.run(dir)
	t.Cleanup(func() { close(j.start) })
	if err := <-j.done; err != nil {
		t.Fatalf("mount over /etc: %v", err)
	}
	return j
}

func (j *Jail) run(dir string) {
	runtime.LockOSThread()
	j.done <- enterJail(dir)
	for cmd := range j.start {
		j.done <- cmd.Start()
	}
}

func enterJail(dir string) error {
	if err := syscall.Unshare(syscall.CLONE_FS | syscall.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	for _, name := range []string{"resolv.conf", "nsswitch.conf", "hosts"} {
		target, err := filepath.EvalSymlinks("/etc/" + name)
		if err == nil {
			err = syscall.Mount(filepath.Join(dir, name), target, "", syscall.MS_BIND, "")
		}
		if err != nil && name != "nsswitch.conf" {
			return fmt.Errorf("/etc/%s: %w", name, err)
		}
	}
	return nil
}

// Start starts cmd in the jail. Only that needs the jail's thread.
func (j *Jail) Start(cmd *exec.Cmd) error {
	j.start <- cmd
	return <-j.done
}
