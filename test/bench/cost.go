package main

import (
	"fmt"
	"strings"

	"github.com/miekg/dns"
)

// shape is what the cost of a leak is measured against: one of these grows while the others stay.
type shape struct {
	octets, search, cluster int
}

var usualShape = shape{octets: 60, search: 4, cluster: 1}

// shapes returns the usual one, and what grows.
func shapes() []shape {
	list := []shape{usualShape}
	for _, octets := range []int{120, 240} {
		list = append(list, shape{octets, usualShape.search, usualShape.cluster})
	}
	for _, search := range []int{8, 16, 32, 64} {
		list = append(list, shape{usualShape.octets, search, usualShape.cluster})
	}
	for _, cluster := range []int{4, 16} {
		list = append(list, shape{usualShape.octets, usualShape.search, cluster})
	}
	return list
}

func (s shape) String() string {
	return fmt.Sprintf("%d octets, %d search domains, %d cluster domains", s.octets, s.search, s.cluster)
}

// settings of a server of this shape: the domains that the names end in come last in every list.
func (s shape) settings(u *upstream) settings {
	c := usual(u)
	c.Cluster, c.Search = nil, nil
	for n := range s.cluster - 1 {
		c.Cluster = append(c.Cluster, fmt.Sprintf("cluster%d.local", n))
	}
	for n := range s.search - 1 {
		c.Search = append(c.Search, fmt.Sprintf("corp%d.example.org", n))
	}
	c.Cluster, c.Search = append(c.Cluster, "cluster.local"), append(c.Search, nodeSearch)
	return c
}

// leak returns the n-th leak of this length.
func (s shape) leak(n int) string {
	name := leakName(n)
	for left := s.octets - len(name); left > 1; left = s.octets - len(name) {
		name = strings.Repeat("x", min(63, left-1)) + "." + name
	}
	return name
}

// cost measures what a leak costs against what its verdict depends on.
func (b *bench) cost(chosen []peer) error {
	for _, p := range only(chosen, "muslsafe") {
		for _, s := range shapes() {
			file, err := b.questions("cost", 10_000, s.leak, "A", "AAAA")
			if err != nil {
				return err
			}
			err = b.with(p, s.settings(b.upstream), func(process *process) error {
				return b.perf("cost", s.String(), server{p, process}, perf{file: file, seconds: 1, rcode: dns.RcodeNameError})
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
