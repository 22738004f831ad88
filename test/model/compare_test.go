// Package model compares the models of plugin/pkg/stub with the real libcs: the same lookups, on the same
// scripted servers, must give the same addresses or error, take as long, and send the same packets.
package model

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

const (
	// slack is how much longer than its model a real lookup may take: this machine may be busy.
	slack = 400 * time.Millisecond
	// early is how much shorter: libcs count in whole milliseconds, and round down.
	early = 20 * time.Millisecond
	// atOnce bounds how many lookups wait at the same time.
	atOnce = 250
)

// A cell is one lookup on one libc.
type cell struct {
	lookup
	libc libc
	tag  string
	name string
	want stub.Result
	got  outcome
	err  error
}

func TestModelsEqualRealLibcs(t *testing.T) {
	lab.Require(t)
	real := libcs(t)
	servers := serve(t)
	cells := plan(t, real)
	runAll(t, cells)
	repeatDifferent(t, cells, servers)
	report(t, cells, servers)
}

// repeatDifferent gives each cell that differs a second chance, under a new name: on a busy machine a packet may
// be late. What really differs differs again.
func repeatDifferent(t *testing.T, cells []*cell, servers []*upstream.Server) {
	var again []*cell
	for _, c := range cells {
		if c.diff(servers) != "" {
			c.prepare(t, "u"+c.tag[1:])
			again = append(again, c)
		}
	}
	if len(again) > 0 {
		t.Logf("%d lookups are repeated", len(again))
		runAll(t, again)
	}
}

// serve starts all servers on port 53.
func serve(t *testing.T) (all []*upstream.Server) {
	for addr, script := range scripts() {
		all = append(all, upstream.Start(t, netip.AddrPortFrom(addr, 53).String(), script))
	}
	return all
}

// plan asks the models. The slowest lookups come first, so that the whole takes little longer than the slowest.
func plan(t *testing.T, real []libc) (cells []*cell) {
	for i, l := range lookups() {
		for k, libc := range real {
			c := &cell{lookup: l, libc: libc}
			c.prepare(t, fmt.Sprintf("t%03d%c", i, 'a'+k))
			cells = append(cells, c)
		}
	}
	slices.SortStableFunc(cells, func(a, b *cell) int { return cmp.Compare(b.want.Elapsed, a.want.Elapsed) })
	return cells
}

// prepare gives the cell a name of its own and asks the model.
func (c *cell) prepare(t *testing.T, tag string) {
	t.Helper()
	c.tag, c.name = tag, strings.ReplaceAll(c.lookup.name, "TAG", tag)
	conf, err := c.libc.model.ParseResolvConf(strings.NewReader(c.conf))
	if err != nil {
		t.Fatal(err)
	}
	c.want = c.libc.model.Lookup(conf, c.name, c.family, scripts().Exchange)
}

func runAll(t *testing.T, cells []*cell) {
	jails := make(map[string]*lab.Jail)
	for _, c := range cells {
		if jails[c.conf] == nil {
			jails[c.conf] = lab.NewJail(t, c.conf)
		}
	}
	lab.AtOnce(atOnce, cells, func(c *cell) { c.got, c.err = c.libc.lookup(jails[c.conf], c.family, c.name) })
}

// report fails for each cell that differs and logs how many are equal, per libc and group.
func report(t *testing.T, cells []*cell, servers []*upstream.Server) {
	type count struct{ equal, total int }
	counts := make(map[string]*count)
	for _, c := range cells {
		diff := c.diff(servers)
		if diff != "" {
			t.Errorf("%s: %v: %s", c.libc.Name, c, diff)
		}
		for _, key := range []string{c.libc.Name + " total", c.libc.Name + " " + c.group} {
			if counts[key] == nil {
				counts[key] = new(count)
			}
			counts[key].total++
			if diff == "" {
				counts[key].equal++
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		t.Logf("%-24s %4d of %4d equal", key, counts[key].equal, counts[key].total)
	}
}

// diff says how model and libc differ, "" if they do not.
func (c *cell) diff(servers []*upstream.Server) string {
	var diffs []string
	say := func(format string, args ...any) { diffs = append(diffs, fmt.Sprintf(format, args...)) }
	if c.err != nil {
		return c.err.Error()
	}
	if c.got.err != c.want.Err.String() {
		say("error %s, model %v", c.got.err, c.want.Err)
	}
	got, want := c.got.addrs, append(slices.Clone(c.want.V4), c.want.V6...)
	if !sameAddrs(got, want) && (c.group != "cut" || len(got) != len(want)) {
		say("%d addresses %.200s, model %d %.200s", len(got), fmt.Sprint(got), len(want), fmt.Sprint(want))
	}
	if c.want.Err != stub.Hang {
		if d := c.got.elapsed - c.want.Elapsed; d > slack || d < -early {
			say("%v, model %v", c.got.elapsed, c.want.Elapsed)
		}
		if got, want := c.packetsSeen(servers), c.packetsModelled(); got != want {
			say("packets\n%s  model\n%s", got, want)
		}
	}
	return strings.Join(diffs, "; ")
}

// sameAddrs compares without order: libcs sort by routes, which the models do not know.
func sameAddrs(a, b []netip.Addr) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.SortFunc(a, netip.Addr.Compare)
	slices.SortFunc(b, netip.Addr.Compare)
	return slices.Equal(a, b)
}

// packetsModelled lists what the model sent, except what no server could recognise or receive.
func (c *cell) packetsModelled() string {
	counts := make(map[string]int)
	for _, s := range c.want.Steps {
		for _, p := range s.Packets {
			if !p.Query.Malformed && p.Reply.Fate != stub.Refused && strings.Contains(p.Query.Name, c.tag) {
				counts[packetKey(p.Query)]++
			}
		}
	}
	return listCounts(counts)
}

// packetsSeen lists what the servers received.
func (c *cell) packetsSeen(servers []*upstream.Server) string {
	counts := make(map[string]int)
	for _, s := range servers {
		for _, q := range s.Queries(c.tag) {
			counts[packetKey(q)]++
		}
	}
	return listCounts(counts)
}

func packetKey(q stub.Query) string {
	return fmt.Sprintf("%s %v %s type %d", q.Server, q.Transport, q.Name, q.Type)
}

func listCounts(counts map[string]int) string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(&b, "    %d x %s\n", counts[key], key)
	}
	return b.String()
}
