//go:build faults

package faults

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
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
	muslsafe string   // its lines in the Corefile
	limits   string   // shell commands in front of the server
	env      []string // of the server
	dir      string
	process  *lab.Process
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
	cmd := exec.Command("sh", "-c", s.limits+"exec "+lab.Binary(t)+" -conf Corefile")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	s.process = lab.Start(t, "CoreDNS-", cmd)
	s.pid = cmd.Process.Pid
}

// gauge reads a metric of the server.
func (s *side) gauge(t *testing.T, name string) int {
	t.Helper()
	m := regexp.MustCompile(`(?m)^` + name + ` (.+)$`).FindStringSubmatch(get(t, "http://"+s.ip()+":9153/metrics"))
	if m == nil {
		t.Fatalf("%s: no metric %s", s.name, name)
	}
	value, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatal(err)
	}
	return int(value)
}

// liveHeap returns what the server holds, in kB: the least of some looks, each after a collection of garbage, as what was
// allocated since then counts too.
func (s *side) liveHeap(t *testing.T) int {
	t.Helper()
	least := math.MaxInt
	for range 5 {
		get(t, "http://"+s.ip()+":6053/debug/pprof/heap?gc=1")
		least = min(least, s.gauge(t, "go_memstats_heap_alloc_bytes")>>10)
	}
	return least
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

// client keeps no connection: their goroutines are not those of the server's own work.
var client = http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

func get(t *testing.T, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
