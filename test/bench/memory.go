package main

import (
	"fmt"

	"github.com/miekg/dns"
)

// warmUp is how many names a server has been asked for before its size counts as idle.
const warmUp = 20_000

// memory measures the resident size of a server that was asked a little, and then for very many distinct names. Each
// name is asked for once, in one type.
func (b *bench) memory(chosen []peer) error {
	kinds := []struct {
		name   string
		rcode  int
		nameOf func(int) string
	}{
		{"leaks", dns.RcodeNameError, leakName},
		{"external names", dns.RcodeSuccess, func(n int) string { return newTarget("external", n).name }},
	}
	for _, kind := range kinds {
		// The first names warm the server up: sockets, buffers, what it does once, and the pace of its garbage collector.
		few, err := b.questions("few", warmUp, func(n int) string { return kind.nameOf(b.scale.distinct + n) }, "A")
		if err != nil {
			return err
		}
		all, err := b.questions("all", b.scale.distinct, kind.nameOf, "A")
		if err != nil {
			return err
		}
		for _, p := range only(chosen, "stock", "muslsafe", "complete") {
			if err := b.grow(p, kind.name, perf{file: few, rcode: kind.rcode}, perf{file: all, rcode: kind.rcode}); err != nil {
				return err
			}
		}
	}
	return nil
}

// grow measures a server before and after.
func (b *bench) grow(p peer, name string, few, all perf) error {
	return b.with(p, usual(b.upstream), func(server *process) error {
		if _, err := few.run(b, server); err != nil {
			return err
		}
		idle, err := server.resident()
		if err != nil {
			return err
		}
		f, err := all.run(b, server)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		if f["resident"], err = server.resident(); err != nil {
			return err
		}
		f["idle"] = idle
		f["growth"] = f["resident"] / idle
		b.results.add("memory", p.name, name, f)
		return nil
	})
}
