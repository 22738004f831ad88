package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// look is a pair of questions in a test, and what comes back to both.
type look struct {
	name  string
	rcode int           // -1: nothing
	after time.Duration // since the look before
}

// lookups puts looks together, each pair from a socket of its own.
func lookups(t *testing.T, search []string, looks []look) (all []string) {
	t.Helper()
	learnt := &habits{search: search}
	done := func(l *lookup) {
		a := l.ask(learnt.search, -1)
		all = append(all, fmt.Sprintf("%s %d", a.name, len(l.steps)))
	}
	tr := newTracker(done, func(l *lookup) { learnt.learn(l) }, func(*client) []string { return learnt.search })
	at := time.Hour
	for i, x := range looks {
		at += x.after
		for k, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			e := packets.Event{
				At: at, Client: netip.AddrPortFrom(testClient, uint16(1000+i)), Server: testServer,
				Message: stub.Query{Name: x.name, Type: qtype}.Wire(uint16(7*i + k)),
			}
			tr.event(&e)
			if x.rcode < 0 {
				continue
			}
			e.At, e.Kind, e.Message = at+time.Millisecond, packets.Reply, slices.Clone(e.Message)
			e.Message[2], e.Message[3] = 0x81, 0x80|byte(x.rcode)
			if x.rcode == 0 {
				e.Message[7] = 1 // an answer, for hasAddresses
			}
			tr.event(&e)
		}
	}
	tr.flush(false)
	return all
}

// TestSearches has packets of one client a row, and the lookups that they are: names as programs asked for them, and how many
// names were tried.
func TestSearches(t *testing.T) {
	const soon, x, ok = 2 * time.Millisecond, dns.RcodeNameError, dns.RcodeSuccess
	cluster := func(name string, end int) []look {
		return []look{{name + ".shop.svc.cluster.local.", x, time.Second}, {name + ".svc.cluster.local.", x, soon}, {name + ".cluster.local.", x, soon}, {name + ".", end, soon}}
	}
	for _, tc := range []struct {
		about  string
		search []string
		looks  []look
		want   []string
	}{
		{"one name", nil, []look{{"www.example.org.", ok, 0}}, []string{"www.example.org. 1"}},
		{"a search in Kubernetes", nil, cluster("www.example.org", ok), []string{"www.example.org 4"}},
		{"a search that finds nothing", nil, cluster("www.example.org", x), []string{"www.example.org 4"}},
		{"two of them", nil, append(cluster("www.example.org", ok), cluster("www.example.com", ok)...), []string{"www.example.org 4", "www.example.com 4"}},
		{"what was found is no search", nil, []look{{"www.example.org.", ok, 0}, {"www.example.com.", ok, soon}}, []string{"www.example.org. 1", "www.example.com. 1"}},
		{"what comes later is no search", nil, []look{{"www.example.org.", x, 0}, {"www.example.com.", ok, 200 * time.Millisecond}}, []string{"www.example.org. 1", "www.example.com. 1"}},
		{"other names are no search", nil, []look{{"a.example.org.", x, 0}, {"b.example.org.", ok, soon}}, []string{"a.example.org. 1", "b.example.org. 1"}},
		{"a list that is known", []string{"example.org", "example.com"}, []look{{"www.example.org.", x, 0}, {"www.example.com.", ok, soon}}, []string{"www 2"}},
		{"not in the known list", []string{"example.org", "example.net"}, []look{{"www.example.org.", x, 0}, {"www.example.com.", ok, soon}}, []string{"www 1", "www.example.com. 1"}},
		{"the first of the list", []string{"example.org"}, []look{{"www.example.org.", ok, 0}}, []string{"www 1"}},
		{"not the first of the list", []string{"example.net", "example.org"}, []look{{"www.example.org.", ok, 0}}, []string{"www.example.org. 1"}},
		{"the name first, as glibc does", []string{"example.org"}, []look{{"www.sub.", x, 0}, {"www.sub.example.org.", ok, soon}}, []string{"www.sub 2"}},
		{"after 5 s of silence", []string{"example.org", "example.com"}, []look{{"www.example.org.", -1, 0}, {"www.example.com.", ok, 5 * time.Second}}, []string{"www 2"}},
		{"silence, and another at once", []string{"example.org", "example.com"}, []look{{"www.example.org.", -1, 0}, {"www.example.com.", ok, soon}}, []string{"www.example.com. 1", "www 1"}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			got := lookups(t, tc.search, tc.looks)
			slices.Sort(got)
			slices.Sort(tc.want)
			if !slices.Equal(got, tc.want) {
				t.Errorf("lookups %q; want %q", got, tc.want)
			}
		})
	}
}

// TestHabits has searches a row, and the list that is believed.
func TestHabits(t *testing.T) {
	search := func(names ...string) *lookup {
		l := new(lookup)
		for _, name := range names {
			l.steps = append(l.steps, &step{name: name})
		}
		return l
	}
	for _, tc := range []struct {
		about string
		seen  []*lookup
		want  []string
	}{
		{"one name", []*lookup{search("www.example.org.")}, nil},
		{"two names that begin alike", []*lookup{search("www.example.org.", "www.example.com.")}, nil},
		{"twice for one program", []*lookup{search("www.example.org.", "www.example.com."), search("www.example.org.", "www.example.com.")}, nil},
		{"for two programs", []*lookup{search("a.corp.test.", "a.lan."), search("b.corp.test.", "b.lan.")}, []string{"corp.test", "lan"}},
		{"domains that begin alike, of which the end is seen", []*lookup{search("a.example.org.", "a.example.com."), search("b.example.org.", "b.example.com.")}, []string{"org", "com"}},
		{"to the end", []*lookup{search("www.example.org.", "www.example.com.", "www.")}, []string{"example.org", "example.com"}},
		{"longer", []*lookup{search("a.b.", "a.c.", "a."), search("a.b.", "a.c.", "a.d.")}, []string{"b", "c", "d"}},
		{"shorter", []*lookup{search("a.b.", "a.c.", "a.d.", "a."), search("a.x.", "a.y.", "a.")}, []string{"b", "c", "d"}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var h habits
			for _, l := range tc.seen {
				h.learn(l)
			}
			if !slices.Equal(h.search, tc.want) {
				t.Errorf("search list %q; want %q", h.search, tc.want)
			}
		})
	}
}
