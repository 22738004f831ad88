package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

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

// tick is the unit of the times in /proc/PID/stat, the same on every Linux that Go runs on.
const tick = 10 * time.Millisecond

// cpu returns the processor time that the process has used so far.
func (p *process) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The second field is the name of the program in parentheses, and may have spaces.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		return 0, fmt.Errorf("times in %q", text)
	}
	return time.Duration(user+system) * tick, nil
}

// resident returns the resident size of the process, in MiB.
func (p *process) resident() (float64, error) {
	kB, err := lab.Memory(p.cmd.Process.Pid, "VmRSS")
	return float64(kB) / 1024, err
}
