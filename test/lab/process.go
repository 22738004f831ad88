package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds how long a server may take until it says what a test waits for.
const patience = 30 * time.Second

// Process is a server that runs until the end of a test.
type Process struct {
	mu    sync.Mutex
	log   bytes.Buffer
	wrote chan struct{} // has an element if something was written since it was last received from
	ended chan struct{} // closed when the process is gone
	cmd   *exec.Cmd
}

// Start starts a server and waits until its output has ready in it. The test fails if the server ends before.
func Start(t *testing.T, ready string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{wrote: make(chan struct{}, 1), ended: make(chan struct{}), cmd: cmd}
	cmd.Stdout, cmd.Stderr = p, p
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startForLife(cmd); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // a killed server is an error here
		close(p.ended)
	}()
	t.Cleanup(p.Stop)
	p.Await(t, ready)
	return p
}

// starting is what startForLife has to do.
type starting struct {
	cmd  *exec.Cmd
	done chan error
}

// starter starts processes from one thread, which lives as long as this process.
var starter = sync.OnceValue(func() chan<- starting {
	todo := make(chan starting)
	go func() {
		runtime.LockOSThread()
		for s := range todo {
			s.done <- s.cmd.Start()
		}
	}()
	return todo
})

// startForLife starts a process that dies with this one, or rather with the thread that started it. A Jail ends its threads, so
// one thread is kept for this.
func startForLife(cmd *exec.Cmd) error {
	s := starting{cmd, make(chan error)}
	starter() <- s
	return <-s.done
}

// Await waits until the output of the process has text in it.
func (p *Process) Await(t *testing.T, text string) {
	t.Helper()
	p.AwaitTimes(t, text, 1)
}

// AwaitTimes waits until text is in the output times times.
func (p *Process) AwaitTimes(t *testing.T, text string, times int) {
	t.Helper()
	timeout := time.After(patience)
	for strings.Count(p.Log(), text) < times {
		select {
		case <-p.wrote:
		case <-p.ended:
			if strings.Count(p.Log(), text) >= times {
				return
			}
			t.Fatalf("%s ended without %q:\n%s", p.cmd, text, p.Log())
		case <-timeout:
			t.Fatalf("%s did not say %q:\n%s", p.cmd, text, p.Log())
		}
	}
}

// Write takes the output of the process.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case p.wrote <- struct{}{}:
	default:
	}
	return p.log.Write(b)
}

// Log returns what the process has written so far.
func (p *Process) Log() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// Stop ends the process. It may be called more than once.
func (p *Process) Stop() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.ended
}

// Wait waits until the process has ended by itself, and returns its exit status.
func (p *Process) Wait(t *testing.T) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("%s does not end:\n%s", p.cmd, p.Log())
	}
	return p.cmd.ProcessState.ExitCode()
}

// Signal repeats a signal until the process says that it received it: shortly after its start it may not listen yet.
func (p *Process) Signal(t *testing.T, sig os.Signal, notice string) {
	t.Helper()
	timeout := time.After(patience)
	for !strings.Contains(p.Log(), notice) {
		if err := p.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		select {
		case <-p.wrote:
		case <-time.After(100 * time.Millisecond):
		case <-timeout:
			t.Fatalf("%s did not say %q:\n%s", p.cmd, notice, p.Log())
		}
	}
}

// module is that of muslsafe. Some tests run in another module.
const module = "github.com/muslsafe/coredns-muslsafe"

var (
	coredns = sync.OnceValues(func() (string, error) { return build("coredns", "coredns") })
	doctor  = sync.OnceValues(func() (string, error) { return build("doctor", "doctor") })
)

// build builds a program of this repository into a file, with further flags of go build.
func build(program, file string, flags ...string) (string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", err)
	}
	binary := filepath.Join(os.Getenv(inside), file)
	args := append([]string{"build", "-trimpath", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", binary}, flags...)
	cmd := exec.Command("go", append(args, module+"/build/"+program)...)
	cmd.Dir = strings.TrimSpace(string(dir))
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
}

// Binary builds build/coredns, once for each package that asks, and returns its path.
func Binary(t *testing.T) string { return must(t, coredns) }

// Doctor does the same for build/doctor.
func Doctor(t *testing.T) string { return must(t, doctor) }

// Overlaid builds build/coredns with the files replaced that an overlay of go build names, a JSON file. It returns the path of
// the binary.
func Overlaid(t *testing.T, overlay string) string {
	t.Helper()
	return must(t, func() (string, error) { return build("coredns", "coredns-overlaid", "-overlay", overlay) })
}

func must(t *testing.T, build func() (string, error)) string {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// CoreDNS runs the binary on a Corefile. Files that the Corefile names may be given by name and contents; the server
// runs in the folder that holds them.
func CoreDNS(t *testing.T, corefile string, files map[string]string) *Process {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		WriteFile(t, filepath.Join(dir, name), text)
	}
	WriteFile(t, filepath.Join(dir, "Corefile"), corefile)
	return Run(t, dir, "-conf", "Corefile")
}

// Run runs the binary in a folder.
func Run(t *testing.T, dir string, args ...string) *Process {
	t.Helper()
	cmd := exec.Command(Binary(t), args...)
	cmd.Dir = dir
	return Start(t, "CoreDNS-", cmd)
}

// Dnsmasq runs dnsmasq, which logs each query.
func Dnsmasq(t *testing.T, config string) *Process {
	t.Helper()
	dnsmasq := LookPath(t, "dnsmasq")
	file := filepath.Join(t.TempDir(), "dnsmasq.conf")
	WriteFile(t, file, "no-resolv\nno-hosts\nno-poll\nbind-interfaces\nlog-queries\n"+config)
	return Start(t, "started, version", exec.Command(dnsmasq, "--no-daemon", "--conf-file="+file))
}

// Unbound runs unbound with the given lines in its server clause. It has no root servers to ask.
func Unbound(t *testing.T, server string) *Process {
	t.Helper()
	unbound := LookPath(t, "unbound")
	file := filepath.Join(t.TempDir(), "unbound.conf")
	WriteFile(t, file, `server:
username: ""
chroot: ""
directory: "/"
pidfile: ""
use-syslog: no
do-daemonize: no
do-not-query-localhost: no
access-control: 127.0.0.0/8 allow
module-config: iterator
verbosity: 1
`+server+"\nremote-control:\ncontrol-enable: no\n")
	return Start(t, "start of service", exec.Command(unbound, "-d", "-p", "-c", file))
}
