//go:build faults

package faults

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// fault is something that production does to a DNS server.
type fault struct {
	about    string
	mood     mood                         // of the upstreams, while it lasts
	loss     int                          // percent of all packets, in both directions and on both sides of the server
	prepare  func(t *testing.T, s *side)  // the server, before it starts
	during   func(t *testing.T, w *world) // meanwhile, from some time on after the load began
	load     func(l load) load            // if it is not the ordinary one
	least    time.Duration                // that it lasts
	restarts bool                         // the servers are not those of the beginning afterwards
}

// outlast is a time in which musl asks, asks again and gives up.
const outlast = patience + time.Second

// faults are the rows of the table.
var faults = []fault{
	{about: "none"},
	{about: "upstreams silent", least: outlast, mood: always(upstream.Behaviour{Answer: upstream.Silence})},
	{about: "nobody listens upstream", least: outlast, during: hangUp},
	{about: "upstreams refuse", least: outlast, mood: always(upstream.Behaviour{Answer: upstream.Refused})},
	{about: "upstreams fail", least: outlast, mood: always(upstream.Behaviour{Answer: upstream.ServFail})},
	{about: "upstreams send garbage", least: outlast, mood: anyOf(upstream.Garbage, upstream.Short, upstream.Tiny, upstream.Echo, upstream.Cut, upstream.NoQuestion)},
	{about: "upstreams take 0.3 s", mood: always(upstream.Behaviour{Delay: 300 * time.Millisecond})},
	{about: "upstreams take 1.5 s", mood: always(upstream.Behaviour{Delay: 1500 * time.Millisecond})},
	{about: "upstreams silent for 0.25 s of each 0.5 s", least: outlast, mood: flapping(500 * time.Millisecond)},
	{about: "one of two upstreams silent", least: outlast, mood: onlyFirst(always(upstream.Behaviour{Answer: upstream.Silence}))},
	{about: "one of two upstreams fails", mood: onlyFirst(always(upstream.Behaviour{Answer: upstream.ServFail}))},
	{about: "one of two upstreams sends garbage", load: thousand, least: outlast, mood: onlyFirst(anyOf(upstream.Garbage, upstream.Short, upstream.Echo, upstream.Cut))},
	{about: "1 % of the packets lost, answers in any order", loss: 1, load: thousand, mood: reordering(20 * time.Millisecond)},
	{about: "5 % of the packets lost, answers in any order", load: thousand, least: outlast, loss: 5, mood: reordering(20 * time.Millisecond)},
	{about: "20 % of the packets lost, answers in any order", load: thousand, least: outlast, loss: 20, mood: reordering(20 * time.Millisecond)},
	{about: "50 reloads", during: reload},
	{about: "SIGTERM, and a start", during: terminate, restarts: true},
	{about: "stopped for 2 s, like a virtual machine that migrates", during: pause},
	// With an upstream that is waited for, so that time is measured across each jump.
	{about: "wall clock an hour ahead, and back, 4 times", mood: onlyFirst(always(upstream.Behaviour{Answer: upstream.Silence})), prepare: settable, during: setClock},
	{about: "32 file descriptors", prepare: func(_ *testing.T, s *side) { s.limits = "ulimit -n 32; " }, mood: always(upstream.Behaviour{Delay: 100 * time.Millisecond})},
	{about: "10,000 clients", mood: always(upstream.Behaviour{Delay: 200 * time.Millisecond}), load: tenThousand},
	{about: "GOMEMLIMIT=64MiB, and a flood of names", prepare: func(_ *testing.T, s *side) { s.env = []string{"GOMEMLIMIT=64MiB"} }, during: flood},
}

// hangUp closes the sockets of the upstreams.
func hangUp(t *testing.T, w *world) {
	for _, u := range w.upstreams {
		u.hangUp()
	}
	time.Sleep(max(*lasts, outlast))
	for _, u := range w.upstreams {
		u.listen(t)
	}
}

// reload has both servers read their Corefiles 50 times.
func reload(t *testing.T, w *world) {
	for i := range 50 {
		for _, s := range w.sides {
			if err := syscall.Kill(s.pid, syscall.SIGUSR1); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range w.sides {
			s.process.AwaitTimes(t, "Reloading complete", i+1)
		}
	}
}

// terminate ends both servers as Kubernetes does, and starts each again as soon as it has ended: neither is away for longer than
// the other.
func terminate(t *testing.T, w *world) {
	var wg sync.WaitGroup
	for _, s := range w.sides {
		wg.Go(func() {
			if err := syscall.Kill(s.pid, syscall.SIGTERM); err != nil {
				t.Error(err)
				return
			}
			if code := s.process.Wait(t); code != 0 {
				t.Errorf("%s: exit status %d after SIGTERM; want 0", s.name, code)
			}
			s.start(t)
		})
	}
	wg.Wait()
}

// pause stops both servers. To them, all clocks jump.
func pause(t *testing.T, w *world) {
	for _, sig := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		for _, s := range w.sides {
			if err := syscall.Kill(s.pid, sig); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Second)
	}
}

// thousand clients, for a fault that makes a lookup take seconds: of few lookups, chance decides which succeed.
func thousand(l load) load {
	l.clients = 1000
	return l
}

// tenThousand clients ask once each, with an address of their own.
func tenThousand(l load) load {
	l.clients, l.once, l.name = 10_000, true, absolute
	l.lasts = max(l.lasts, 12*time.Second) // what two cores can do beside the tests themselves
	return l
}

// flood asks both servers for names that are all different, leaks and others.
func flood(t *testing.T, w *world) {
	for _, s := range w.sides {
		dnsperf(t, s, *distinct)
		t.Logf("%s: %d kB resident at the most after %d names", s.name, s.peak(t), *distinct)
	}
	without, with := lab.LiveHeap(t, w.sides[0].addr), lab.LiveHeap(t, w.sides[1].addr)
	t.Logf("live after the flood: %d kB without, %d kB with", without, with)
	if most := without + 8<<10; with > most {
		t.Errorf("live after %d names: %d kB; want at most %d", *distinct, with, most)
	}
}

// dnsperf asks for names that are all different, once each.
func dnsperf(t *testing.T, s *side, distinct int) {
	t.Helper()
	program := lab.LookPath(t, "dnsperf")
	var names strings.Builder
	for i := range distinct / 4 {
		fmt.Fprintf(&names, "flood%d.example.org A\nflood%d.example.org AAAA\n", i, i)
		fmt.Fprintf(&names, "nope%d.example.net AAAA\nweb%d.default.svc.cluster.local.corp.example.com AAAA\n", i, i)
	}
	file := filepath.Join(t.TempDir(), "names")
	lab.WriteFile(t, file, names.String())
	out, err := exec.Command(program, "-s", s.addr, "-d", file, "-n", "1", "-c", "8", "-q", "100").CombinedOutput()
	if err != nil {
		t.Errorf("%s: dnsperf: %v\n%s", s.name, err, out)
	}
}
