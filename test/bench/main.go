// Bench measures muslsafe beside stock CoreDNS, unbound and dnsmasq on one machine, and writes tables, JSON and pictures.
//
// All servers and the load run on loopback, without root. Peers take turns within each round, and a figure is the median
// of the rounds. The exit status is 1 if a budget is missed.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	debug.SetGCPercent(400) // what the load spends on its own memory is taken from the servers
	quick := flag.Bool("short", false, "one short round, to see that all works; its figures mean nothing")
	rounds := flag.Int("rounds", 0, fmt.Sprintf("`number` of rounds (default %d)", full.rounds))
	peerNames := flag.String("peers", "", "measure these peers alone, a `list` with commas of "+listOf(peers, func(p peer) string { return p.name }))
	partNames := flag.String("parts", "", "measure these parts alone, a `list` with commas of "+listOf(parts, func(p part) string { return p.name }))
	out := flag.String("out", "test/bench", "`folder` for results.md, results.json and the pictures")
	binary := flag.String("coredns", "", "measure this CoreDNS with muslsafe, a `file`, in place of that of this tree")
	readme := flag.String("readme", "", "`file` to put the table of warm lookups into")
	flag.Parse()

	sc := full
	if *quick {
		sc = short
	}
	if *rounds > 0 {
		sc.rounds = *rounds
	}
	chosenPeers, err1 := choose(*peerNames, peers, func(p peer) string { return p.name })
	chosenParts, err2 := choose(*partNames, parts, func(p part) string { return p.name })
	for _, err := range []error{err1, err2} {
		if err != nil {
			log.Fatal(err)
		}
	}
	r, err := run(sc, chosenPeers, chosenParts, *binary)
	if err != nil {
		log.Fatal(err)
	}
	if err := r.writeAll(*out); err != nil {
		log.Fatal(err)
	}
	if *readme != "" {
		if err := r.writeReadme(*readme); err != nil {
			log.Fatal(err)
		}
	}
	if !r.printBudgets() {
		os.Exit(1)
	}
}

func listOf[T any](all []T, name func(T) string) string {
	var names []string
	for _, one := range all {
		names = append(names, name(one))
	}
	return strings.Join(names, ", ")
}

// choose returns those of all that the list names, in their own order; all if it is empty.
func choose[T any](list string, all []T, name func(T) string) (chosen []T, err error) {
	if list == "" {
		return all, nil
	}
	wanted := strings.Split(list, ",")
	for _, one := range all {
		if i := slices.Index(wanted, name(one)); i >= 0 {
			chosen = append(chosen, one)
			wanted = slices.Delete(wanted, i, i+1)
		}
	}
	if len(wanted) > 0 {
		return nil, fmt.Errorf("%q is none of %s", wanted[0], listOf(all, name))
	}
	return chosen, nil
}

// run measures the chosen parts, of the given CoreDNS with muslsafe if there is one.
func run(sc scale, chosen []peer, what []part, binary string) (*results, error) {
	dir, err := os.MkdirTemp("", "muslsafe-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, scale: sc, results: new(results)}
	if b.programs, err = programs(dir, chosen, binary); err != nil {
		return nil, err
	}
	if b.upstream, err = startUpstream(); err != nil {
		return nil, err
	}
	defer b.upstream.conn.Close()
	if b.results.Facts, err = b.facts(); err != nil {
		return nil, err
	}
	for round := range sc.rounds {
		for _, p := range what {
			if !p.rounds && round > 0 {
				continue
			}
			log.Printf("round %d of %d: %s", round+1, sc.rounds, p.name)
			if err := p.run(b, chosen); err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	b.results.Plan = b.results.plans()
	b.results.Budgets = b.results.budgets()
	return b.results, nil
}

// programs builds CoreDNS with muslsafe and without it, from this module, and finds the rest.
func programs(dir string, chosen []peer, binary string) (map[string]string, error) {
	found := make(map[string]string)
	if binary != "" {
		found["coredns"] = binary
	}
	packages := map[string]string{
		"coredns": "github.com/muslsafe/coredns-muslsafe/build/coredns",
		"stock":   "github.com/coredns/coredns",
	}
	for _, p := range chosen {
		if found[p.program] != "" {
			continue
		}
		file, err := find(p.program)
		if path := packages[p.program]; path != "" {
			file, err = filepath.Join(dir, p.program), nil
			cmd := exec.Command("go", "build", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", file, path)
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
			if out, failed := cmd.CombinedOutput(); failed != nil {
				err = fmt.Errorf("%s: %w\n%s", cmd, failed, out)
			}
		}
		if err != nil {
			return nil, err
		}
		found[p.program] = file
	}
	var err error
	found["dnsperf"], err = find("dnsperf")
	return found, err
}
