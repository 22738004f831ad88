package e2e

import (
	"flag"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var binary = flag.String("coredns", "", "the server that the tests of proofs start, in place of the one of this repository")

// proof is a lookup where a server that guesses gives the address of another host, or denies what exists.
type proof struct {
	about string

	// What the upstream does with NAME.corp.example.org, NAME.example.com and NAME: behaviours of package upstream for
	// A and AAAA, or one for both. Where there is none, the name does not exist.
	corp, com, bare string
	domain          string        // likewise, with every other name below corp.example.org
	outage          time.Duration // how long everything below corp.example.org is silent from the lookup on
	age             time.Duration // of the server when it is asked

	name   string // "db" if empty
	asked  string // what the program asks for, if that is not the name alone
	family string // "4" or "6" for that family alone
	search string // "corp.example.org example.com" if empty
	ndots  int    // 5 if 0

	stock  each          // what comes out without muslsafe
	safe   each          // and with it
	within time.Duration // an address has to come by then, with muslsafe
	both   bool          // addresses of both families have to come, with muslsafe
}

// each is what musl and glibc get: "corp" or "com" for the address of that host, the name of an error, or some of these
// with " or " between them.
type each struct{ musl, glibc string }

// all is the same for both.
func all(want string) each { return each{want, want} }

// hosts are those that the addresses of a script belong to.
var hosts = map[string]string{
	"198.18.4.1": "corp", "2001:db8:1::1": "corp",
	"198.18.8.1": "com", "2001:db8:2::1": "com",
}

// lead is how long an outage has lasted when a lookup begins. By the end of two seconds of silence the query that forward
// repeats after two seconds has thus not gone out yet.
const lead = 200 * time.Millisecond

// rowsAtOnce bounds the servers that run at a time. Nearly all that lookups do is wait.
const rowsAtOnce = 12

func TestProofs(t *testing.T) {
	lab.Require(t)
	var wg sync.WaitGroup
	free := make(chan bool, rowsAtOnce)
	for _, p := range proofs {
		free <- true
		wg.Go(func() {
			t.Run(p.about, p.check)
			<-free
		})
	}
	wg.Wait()
}

func (p proof) check(t *testing.T) {
	libcs := lab.Libcs(t)
	sides := serveSides(t, p.script(), len(libcs))
	time.Sleep(p.age)
	var wg sync.WaitGroup
	for i, s := range sides {
		wg.Go(func() { p.judge(t, s, libcs[i%len(libcs)]) })
	}
	wg.Wait()
}

// judge looks up the name with one libc.
func (p proof) judge(t *testing.T, s side, libc lab.Libc) {
	a := p.look(t, s, libc)
	want := p.stock
	if s.safe {
		want = p.safe
	}
	wanted := want.glibc
	if libc.Musl() {
		wanted = want.musl
	}
	got := result(a)
	about := fmt.Sprintf("muslsafe=%v, %s: %s %v after %v", s.safe, libc.Name, got, a.Addrs, a.Took)
	switch {
	case slices.Contains(strings.Split(wanted, " or "), got):
		if s.safe && a.Err == "OK" && a.Took > p.within {
			t.Errorf("%s; want it within %v", about, p.within)
		}
		if s.safe && p.both && len(a.Addrs) != 2 {
			t.Errorf("%s; want the addresses of both families", about)
		}
		t.Log(about)
	case got == "com" && p.corp != "":
		t.Errorf("%s: address of another host; want %s", about, wanted)
	default:
		t.Errorf("%s; want %s", about, wanted)
	}
}

// look resolves the name, and has the outage begin and end.
func (p proof) look(t *testing.T, s side, libc lab.Libc) lab.Answer {
	search, ndots := "corp.example.org example.com", 5
	if p.search != "" {
		search = p.search
	}
	if p.ndots != 0 {
		ndots = p.ndots
	}
	jail := lab.NewJail(t, fmt.Sprintf("nameserver %s\nsearch %s\noptions ndots:%d\n", s.addr, search, ndots))
	if p.outage > 0 {
		silent := p
		silent.corp, silent.domain = "", "silence"
		s.upstream.Play(silent.script())
		time.AfterFunc(p.outage, func() { s.upstream.Play(p.script()) })
		time.Sleep(lead)
	}
	asked := p.label()
	if p.asked != "" {
		asked = p.asked
	}
	family := "0"
	if p.family != "" {
		family = p.family
	}
	a, err := libc.Look(family, asked, jail.Start)
	if err != nil {
		t.Errorf("%s: %v", libc.Name, err)
	}
	return a
}

// result is what came out in one word: the host, or the error.
func result(a lab.Answer) string {
	if a.Err != "OK" {
		return a.Err
	}
	var found []string
	for _, addr := range a.Addrs {
		found = append(found, hosts[addr])
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " and ")
}

func (p proof) label() string {
	if p.name != "" {
		return p.name
	}
	return "db"
}

// script is the upstream of the proof.
func (p proof) script() *upstream.Script {
	script := new(upstream.Script)
	add := func(z upstream.Zone, words string) {
		if words == "" {
			return
		}
		both := strings.Fields(words)
		z.A, z.AAAA = behaviour(both[0]), behaviour(both[len(both)-1])
		script.Zones = append(script.Zones, z)
	}
	add(upstream.Zone{Name: "corp.example.org.", Net: 3}, p.domain)
	add(upstream.Zone{Name: p.label() + ".corp.example.org.", Net: 1, Host: true}, p.corp)
	add(upstream.Zone{Name: p.label() + ".example.com.", Net: 2, Host: true}, p.com)
	add(upstream.Zone{Name: p.label() + ".", Net: 4, Host: true}, p.bare)
	return script
}

// behaviour reads a behaviour of the tables below.
func behaviour(word string) upstream.Behaviour {
	b, err := upstream.Parse(word)
	if err != nil {
		panic(err)
	}
	return b
}

// side is a server with an upstream of its own, for one client.
type side struct {
	addr     string
	safe     bool // with muslsafe
	upstream *upstream.Server
}

// lastNetwork is the last one that servers of these tests listen in.
var lastNetwork atomic.Int32

// serveSides starts one process that serves n sides without muslsafe and then n sides with it. Nothing is shared between
// them: neither what an upstream has been asked, nor what muslsafe remembers.
func serveSides(t *testing.T, script *upstream.Script, n int) []side {
	t.Helper()
	network := lastNetwork.Add(1)
	var corefile string
	var sides []side
	for i := range 2 * n {
		s := side{addr: fmt.Sprintf("127.10.%d.%d", network, i+1), safe: i >= n}
		behind := fmt.Sprintf("127.20.%d.%d", network, i+1)
		var err error
		if s.upstream, err = upstream.Serve(behind+":53", script); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.upstream.Close)
		corefile += block(s.addr, s.safe, behind)
		sides = append(sides, s)
	}
	startServer(t, corefile)
	return sides
}

// block is a server block that forwards, with muslsafe or without.
func block(addr string, with bool, to string) string {
	line := ""
	if with {
		line = "muslsafe {\n  search corp.example.org example.com\n }"
	}
	return fmt.Sprintf(". {\n bind %s\n %s\n forward . %s\n}\n", addr, line, to)
}

// startServer starts the server that is to be tested.
func startServer(t *testing.T, corefile string) {
	t.Helper()
	program := *binary
	if program == "" {
		program = lab.Binary(t)
	}
	cmd := exec.Command(program, "-conf", "stdin")
	cmd.Stdin = strings.NewReader(corefile)
	lab.Start(t, "CoreDNS-", cmd)
}
