//go:build faults

package faults

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// corefile is that of both servers: the cluster domain as the kubernetes plugin answers it, and the rest forwarded.
// ADDR is the address of the server, MUSLSAFE the place of the plugin.
const corefile = `. {
	bind ADDR
	prometheus ADDR:9153
	pprof ADDR:6053
	health ADDR:8080 {
		lameduck 1s
	}
	MUSLSAFE
	template IN A cluster.local {
		match ^web[0-9]+[.]default[.]svc[.]cluster[.]local[.]$
		answer "{{ .Name }} 30 IN A 10.96.7.7"
		fallthrough
	}
	template IN AAAA cluster.local {
		match ^web[0-9]+[.]default[.]svc[.]cluster[.]local[.]$
		rcode NOERROR
		authority "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30"
		fallthrough
	}
	template IN ANY cluster.local {
		rcode NXDOMAIN
		authority "cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 1 7200 1800 86400 30"
	}
	cache 30 {
		servfail 0
	}
	forward . 127.0.0.2 127.0.0.3
}
`

// plain and complete are what stands at the place of the plugin.
const (
	plain    = "muslsafe {\n\t\tsearch corp.example.com\n\t}"
	complete = "muslsafe {\n\t\tsearch corp.example.com\n\t\tcomplete\n\t}"
)

// side is one of the two servers that a fault meets at the same time.
type side struct {
	name     string
	addr     string
	muslsafe string       // its lines in the Corefile
	binary   string       // of the server; lab.Binary if empty
	limits   string       // shell commands in front of the server
	env      []string     // of the server
	asked    atomic.Int64 // lookups so far
	dir      string
	process  *lab.Process
	stdin    io.Writer // of the server
	pid      int
}

func newSides() []*side {
	return []*side{
		{name: "without", addr: "127.0.0.10"},
		{name: "with", addr: "127.0.0.11", muslsafe: plain},
	}
}

// start runs the server, for the first time or again.
func (s *side) start(t *testing.T) {
	t.Helper()
	if s.dir == "" {
		s.dir = t.TempDir()
		text := strings.NewReplacer("ADDR", s.addr, "MUSLSAFE", s.muslsafe).Replace(corefile)
		lab.WriteFile(t, filepath.Join(s.dir, "Corefile"), text)
	}
	if s.binary == "" {
		s.binary = lab.Binary(t)
	}
	cmd := exec.Command("sh", "-c", s.limits+"exec "+s.binary+" -conf Corefile")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	var err error
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	s.process = lab.Start(t, "CoreDNS-", cmd)
	s.pid = cmd.Process.Pid
}

// files returns how many files and sockets the server has open.
func (s *side) files(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// peak returns the most memory that the server ever had resident, in kB.
func (s *side) peak(t *testing.T) int {
	t.Helper()
	kB, err := lab.Memory(s.pid, "VmHWM")
	if err != nil {
		t.Fatal(err)
	}
	return kB
}
