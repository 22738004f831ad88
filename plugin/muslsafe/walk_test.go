package muslsafe

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestStepsOf checks that a search ends before a name that must pass untouched.
func TestStepsOf(t *testing.T) {
	tests := []struct {
		about  string
		except domain
		want   []string // what stands behind X
	}{
		{"none", "example.com.", []string{inDefault, "svc.cluster.local.", "cluster.local.", "corp.example.org.", "example.org.", ""}},
		{"the name itself", "example.net.", []string{inDefault, "svc.cluster.local.", "cluster.local.", "corp.example.org.", "example.org."}},
		{"a name on the way", "corp.example.org.", []string{inDefault, "svc.cluster.local.", "cluster.local."}},
	}
	for _, tc := range tests {
		cfg := testPlugin(nil, func(cfg *config) { cfg.except = []domain{tc.except} }).cfg
		s, ok := cfg.suffixes.FirstStep(firstName)
		if !ok {
			t.Fatalf("%s is no first step", firstName)
		}
		var got, want []string
		for _, step := range cfg.stepsOf(cfg.suffixes.Steps(s)) {
			got = append(got, step.name)
		}
		for _, suffix := range tc.want {
			want = append(want, s.X+suffix)
		}
		if !slices.Equal(got, want) {
			t.Errorf("except %s: steps = %q; want %q", tc.about, got, want)
		}
	}
}

// choices are searches from firstName that end at lastStep, but for what is changed, and for how long that is remembered.
var choices = []struct {
	about    string
	outcomes map[string]outcome // in place of those that lead to lastStep
	ttls     map[string]uint32  // of denials, in place of 600; 0 if there is no SOA
	ttl      uint32             // of the configuration
	winner   string
	want     time.Duration
}{
	{"all of them hold for long", nil, nil, 100, lastStep, 100 * time.Second},
	{"the namespace", nil, map[string]uint32{inDefault + " MX": 9}, 100, lastStep, 9 * time.Second},
	{"a rival", nil, map[string]uint32{"default.corp.example.org. A": 8}, 100, lastStep, 8 * time.Second},
	{"A of a step", nil, map[string]uint32{secondStep + " A": 7}, 100, lastStep, 7 * time.Second},
	{"AAAA of a step", nil, map[string]uint32{secondStep + " AAAA": 6}, 100, lastStep, 6 * time.Second},
	{"a step without an SOA", nil, map[string]uint32{secondStep + " AAAA": 0}, 100, lastStep, reply.BriefTTL * time.Second},
	{"AAAA of the winner, which excludes none", nil, map[string]uint32{lastStep + " AAAA": 6}, 100, lastStep, 100 * time.Second},
	{"the ttl of the configuration is 0", nil, nil, 0, lastStep, minChoice * time.Second},
	{"nothing found", map[string]outcome{lastStep + " A": nodata}, nil, 100, "", 100 * time.Second},
	{"nothing found, for a short time", map[string]outcome{lastStep + " A": nodata}, map[string]uint32{lastStep + " AAAA": 6}, 100, "", 6 * time.Second},
	{"the namespace does not exist", map[string]outcome{inDefault + " MX": nxdomain}, nil, 100, "", reply.BriefTTL * time.Second},
	{"the namespace fails", map[string]outcome{inDefault + " MX": failure}, nil, 100, "", reply.BriefTTL * time.Second},
	{"a rival exists", map[string]outcome{"default.example.org. A": data}, nil, 100, "", reply.BriefTTL * time.Second},
	{"a step fails", map[string]outcome{secondStep + " A": failure}, nil, 100, "", reply.BriefTTL * time.Second},
	{"the first step has an address", map[string]outcome{firstName + " A": data}, nil, 100, "", reply.BriefTTL * time.Second},
}

// TestChoiceHolds checks that a choice is remembered for as long as all the answers hold that it was made by, and briefly
// if one of them failed.
func TestChoiceHolds(t *testing.T) {
	for _, tc := range choices {
		runInVirtualTime(t, tc.about, func(t *testing.T) {
			outcomes := map[string]outcome{inDefault + " MX": nodata, lastStep + " A": data, lastStep + " AAAA": nodata}
			maps.Copy(outcomes, tc.outcomes)
			p := completing(withTTLs(outcomes, tc.ttls), withTTL(tc.ttl))
			began := time.Now()
			lookUp(t, p, firstName)
			c := p.searches.remembered(choiceKey{name: firstName}, began)
			if c == nil || c.winner != tc.winner || c.expires.Sub(began) != tc.want {
				t.Fatalf("choice = %+v; want %q for %v", c, tc.winner, tc.want)
			}
			if p.searches.remembered(choiceKey{name: firstName}, began.Add(tc.want)) != nil {
				t.Error("the choice holds beyond its time")
			}
		})
	}
}

