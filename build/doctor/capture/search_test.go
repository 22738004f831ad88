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
func lookups(t *testing.T, search []string, looks []look) (all, learnt []string) {
	t.Helper()
	done := func(l *lookup) {
		a := l.ask(l.client.habits.search, -1)
		all = append(all, fmt.Sprintf("%s %d", a.name, len(l.steps)))
	}
	tr := newTracker(done, func(l *lookup) { l.client.habits.learn(l) }, func(c *client) []string { return c.habits.search })
	tr.client(testClient).habits.search = search
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
	return all, tr.client(testClient).habits.search
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
			got, _ := lookups(t, tc.search, tc.looks)
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
	for _, tc := range []struct {
		about string
		looks [][]string // names that come one right after the other
		want  []string
	}{
		{"one name", [][]string{{"www.example.org."}}, nil},
		{"two names that begin alike", [][]string{{"www.example.org.", "www.example.com."}}, nil},
		{"twice for one program", [][]string{{"www.corp.test.", "www.lan."}, {"www.corp.test.", "www.lan."}}, nil},
		{"for two programs", [][]string{{"a.corp.test.", "a.lan."}, {"b.corp.test.", "b.lan."}}, []string{"corp.test", "lan"}},
		{"two programs, other names", [][]string{{"a.corp.test.", "a.lan."}, {"b.example.org.", "b.example.com."}}, nil},
		{"domains that begin alike, of which the end is seen", [][]string{{"a.example.org.", "a.example.com."}, {"b.example.org.", "b.example.com."}}, []string{"org", "com"}},
		{"in Kubernetes, to the end", [][]string{{"a.shop.svc.c.", "a.svc.c.", "a.c.", "a."}}, []string{"shop.svc.c", "svc.c", "c"}},
		{"longer", [][]string{{"a.svc.c.", "a.c.", "a."}, {"a.b.svc.c.", "a.b.c.", "a.b.lan.", "a.b."}}, []string{"svc.c", "c", "lan"}},
		{"shorter", [][]string{{"a.x.svc.c.", "a.svc.c.", "a.c.", "a."}, {"b.svc.c.", "b.c.", "b."}}, []string{"x.svc.c", "svc.c", "c"}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var looks []look
			for _, names := range tc.looks {
				for i, name := range names {
					after := 2 * time.Millisecond
					if i == 0 {
						after = time.Minute
					}
					looks = append(looks, look{name, dns.RcodeNameError, after})
				}
			}
			if _, got := lookups(t, nil, looks); !slices.Equal(got, tc.want) {
				t.Errorf("search list %q; want %q", got, tc.want)
			}
		})
	}
}
