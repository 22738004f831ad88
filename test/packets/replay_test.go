package packets

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// front starts a server with some lines before the chain that traffic was recorded with.
func front(t *testing.T, lines, upstream string) addresses {
	t.Helper()
	return start(t, ".:0 {\n bind 127.0.0.1\n"+lines+fmt.Sprintf(behind, upstream)+"}\n")
}

// keep is a cache that does not show for how long it has had an answer, and has it for longer than a test lasts.
const keep = "cache {\n success 9984 3600 3600\n denial 9984 3600 3600\n servfail 0\n keepttl\n }\n"

var (
	byDefault = []string{"leak", "pair", "search", "failure", "fit"}
	optIn     = []string{"ipv4only", "complete", "absolute", "wildcard", "dot"}
	allFixes  = slices.Concat(byDefault, optIn)
)

// plugin returns the lines of muslsafe with these fixes on and no others, and with properties.
func plugin(fixes []string, properties ...string) string {
	isOn := func(fix string) bool { return slices.Contains(fixes, fix) }
	lines := append([]string{"muslsafe {"}, properties...)
	if off := slices.DeleteFunc(slices.Clone(byDefault), isOn); len(off) > 0 {
		lines = append(lines, "disable "+strings.Join(off, " "))
	}
	for _, fix := range optIn {
		if isOn(fix) {
			lines = append(lines, fix)
		}
	}
	return strings.Join(lines, "\n") + "\n}\n"
}

// TestReplay sends all that clients sent to servers that differ in muslsafe alone, over UDP and over TCP, with the answers that
// upstreams gave then. With all fixes disabled, and with all fixes on and report, the replies are to the last octet those
// without muslsafe.
func TestReplay(t *testing.T) {
	tr := readTraffic(t)
	upstream := serve(t, "127.0.0.1:0", tr.upstream)
	for about, cache := range map[string]string{"no cache": "", "cache": keep} {
		t.Run(about, func(t *testing.T) {
			// Those with dot are the first, as that hooks what each server takes over when it starts.
			report := front(t, plugin(allFixes, domains, "report", "clients")+cache, upstream)
			completing := front(t, plugin(allFixes, healthy, "report")+cache, upstream)
			disabled := front(t, plugin(nil, domains)+cache, upstream)
			without := front(t, cache, upstream)
			for _, d := range tr.replay(t, without, disabled) {
				t.Errorf("disabled: %s", d)
			}
			for _, server := range []addresses{report, completing} {
				if cache != "" { // what report asks is in the cache before the client asks, and a hit is authoritative
					tr.replay(t, without, server)
				}
				for _, d := range tr.replay(t, without, server) {
					t.Errorf("report: %s", d)
				}
			}
		})
	}
}

// TestReplayChanges has all fixes on, and then one at a time: there is something to do for each of them in this traffic.
func TestReplayChanges(t *testing.T) {
	tr := readTraffic(t)
	upstream := serve(t, "127.0.0.1:0", tr.upstream)
	all := front(t, plugin(allFixes, domains), upstream)
	without := front(t, "", upstream)
	changed := len(tr.replay(t, without, all))
	t.Logf("all fixes change %d of %d replies", changed, 2*len(tr.queries))
	if changed < len(tr.queries)/2 {
		t.Errorf("%d of %d replies are changed; want a quarter or more", changed, 2*len(tr.queries))
	}
	for _, fix := range allFixes {
		search := domains
		if fix == "complete" {
			search = healthy
		}
		changed := len(tr.replay(t, without, front(t, plugin([]string{fix}, search), upstream)))
		t.Logf("%s changes %d", fix, changed)
		if changed == 0 {
			t.Errorf("%s changes nothing", fix)
		}
	}
}

// replay sends each query to both servers, one after the other, and returns where the replies differ.
func (tr *traffic) replay(t *testing.T, want, got addresses) (differ []string) {
	t.Helper()
	for _, q := range tr.queries {
		for _, network := range []string{"udp", "tcp"} {
			expected, err := exchange(network, want[network], q.packet)
			if err != nil {
				t.Fatalf("%v sent %x: %v over %s", q.clients, q.packet, err, network)
			}
			reply, err := exchange(network, got[network], q.packet)
			if err != nil || !bytes.Equal(reply, expected) {
				differ = append(differ, fmt.Sprintf("%v sent %x over %s; the reply is %x, %v; want %x", q.clients, q.packet, network, reply, err, expected))
			}
		}
	}
	return differ
}
