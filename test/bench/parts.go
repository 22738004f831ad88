package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// scale is how much of everything is done.
type scale struct {
	rounds   int
	seconds  int           // of each run of dnsperf; 0: each query once
	leaks    int           // names
	warm     time.Duration // of each run of warm lookups
	cold     int           // names looked up cold, the hot ones among them
	hot      int           // names looked up warm
	distinct int           // names in the measurement of memory
}

var (
	full  = scale{rounds: 3, seconds: 3, leaks: 50_000, warm: 1500 * time.Millisecond, cold: services, hot: hot, distinct: 1_000_000}
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

// leaks measures answers to distinct names that only search expansion makes.
func (b *bench) leaks(chosen []peer) error {
	file, err := b.questions("leaks", b.scale.leaks, leakName, "A", "AAAA")
	if err != nil {
		return err
	}
	for _, p := range chosen {
		rcode := dns.RcodeNameError
		if p.name == "whoami" {
			rcode = dns.RcodeSuccess
		}
		if err := b.perf("leaks", "", p, usual(b.upstream), perf{file: file, seconds: b.scale.seconds, rcode: rcode}); err != nil {
			return err
		}
	}
	return nil
}

// perf measures a peer by dnsperf and records it.
func (b *bench) perf(part, name string, p peer, s settings, queries perf) error {
	return b.with(p, s, func(server *process) error {
		f, err := queries.run(b, server)
		if err == nil {
			b.results.add(part, p.name, name, f)
		}
		return err
	})
}

// lookups measures each kind of name, first cold and then warm. The latencies are those of one client alone; speed, packets
// and processor time are those of many at a time.
func (b *bench) lookups(chosen []peer) error {
	for _, p := range chosen {
		if p.guard {
			continue
		}
		err := b.with(p, usual(b.upstream), func(server *process) error {
			for _, kind := range kinds {
				if err := b.lookup(p.name, kind, server); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) lookup(peer, kind string, server *process) error {
	all := targets(kind, b.scale.cold)
	warm := all[:b.scale.hot]
	steps := []struct {
		name        string
		alone, many load
	}{
		{"cold", load{targets: warm, clients: 1}, load{targets: all[b.scale.hot:], clients: clients}},
		{"", load{}, load{targets: warm, clients: clients}}, // what the cold ones drove out of a cache comes back
		{"warm", load{targets: warm, clients: 1, lasts: b.scale.warm / 3}, load{targets: warm, clients: clients, lasts: b.scale.warm}},
	}
	for _, step := range steps {
		many, err := b.measureBoth(server, step.alone, step.many)
		if err != nil {
			return err
		}
		if step.name != "" {
			b.results.add("lookups", peer, kind+" "+step.name, many)
		}
	}
	return nil
}

// measureBoth measures one client alone, if there is such a load, and then many.
func (b *bench) measureBoth(server *process, alone, many load) (figures, error) {
	if alone.clients == 0 {
		return b.measure(server, many)
	}
	one, err := b.measure(server, alone)
	if err != nil {
		return nil, err
	}
	f, err := b.measure(server, many)
	if err != nil {
		return nil, err
	}
	f["p50"], f["p99"] = one["p50"], one["p99"]
	f["wrong"] = max(f["wrong"], one["wrong"])
	return f, nil
}

// pass measures answers that muslsafe has nothing to do with: addresses from the cache.
func (b *bench) pass(chosen []peer) error {
	file, err := b.questions("pass", b.scale.hot, func(n int) string { return newTarget("external", n).name }, "A", "AAAA")
	if err != nil {
		return err
	}
	for _, p := range only(chosen, "stock", "muslsafe") {
		err := b.with(p, usual(b.upstream), func(server *process) error {
			if _, err := (perf{file: file}).run(b, server); err != nil { // fills the cache
				return err
			}
			f, err := perf{file: file, seconds: b.scale.seconds}.run(b, server)
			if err == nil {
				b.results.add("pass", p.name, "", f)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
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
