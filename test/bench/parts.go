package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// scale is how much of everything is done.
type scale struct {
	rounds   int
	seconds  int           // of each turn of dnsperf; 0: each query once
	leaks    int           // names
	warm     time.Duration // of all turns of warm lookups in a round
	cold     int           // names looked up cold, the hot ones among them
	hot      int           // names looked up warm
	distinct int           // names in the measurement of memory
}

var (
	full  = scale{rounds: 3, seconds: 1, leaks: 50_000, warm: 1500 * time.Millisecond, cold: services, hot: hot, distinct: 1_000_000}
	short = scale{rounds: 1, seconds: 1, leaks: 50_000, warm: 200 * time.Millisecond, cold: 200, hot: 50, distinct: 10_000}
)

// part is one section of the results.
type part struct {
	name   string
	rounds bool // it is done in each round
	run    func(b *bench, chosen []peer) error
}

var parts = []part{
	{"leaks", true, (*bench).leaks},
	{"lookups", true, (*bench).lookups},
	{"pass", true, (*bench).pass},
	{"listeners", true, (*bench).listeners},
	{"cost", true, (*bench).cost},
	{"memory", false, (*bench).memory},
	{"go", false, (*bench).goBenchmarks},
}

// turns is how often peers take turns at one load within a round. What they are measured at together lies seconds apart, so
// that a machine that others use as well is as fast for one as for the other.
const turns = 3

// leaks measures answers to distinct names that only search expansion makes, other ones in each turn.
func (b *bench) leaks(chosen []peer) error {
	var files [turns]string
	for turn := range turns {
		var err error
		leak := func(n int) string { return leakName(turn*b.scale.leaks + n) }
		if files[turn], err = b.questions(fmt.Sprint("leaks", turn), b.scale.leaks, leak, "A", "AAAA"); err != nil {
			return err
		}
	}
	return b.withAll(chosen, usual(b.upstream), func(servers []server) error {
		return inTurn(servers, func(s server, turn int) error {
			rcode := dns.RcodeNameError
			if s.peer.name == "whoami" {
				rcode = dns.RcodeSuccess
			}
			return b.perf("leaks", "", s, perf{file: files[turn], seconds: b.scale.seconds, rcode: rcode})
		})
	})
}

// perf measures a peer by dnsperf and records it.
func (b *bench) perf(part, name string, s server, queries perf) error {
	f, err := queries.run(b, s.process)
	if err == nil {
		b.results.add(part, s.peer.name, name, f)
	}
	return err
}

// server is a peer that runs.
type server struct {
	peer    peer
	process *process
}

// withAll starts all peers, uses them, and stops them.
func (b *bench) withAll(chosen []peer, s settings, use func([]server) error) error {
	var servers []server
	for _, p := range chosen {
		process, err := b.start(p, s)
		if err != nil {
			return err
		}
		defer process.stop()
		servers = append(servers, server{p, process})
	}
	return use(servers)
}

// inTurn has each of the servers measured in turn.
func inTurn(servers []server, measure func(s server, turn int) error) error {
	for turn := range turns {
		for _, s := range servers {
			if err := measure(s, turn); err != nil {
				return fmt.Errorf("%s: %w", s.peer.name, err)
			}
		}
	}
	return nil
}

// lookups measures each kind of name, first cold and then warm. The latencies are those of one client alone; speed, packets
// and processor time are those of many at a time.
func (b *bench) lookups(chosen []peer) error {
	chosen = slices.DeleteFunc(slices.Clone(chosen), func(p peer) bool { return p.guard })
	return b.withAll(chosen, usual(b.upstream), func(servers []server) error {
		for _, kind := range kinds {
			if err := b.lookup(kind, servers); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *bench) lookup(kind string, servers []server) error {
	all := targets(kind, b.scale.cold)
	warm, cold := all[:b.scale.hot], all[b.scale.hot:]
	err := inTurn(servers, func(s server, turn int) error {
		alone := load{targets: share(warm, turn), clients: 1}
		return b.measureBoth(s, kind+" cold", alone, load{targets: share(cold, turn), clients: clients})
	})
	if err != nil {
		return err
	}
	for _, s := range servers { // what the cold ones drove out of a cache comes back
		if _, err := b.measure(s.process, load{targets: warm, clients: clients}); err != nil {
			return err
		}
	}
	return inTurn(servers, func(s server, _ int) error {
		alone := load{targets: warm, clients: 1, lasts: b.scale.warm / 3 / turns}
		return b.measureBoth(s, kind+" warm", alone, load{targets: warm, clients: clients, lasts: b.scale.warm / turns})
	})
}

// share returns what one turn has of the targets.
func share(all []target, turn int) []target {
	return all[len(all)*turn/turns : len(all)*(turn+1)/turns]
}

// measureBoth measures one client alone, and then many, and records it.
func (b *bench) measureBoth(s server, name string, alone, many load) error {
	one, err := b.measure(s.process, alone)
	if err != nil {
		return err
	}
	f, err := b.measure(s.process, many)
	if err != nil {
		return err
	}
	f["p50"], f["p99"] = one["p50"], one["p99"]
	f["wrong"] = max(f["wrong"], one["wrong"])
	b.results.add("lookups", s.peer.name, name, f)
	return nil
}

// pass measures answers that muslsafe has nothing to do with: addresses from the cache.
func (b *bench) pass(chosen []peer) error {
	file, err := b.questions("pass", b.scale.hot, func(n int) string { return newTarget("external", n).name }, "A", "AAAA")
	if err != nil {
		return err
	}
	return b.withAll(only(chosen, "stock", "muslsafe"), usual(b.upstream), func(servers []server) error {
		for _, s := range servers {
			if _, err := (perf{file: file}).run(b, s.process); err != nil { // fills the cache
				return err
			}
		}
		return inTurn(servers, func(s server, _ int) error {
			return b.perf("pass", "", s, perf{file: file, seconds: b.scale.seconds})
		})
	})
}

// only returns those of the chosen peers that have one of the names.
func only(chosen []peer, names ...string) (list []peer) {
	for _, p := range chosen {
		if strings.Contains("|"+strings.Join(names, "|")+"|", "|"+p.name+"|") {
			list = append(list, p)
		}
	}
	return list
}

// listeners measures warm external lookups with several sockets on the same port.
func (b *bench) listeners(chosen []peer) error {
	warm := targets("external", b.scale.hot)
	for _, n := range []int{1, 2, 4} {
		s := usual(b.upstream)
		s.Listeners = n
		for _, p := range only(chosen, "stock", "muslsafe", "complete") {
			err := b.with(p, s, func(server *process) error {
				if _, err := b.measure(server, load{targets: warm, clients: clients}); err != nil {
					return err
				}
				f, err := b.measure(server, load{targets: warm, clients: clients, lasts: b.scale.warm})
				if err == nil {
					b.results.add("listeners", p.name, fmt.Sprint(n), f)
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
