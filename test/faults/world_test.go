//go:build faults

package faults

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
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
	addr     [4]byte
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
		{name: "without", addr: [4]byte{127, 0, 0, 10}},
		{name: "with", addr: [4]byte{127, 0, 0, 11}, muslsafe: plain},
	}
}

func (s *side) ip() string {
	return fmt.Sprintf("%d.%d.%d.%d", s.addr[0], s.addr[1], s.addr[2], s.addr[3])
}

// start runs the server, for the first time or again.
func (s *side) start(t *testing.T) {
	t.Helper()
	if s.dir == "" {
		s.dir = t.TempDir()
		text := strings.NewReplacer("ADDR", s.ip(), "MUSLSAFE", s.muslsafe).Replace(corefile)
		if err := os.WriteFile(filepath.Join(s.dir, "Corefile"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
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

// gauge reads a metric of the server.
func (s *side) gauge(t *testing.T, name string) int {
	t.Helper()
	return lab.Gauge(t, s.ip(), name)
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
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatalf("no VmHWM in %s", text)
	}
	kB, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB
}
