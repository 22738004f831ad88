package main

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const (
	namespace  = "default.svc.cluster.local"
	nodeSearch = "corp.example.org"
	services   = 4000       // in the cluster zone; one cold lookup each
	hot        = 500        // names that warm lookups ask for, few enough for every cache
	registry   = ".example" // below which names of two labels exist upstream
)

// patience is how long a client waits for the answers to one name. musl waits 5 s; the shorter time changes nothing for
// answers that come, and bounds a run through a server that gives none.
const patience = 2 * time.Second

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
var kinds = []string{"external", "domain", "short", "namespaced", "full", "absent"}

// newTarget returns the n-th name of a kind.
func newTarget(kind string, n int) target {
	switch kind {
	case "domain":
		name := fmt.Sprintf("site%d%s", n, registry)
		return existing(name, name)
	case "short":
		return existing(fmt.Sprintf("web%d", n), serviceName(n))
	case "namespaced":
		return existing(fmt.Sprintf("web%d.default", n), serviceName(n))
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
	v4, v6 := lab.AddressesOf(owner)
	return target{name: name, v4: v4, v6: v6}
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
