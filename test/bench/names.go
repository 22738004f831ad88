package main

import (
	"fmt"
	"hash/fnv"
	"net/netip"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

const (
	namespace  = "default.svc.cluster.local"
	nodeSearch = "corp.example.org"
	services   = 4000 // in the cluster zone; one cold lookup each
	hot        = 500  // names that warm lookups ask for, few enough for every cache
)

// resolvConf is that of a pod, without the server.
var resolvConf = stub.Config{
	Search:   []string{namespace, "svc.cluster.local", "cluster.local", nodeSearch},
	Ndots:    5,
	Timeout:  patience,
	Attempts: 2,
}

// A target is a name to look up, with the addresses that a lookup must find. A name without is absent.
type target struct {
	name   string
	v4, v6 netip.Addr
}

// kinds of names that programs look up.
var kinds = []string{"external", "short", "full", "absent"}

// newTarget returns the n-th name of a kind.
func newTarget(kind string, n int) target {
	switch kind {
	case "short":
		return existing(fmt.Sprintf("web%d", n), serviceName(n))
	case "full":
		return existing(serviceName(n), serviceName(n))
	case "absent":
		return target{name: fmt.Sprintf("nope%d.example.net", n)}
	}
	name := fmt.Sprintf("www%d.example.com", n)
	return existing(name, name)
}

func targets(kind string, count int) []target {
	list := make([]target, count)
	for n := range list {
		list[n] = newTarget(kind, n)
	}
	return list
}

func serviceName(n int) string { return fmt.Sprintf("web%d.%s", n, namespace) }

func existing(name, owner string) target {
	v4, v6 := addressesOf(owner)
	return target{name: name, v4: v4, v6: v6}
}

// addressesOf returns the addresses that a name has in all zones of the benchmark: they follow from the name, so that
// the answer to another question is seen to be wrong.
func addressesOf(name string) (v4, v6 netip.Addr) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(name))) // a hash never fails
	sum := h.Sum32()
	b := [4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
	v4 = netip.AddrFrom4([4]byte{198, 18 | b[0]&1, b[2], b[3]}) // RFC 2544, for benchmarks
	v6 = netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 12: b[0], 13: b[1], 14: b[2], 15: b[3]})
	return v4, v6
}

// right reports whether a lookup found what there is, and nothing else.
func (t target) right(r stub.Result) bool {
	if !t.v4.IsValid() {
		return r.Err == stub.NoName || r.Err == stub.NoData
	}
	return r.Err == stub.OK && len(r.V4) == 1 && r.V4[0] == t.v4 && len(r.V6) == 1 && r.V6[0] == t.v6
}

// leakName is a service with the node's search domain appended.
func leakName(n int) string { return serviceName(n) + "." + nodeSearch }
