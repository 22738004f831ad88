// Package matrix measures the product: what getaddrinfo of each C library makes of every pair of answers to A and AAAA,
// through CoreDNS without muslsafe and with it.
package matrix

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var picture = flag.String("picture", "", "write a picture of the matrix to this file, as SVG")

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const (
	// resolvConf has two search domains. The first answers as the name says, the second has an address for every name.
	resolvConf = "nameserver 127.0.0.1\nsearch d1.test d2.test\noptions ndots:5\n"

	corefile = `. {
	bind 127.0.0.1
	%s
	cache 30
	forward . 127.0.0.2
}`
	line = "muslsafe {\n search d1.test d2.test\n }"

	first, second = 1, 2 // the networks of the addresses in the two domains

	// inTime is what a lookup may take where an address exists.
	inTime = 1500 * time.Millisecond
	// atOnce bounds the lookups that run at the same time.
	atOnce = 100
)

// cell is one lookup: what the first domain says to A and to AAAA, and what came of it.
type cell struct {
	libc    lab.Libc
	with    bool // muslsafe
	a, aaaa upstream.Answer
	got     []string
	took    time.Duration
}

func (c *cell) String() string { return fmt.Sprintf("%s: A %v, AAAA %v", c.libc.Name, c.a, c.aaaa) }

// name has the behaviours in its first labels, and is no other cell's.
func (c *cell) name() string {
	return fmt.Sprintf("%v.%v.%s-%v", c.a, c.aaaa, strings.NewReplacer(" ", "-", ".", "-").Replace(c.libc.Name), c.with)
}

// hasAddress reports whether an answer brings addresses, at the latest over TCP.
func hasAddress(a upstream.Answer) bool {
	return a == upstream.Data || a == upstream.TCEmpty || a == upstream.TCSome
}

// isRight reports whether the lookup found what exists: addresses of the first domain if it has some, else of the
// second, in time.
func (c *cell) isRight() bool {
	if len(c.got) == 0 || strings.HasPrefix(c.got[0], "EAI_") || c.took > inTime {
		return false
	}
	want := second
	if hasAddress(c.a) || hasAddress(c.aaaa) {
		want = first
	}
	return !slices.ContainsFunc(c.got, func(addr string) bool { return network(addr) != want })
}

// network returns which domain an address of the scripted upstream belongs to.
func network(addr string) int {
	ip, err := netip.ParseAddr(addr)
	if err != nil {
		return 0
	}
	if b := ip.AsSlice(); ip.Is4() {
		return int(b[1]-18)<<6 | int(b[2])>>2
	}
	return int(ip.As16()[5])
}

func TestMatrix(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	server, err := upstream.Serve("127.0.0.2:53", &upstream.Script{Zones: []upstream.Zone{
		{Name: "d1.test.", Net: first, Scripted: true},
		{Name: "d2.test.", Net: second},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)

	var all []*cell
	for _, with := range []bool{false, true} {
		all = append(all, measure(t, with)...)
	}
	for _, c := range all {
		if c.with && !c.isRight() {
			t.Errorf("%v = %v after %v", c, c.got, c.took)
		}
	}
	table := summary(all)
	t.Log("\n" + table)
	if *picture != "" {
		if err := os.WriteFile(*picture, draw(all), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// measure does all lookups through one server. What comes late is looked up again when nothing else runs: the machine
// may have been busy.
func measure(t *testing.T, with bool) []*cell {
	server := lab.CoreDNS(t, fmt.Sprintf(corefile, map[bool]string{false: "", true: line}[with]), nil)
	defer server.Stop()

	var cells []*cell
	for _, libc := range lab.Libcs(t) {
		for _, a := range upstream.Pairable() {
			for _, aaaa := range upstream.Pairable() {
				cells = append(cells, &cell{libc: libc, with: with, a: a, aaaa: aaaa})
			}
		}
	}
	var wg sync.WaitGroup
	free := make(chan struct{}, atOnce)
	for _, c := range cells {
		free <- struct{}{}
		wg.Go(func() {
			c.lookup(t)
			<-free
		})
	}
	wg.Wait()
	for _, c := range cells {
		for range 2 {
			if with && c.took > inTime {
				c.lookup(t)
			}
		}
	}
	return cells
}

func (c *cell) lookup(t *testing.T) {
	c.got, c.took = c.libc.Lookup(t, c.name())
}

// summary is a table with a row for each libc.
func summary(cells []*cell) string {
	var text strings.Builder
	fmt.Fprintf(&text, "| right of 100 | without muslsafe | with muslsafe |\n|---|---:|---:|\n")
	for _, name := range names(cells) {
		count := map[bool]int{}
		for _, c := range cells {
			if c.libc.Name == name && c.isRight() {
				count[c.with]++
			}
		}
		fmt.Fprintf(&text, "| %s | %d | %d |\n", name, count[false], count[true])
	}
	return text.String()
}

func names(cells []*cell) []string {
	var list []string
	for _, c := range cells {
		if !slices.Contains(list, c.libc.Name) {
			list = append(list, c.libc.Name)
		}
	}
	return list
}
