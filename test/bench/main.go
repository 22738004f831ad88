// Bench measures muslsafe beside stock CoreDNS, unbound and dnsmasq on one machine, and writes tables, JSON and pictures.
//
// All servers and the load run on loopback, without root, in a network namespace of their own: each step of a search has a
// socket of its own, and where the kernel tracks connections, as on a machine with Docker, each of those stays in a table
// for half a minute after its last packet. When the table is full, packets are lost. A new namespace has no rules, and so
// tracks nothing.
//
// Peers take turns at each load, and a figure is the median of all turns. The exit status is 1 if a budget is missed.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// options are the flags.
type options struct {
	scale  scale
	peers  []peer
	parts  []part
	binary string // of CoreDNS with muslsafe; empty: that of this tree
	out    string
	readme string
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	// What the load spends on itself is taken from the servers.
	debug.SetGCPercent(400)
	runtime.GOMAXPROCS(max(1, runtime.NumCPU()/2))
	o, err := parseFlags()
	if err != nil {
		log.Fatal(err)
	}
	if err := fetch(); err != nil {
		log.Fatal(err)
	}
	os.Exit(lab.Enter(o.measure))
}

// measure runs and publishes, and returns the exit status.
func (o options) measure() int {
	if err := lab.Outside(); err != nil {
		log.Printf("the network is that of this machine, which may lose packets, as there can be no namespace: %v", err)
	}
	r, err := run(o)
	if err == nil {
		err = r.publish(o)
	}
	if err != nil {
		log.Print(err)
		return 1
	}
	if !r.printBudgets() {
		return 1
	}
	return 0
}

func parseFlags() (options, error) {
	quick := flag.Bool("short", false, "one short round, to see that all works; its figures mean nothing")
	rounds := flag.Int("rounds", 0, fmt.Sprintf("`number` of rounds (default %d)", full.rounds))
	peerNames := flag.String("peers", "", "measure these peers alone, a `list` with commas of "+listOf(peers, func(p peer) string { return p.name }))
	partNames := flag.String("parts", "", "measure these parts alone, a `list` with commas of "+listOf(parts, func(p part) string { return p.name }))
	o := options{scale: full}
	flag.StringVar(&o.binary, "coredns", "", "measure this CoreDNS with muslsafe, a `file`, in place of that of this tree")
	flag.StringVar(&o.out, "out", "", "`folder` for results.md, results.json and the pictures; without it the tables are printed")
	flag.StringVar(&o.readme, "readme", "", "`file` to put the table of warm lookups into")
	flag.Parse()

	if *quick {
		o.scale = short
	}
	if *rounds > 0 {
		o.scale.rounds = *rounds
	}
	var err error
	if o.peers, err = choose(*peerNames, peers, func(p peer) string { return p.name }); err != nil {
		return o, fmt.Errorf("-peers: %w", err)
	}
	if o.parts, err = choose(*partNames, parts, func(p part) string { return p.name }); err != nil {
		return o, fmt.Errorf("-parts: %w", err)
	}
	return o, nil
}

// publish writes or prints the results.
func (r *results) publish(o options) error {
	if o.out == "" {
		text, err := r.markdown()
		fmt.Println(text)
		return err
	}
	if err := r.writeAll(o.out); err != nil || o.readme == "" {
		return err
	}
	return r.writeReadme(o.readme)
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

// run measures the chosen parts of the chosen peers.
func run(o options) (*results, error) {
	dir, err := os.MkdirTemp("", "muslsafe-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	go removeWhenInterrupted(dir)
	b := &bench{dir: dir, scale: o.scale, results: new(results)}
	if b.programs, err = programs(dir, o); err != nil {
		return nil, err
	}
	if b.upstream, err = startUpstream(); err != nil {
		return nil, err
	}
	defer b.upstream.conn.Close()
	if b.results.Facts, err = b.facts(); err != nil {
		return nil, err
	}
	if err := b.rounds(o); err != nil {
		return nil, err
	}
	b.results.Plan = b.results.plans()
	b.results.Budgets = b.results.budgets()
	return b.results, nil
}

// removeWhenInterrupted leaves nothing behind where a signal ends this process. The servers end with it.
func removeWhenInterrupted(dir string) {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	<-interrupted
	os.RemoveAll(dir)
	os.Exit(130)
}

// rounds measures all parts in each round; the peers take turns within a part.
func (b *bench) rounds(o options) error {
	for round := range o.scale.rounds {
		for _, p := range o.parts {
			if !p.rounds && round > 0 {
				continue
			}
			log.Printf("round %d of %d: %s", round+1, o.scale.rounds, p.name)
			if err := p.run(b, o.peers); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return nil
}