// withTTLs is a next plugin that gives these outcomes, and denials with these TTLs.
func withTTLs(outcomes map[string]outcome, ttls map[string]uint32) plugin.Handler {
	return writes(func(r *dns.Msg, _ bool) *dns.Msg {
		key := r.Question[0].Name + " " + dns.TypeToString[r.Question[0].Qtype]
		o, ok := outcomes[key]
		if !ok {
			o = nxdomain
		}
		m := answer(r, o)
		ttl, ok := ttls[key]
		if !ok {
			ttl = 600
		}
		setSOATTL(m, ttl)
		if ttl == 0 {
			m.Ns = nil
		}
		return m
	})
}

// TestChoicesCollide has the choice for another name in the place of one.
func TestChoicesCollide(t *testing.T) {
	s, now := newSearches(), time.Now()
	other := &choice{choiceKey: choiceKey{name: "b.example.net."}, winner: "b.", expires: now.Add(time.Minute)}
	s.choices.Put(choiceKey{name: "a.example.net."}, other)
	if c := s.remembered(choiceKey{name: "a.example.net."}, now); c != nil {
		t.Errorf("remembered = %+v; want nothing, as that belongs to another name", c)
	}
}

// TestChoicesAreBounded fills the memory of choices beyond its size.
func TestChoicesAreBounded(t *testing.T) {
	cs := newSearches().choices
	now := time.Now()
	for i := range 3 * maxChoices {
		key := choiceKey{name: fmt.Sprintf("www.example%d.net.", i)}
		cs.Put(key, &choice{choiceKey: key, expires: now.Add(time.Minute)})
	}
	if n := cs.Len(); n > maxChoices {
		t.Errorf("%d choices are remembered; want %d at the most", n, maxChoices)
	}
	if n := cs.Len(); n < maxChoices*9/10 {
		t.Errorf("%d choices are remembered; want about %d", n, maxChoices)
	}
}

// TestWalksOfClients has two clients search for one name at once, and one of them is refused the answer. It does not get
// what the other one gets.
func TestWalksOfClients(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: searchScript(nil)}
		p := completing(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			time.Sleep(10 * ms)
			if strings.HasPrefix(w.RemoteAddr().String(), "192.0.2.66:") && r.Question[0].Name == originalName {
				return dns.RcodeRefused, nil
			}
			return u.ServeDNS(ctx, w, r)
		}))
		var wg sync.WaitGroup
		for addr, want := range map[string]outcome{"192.0.2.1": data, "192.0.2.66": nxdomain} {
			wg.Go(func() {
				m := serve(t, p, &test.ResponseWriter{RemoteIP: addr}, newQuery(firstName, dns.TypeA))
				if got := verdict.OutcomeOf(m, dns.TypeA); got != want {
					t.Errorf("client %s: %s; want %s", addr, got, want)
				}
			})
		}
		wg.Wait()
	})
}

// TestWalksWithEDNS has two equal queries at once. With EDNS, whose options may differ, each of them needs a walk of its own.
func TestWalksWithEDNS(t *testing.T) {
	for _, edns := range []bool{false, true} {
		inVirtualTime(t, func(t *testing.T) {
			next := counted(&upstream{script: searchScript(map[string]step{inDefault + " MX": {outcome: nodata, delay: 10 * ms}})})
			p := completing(next)
			var wg sync.WaitGroup
			for range 2 {
				wg.Go(func() {
					m := serve(t, p, &test.ResponseWriter{}, queryWith(firstName, dns.TypeA, edns))
					if verdict.OutcomeOf(m, dns.TypeA) != data {
						t.Errorf("reply = %v; want the address", m)
					}
				})
			}
			wg.Wait()
			synctest.Wait() // for what nobody waits for
			walks := int64(1)
			if edns {
				walks = 2
			}
			if n := next.n.Load(); n < walks*17 || n >= (walks+1)*17 {
				t.Errorf("EDNS %v: asked %d times; want 17 for each of %d walks", edns, n, walks)
			}
		})
	}
}
