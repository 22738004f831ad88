package main

import (
	"syscall"
	"time"
)

// usage is what a load cost a server.
type usage struct {
	cpu      time.Duration
	upstream int64         // queries
	leaked   int64         // those of them that are leaks
	load     time.Duration // processor time of this process, which is the load and the upstream
}

// watch measures what a server uses while do is done.
func (b *bench) watch(server *process, do func() error) (usage, error) {
	before, err := server.cpu()
	if err != nil {
		return usage{}, err
	}
	own := ownTime()
	asked, leaked := b.upstream.queries.Load(), b.upstream.leaks.Load()
	if err := do(); err != nil {
		return usage{}, err
	}
	after, err := server.cpu()
	return usage{
		cpu:      after - before,
		upstream: b.upstream.queries.Load() - asked,
		leaked:   b.upstream.leaks.Load() - leaked,
		load:     ownTime() - own,
	}, err
}

// ownTime returns the processor time that this process has used so far.
func ownTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // not on Linux
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs musl-like lookups and returns their figures.
func (b *bench) measure(server *process, l load) (figures, error) {
	var o outcome
	used, err := b.watch(server, func() error {
		o = l.run(server.port)
		return nil
	})
	if err != nil {
		return nil, err
	}
	lookups := float64(o.lookups)
	return figures{
		"perSecond": o.perSecond(),
		"p50":       o.quantile(0.5),
		"p99":       o.quantile(0.99),
		"packets":   float64(o.packets) / lookups,
		"upstream":  float64(used.upstream) / lookups,
		"cpu":       used.cpu.Seconds() * 1e6 / lookups,
		"load":      used.load.Seconds() * 1e6 / lookups,
		"wrong":     float64(o.wrong) / lookups,
	}, nil
}

// with starts a peer, uses it, and stops it.
func (b *bench) with(p peer, s settings, use func(*process) error) error {
	server, err := b.start(p, s)
	if err != nil {
		return err
	}
	defer server.stop()
	return use(server)
}
