package lab

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds how long a server may take until it says that it is ready.
const startTimeout = 30 * time.Second

// Process is a server that runs until the end of a test.
type Process struct {
	mu    sync.Mutex
	log   bytes.Buffer
	ready string
	began chan struct{} // closed when ready appears in the log
	ended chan struct{} // closed when the process is gone
	cmd   *exec.Cmd
}

// Start starts a server and waits until its output has ready in it. The test fails if the server ends before.
func Start(t *testing.T, ready string, cmd *exec.Cmd) *Process {
	t.Helper()
	p := &Process{ready: ready, began: make(chan struct{}), ended: make(chan struct{}), cmd: cmd}
	cmd.Stdout, cmd.Stderr = p, p
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // a server that is killed does not end well
		close(p.ended)
	}()
	t.Cleanup(p.Stop)

	select {
	case <-p.began:
	case <-p.ended:
		t.Fatalf("%s ended at its start:\n%s", cmd, p.Log())
	case <-time.After(startTimeout):
		t.Fatalf("%s did not say %q:\n%s", cmd, ready, p.Log())
	}
	return p
}

// Write takes the output of the process.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.log.Write(b)
	select {
	case <-p.began:
	default:
		if strings.Contains(p.log.String(), p.ready) {
			close(p.began)
		}
	}
	return len(b), nil
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

// Signal sends a signal to the process.
func (p *Process) Signal(t *testing.T, sig os.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

var build = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(os.Getenv(inside), "coredns")
	cmd := exec.Command("go", "build", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", binary, "github.com/muslsafe/coredns-muslsafe/build/coredns")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
})

// Binary builds build/coredns, once for each package that asks, and returns its path.
func Binary(t *testing.T) string {
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
		writeFile(t, filepath.Join(dir, name), text)
	}
	writeFile(t, filepath.Join(dir, "Corefile"), corefile)
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
	if _, err := exec.LookPath("dnsmasq"); err != nil {
		Skip(t, "needs dnsmasq: "+err.Error())
	}
	file := filepath.Join(t.TempDir(), "dnsmasq.conf")
	writeFile(t, file, "user=root\ngroup=root\nno-resolv\nno-hosts\nno-poll\nbind-interfaces\nlog-queries\npid-file\n"+config)
	return Start(t, "started, version", exec.Command("dnsmasq", "--keep-in-foreground", "--log-facility=-", "--conf-file="+file))
}

func writeFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
