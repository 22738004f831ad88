package e2e

import (
	"flag"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/matrix"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var picture = flag.String("picture", "", "write a picture of the matrices to this file, as SVG")

const (
	// age is that of the server at the first lookup with muslsafe. It looks at its search domains when it starts, and has
	// found out by then which of them are dead.
	age = 5 * time.Second

	// Lookups at the same time. With muslsafe, time counts, so that the machine must have some left. Without it, nearly all
	// that lookups do is wait. Those that were late and are repeated are few.
	withAtOnce, withoutAtOnce, lateAtOnce = 60, 200, 10

	rounds = 3 // lookups of one cell at the most

	// lookAtStock is where the server is without muslsafe, and lookAtName where it is with it for pairs of one name. For
	// pairs of a whole domain there is a server block for each, as what it knows of the domain is remembered.
	lookAtStock, lookAtName, lookAtDomain = "127.30.0.1", "127.30.0.2", "127.30.1."
)

// cell is one lookup: what the first domain says to A and to AAAA, and what came of it.
type cell struct {
	scope matrix.Scope
	nr    int // of the pair
	pair  matrix.Pair
	libc  lab.Libc
	with  bool // muslsafe
	round int
	got   matrix.Outcome
	took  time.Duration
}

func (c *cell) String() string {
	return fmt.Sprintf("%v, %s: A %v, AAAA %v: %v after %v", c.scope, c.libc.Name, c.pair.A, c.pair.AAAA, c.got, c.took)
}

// TestMatrix measures the product: what getaddrinfo of each libc makes of every pair of answers to A and AAAA, through
// CoreDNS without muslsafe and with it. The first search domain gives the pair, as a whole or to one of its names, the second
// one has an address for every name.
func TestMatrix(t *testing.T) {
	lab.Require(t)
	without, with := newCells(t, false), newCells(t, true)
	play(t, zones(with)...)
	startServer(t, corefile())
	jails := newJails(t, slices.Concat(without, with))
	look := func(cells []*cell, atOnce int) {
		lab.AtOnce(atOnce, cells, func(c *cell) { c.look(t, jails[c.resolvConf()]) })
	}

	time.Sleep(age)
	look(with, withAtOnce)
	look(without, withoutAtOnce)
	for range rounds - 1 {
		look(again(t, with), lateAtOnce)
	}
	for _, c := range with {
		if !c.isRight() {
			t.Errorf("%v; want %v", c, c.want())
		}
	}
	all := slices.Concat(without, with)
	t.Log("\n" + summary(all))
	if *picture != "" {
		lab.WriteFile(t, *picture, draw(all))
	}
}

// newCells returns both matrices for each libc.
func newCells(t *testing.T, with bool) (cells []*cell) {
	for scope := range matrix.NumScopes {
		for nr, pair := range matrix.Pairs() {
			for _, libc := range lab.Libcs(t) {
				cells = append(cells, &cell{scope: scope, nr: nr, pair: pair, libc: libc, with: with})
			}
		}
	}
	return cells
}

// late is how long a lookup takes at the least in which a verdict fell because time was over, at 1.25 s.
const late = 1200 * time.Millisecond

// again returns the cells that went wrong for lack of time, for another round when nothing else runs: the machine may have
// been busy.
func again(t *testing.T, cells []*cell) (repeated []*cell) {
	for _, c := range cells {
		if !c.isRight() && c.took > late {
			t.Logf("once more: %v", c)
			c.round++
			repeated = append(repeated, c)
		}
	}
	return repeated
}

// zones returns the zones of the upstream. A name is looked up once, so that no round gets what was kept from the one before.
func zones(cells []*cell) []upstream.Zone {
	zones := []upstream.Zone{matrix.SecondZone("d2.test.")}
	for _, pair := range matrix.Pairs() {
		zones = append(zones, matrix.Domain.Zone(pair.String()+".test.", pair))
	}
	for _, c := range cells {
		for c := *c; c.scope == matrix.Name && c.round < rounds; c.round++ {
			zones = append(zones, matrix.Name.Zone(c.name()+"."+c.domain()+".", c.pair))
		}
	}
	return zones
}

func corefile() string {
	var text strings.Builder
	add := func(addr, line string) {
		fmt.Fprintf(&text, ". {\n bind %s\n %s\n cache 30\n forward . 127.0.0.2\n}\n", addr, line)
	}
	add(lookAtStock, "")
	add(lookAtName, "muslsafe {\n search one.test d2.test\n }")
	for nr, pair := range matrix.Pairs() {
		c := cell{scope: matrix.Domain, nr: nr, pair: pair, with: true}
		add(c.server(), fmt.Sprintf("muslsafe {\n search %s d2.test\n }", c.domain()))
	}
	return text.String()
}

// server is who the client asks.
func (c *cell) server() string {
	switch {
	case !c.with:
		return lookAtStock
	case c.scope == matrix.Name:
		return lookAtName
	}
	return lookAtDomain + fmt.Sprint(c.nr+1)
}

// domain is the first search domain.
func (c *cell) domain() string {
	if c.scope == matrix.Name {
		return "one.test"
	}
	return c.pair.String() + ".test"
}

// name is what the client asks for: a name that no other cell has.
func (c *cell) name() string { return fmt.Sprintf("%v-%s-%d", c.pair, label(c.libc), c.round) }

func (c *cell) resolvConf() string {
	return fmt.Sprintf("nameserver %s\nsearch %s d2.test\noptions ndots:5\n", c.server(), c.domain())
}

// newJails returns a jail for each resolv.conf.
func newJails(t *testing.T, cells []*cell) map[string]*lab.Jail {
	jails := make(map[string]*lab.Jail)
	for _, c := range cells {
		if conf := c.resolvConf(); jails[conf] == nil {
			jails[conf] = lab.NewJail(t, conf)
		}
	}
	return jails
}

func (c *cell) look(t *testing.T, jail *lab.Jail) {
	a, err := c.libc.Look("0", c.name(), jail.Start)
	if err != nil {
		t.Errorf("%s: %v", c.libc.Name, err)
	}
	var addrs []netip.Addr
	for _, addr := range a.Addrs {
		addrs = append(addrs, netip.MustParseAddr(addr))
	}
	c.got, c.took = matrix.Read(a.Err, addrs), a.Took
}

func (c *cell) want() matrix.Want {
	if c.libc.Musl() {
		return c.scope.Want(c.pair, matrix.Musl)
	}
	return c.scope.Want(c.pair, matrix.Glibc)
}

func (c *cell) isRight() bool { return c.want().Admits(c.got, c.took) }

// summary is a table with a row for each libc.
func summary(cells []*cell) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| right of 100 |")
	for scope := range matrix.NumScopes {
		fmt.Fprintf(&text, " %v, without muslsafe | with |", scope)
	}
	fmt.Fprintf(&text, "\n|---|---:|---:|---:|---:|\n")
	for _, name := range libcNames(cells) {
		fmt.Fprintf(&text, "| %s |", name)
		for scope := range matrix.NumScopes {
			fmt.Fprintf(&text, " %d | %d |", count(cells, name, scope, false), count(cells, name, scope, true))
		}
		fmt.Fprintln(&text)
	}
	return text.String()
}

// count returns how many cells of one grid are right.
func count(cells []*cell, libc string, scope matrix.Scope, with bool) (n int) {
	for _, c := range cells {
		if c.libc.Name == libc && c.scope == scope && c.with == with && c.isRight() {
			n++
		}
	}
	return n
}

func libcNames(cells []*cell) []string {
	var list []string
	for _, c := range cells {
		if !slices.Contains(list, c.libc.Name) {
			list = append(list, c.libc.Name)
		}
	}
	return list
}
