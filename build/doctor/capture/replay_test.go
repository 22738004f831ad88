package capture

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// second is a server that fails, is silent, or denies what the first one has.
var second = netip.MustParseAddr("192.0.2.54")

// exempt are replays that may differ. The buffer of musl 1.2.0 in which names are put together can be overwritten by an alias, so that it
// asks for other names than those of its search. What glibc makes of octets that are no reply depends on which of them came
// before, and from which server.
func exempt(m *stub.Model, name string, servers int) bool {
	has := func(word string) bool { return strings.Contains(name, word) }
	switch {
	case m == models[0]:
		return has("cnameonly")
	case m == models[glibc]:
		return has("mangled") || servers > 1 && (has("short") || has("tiny") || has("lame") || has("echo"))
	}
	return false
}

// TestReplay records each model in scripted worlds, and replays the recording: the model must come to the same, at the same time,
// and would have asked the same.
func TestReplay(t *testing.T) {
	two := testConf
	two.Servers = []netip.Addr{testServer.Addr(), second}
	all := 0
	for _, world := range []struct {
		conf   stub.Config
		second string // what the second server says to everything
	}{{testConf, "data"}, {two, "servfail"}, {two, "silence"}, {two, "nxdomain"}} {
		b, err := upstream.Parse(world.second)
		if err != nil {
			t.Fatal(err)
		}
		servers := upstream.Scripts{testServer.Addr(): scripted, second: {Zones: []upstream.Zone{{Name: "test.", A: b, AAAA: b}}}}
		for _, name := range behaviours() {
			for _, m := range models {
				if exempt(m, name, len(world.conf.Servers)) {
					continue
				}
				all++
				if diff := replayed(m, world.conf, name, servers.Exchange); diff != "" {
					t.Errorf("%s: %s, %d servers, the second %s: %s", m.Name, name, len(world.conf.Servers), world.second, diff)
				}
			}
		}
	}
	t.Logf("%d replays", all)
}

// replayed describes how a replay differs from what was recorded.
func replayed(m *stub.Model, c stub.Config, name string, ask stub.Exchange) (diff string) {
	want := m.Lookup(c, name, stub.Both, ask)
	first := true
	var tr *tracker
	tr = newTracker(func(l *lookup) {
		if !first { // what glibc asks anew, with a larger buffer
			return
		}
		first = false
		v := newEngine(&tr.names).judge(l, c.Search, 5)
		for i, o := range v.outcomes {
			got := o.Result
			if o.Model == m && (got.Err != want.Err || !sameAddrs(got, want) || (got.Elapsed-want.Elapsed).Abs() > 10*time.Millisecond || !v.consistent[i]) {
				diff = fmt.Sprintf("%v %v %v after %v, consistent %v, unknown %q; want %v %v %v after %v",
					got.Err, got.V4, got.V6, got.Elapsed, v.consistent[i], o.Unknown, want.Err, want.V4, want.V6, want.Elapsed)
			}
		}
	}, func(*lookup) {}, func(*client) []string { return c.Search })
	for _, e := range sentIn(m, c, name, stub.Both, ask, time.Hour, 3000) {
		tr.event(&e)
	}
	tr.flush(false)
	return diff
}
