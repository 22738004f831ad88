package node

import (
	"fmt"
	"os/exec"
	"runtime"

	"golang.org/x/sys/unix"
)

// A place is where processes are started: the namespaces of a node. They are entered by a thread that does nothing else.
type place struct {
	todo chan func()
}

// enterPlace enters the namespaces of a process.
func enterPlace(pid int) (*place, error) {
	p := &place{todo: make(chan func())}
	entered := make(chan error)
	go func() {
		runtime.LockOSThread()
		entered <- setns(pid)
		for do := range p.todo {
			do()
		}
	}()
	return p, <-entered
}

func setns(pid int) error {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return fmt.Errorf("pidfd of %d: %w", pid, err)
	}
	defer unix.Close(fd)
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // the root directory is common to all threads otherwise
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Setns(fd, namespaces); err != nil {
		return fmt.Errorf("setns: %w", err)
	}
	return nil
}

// start starts a process there.
func (p *place) start(cmd *exec.Cmd) error {
	started := make(chan error)
	p.todo <- func() { started <- cmd.Start() }
	return <-started
}

// run runs a process there until it ends.
func (p *place) run(cmd *exec.Cmd) error {
	if err := p.start(cmd); err != nil {
		return err
	}
	return cmd.Wait()
}
