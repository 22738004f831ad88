package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// process is a running server.
type process struct {
	cmd   *exec.Cmd
	log   bytes.Buffer  // read it when the process has ended
	ended chan struct{} // closed then
	port  int
}

func startProcess(dir string, port int, name string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(name, args...), ended: make(chan struct{}), port: port}
	p.cmd.Dir = dir
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // what is killed does not end well
		close(p.ended)
	}()
	return p, nil
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.ended
}

// cpu returns the processor time that the process has used so far, by its clock (clock_getcpuclockid(3)).
func (p *process) cpu() (time.Duration, error) {
	const sched = 2 // CPUCLOCK_SCHED of Linux: to the nanosecond
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^p.cmd.Process.Pid<<3|sched), &t); err != nil {
		return 0, fmt.Errorf("processor time of a server: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// resident returns the resident size of the process, in MiB.
func (p *process) resident() (float64, error) {
	kB, err := lab.Memory(p.cmd.Process.Pid, "VmRSS")
	return float64(kB) / 1024, err
}
