// Package promise checks what the product promises, on the models of all libc generations and in virtual time: with
// muslsafe in the path, every libc finds what exists, at once, and nothing that does not.
package promise

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/miekg/dns"

	_ "github.com/muslsafe/coredns-muslsafe/plugin/muslsafe"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

func init() { clog.Discard() }

const (
	seed   = 20260 // of the random worlds; the same worlds on each run
	worlds = 2000

	resolvConf = "nameserver 127.0.0.1\nsearch d1.test d2.test\noptions ndots:5\n"
	name       = "host.abs"
)

var server = netip.MustParseAddr("127.0.0.1")

// world is what upstreams say to each name that a client asks for in turn.
type world struct {
	zones []upstream.Zone // d1.test, d2.test, and the zone of the name itself
}

// randomWorld makes up behaviours for A and AAAA of each name.
func randomWorld(r *rand.Rand) world {
	answers := []upstream.Answer{
		upstream.Data, upstream.NoData, upstream.NXDomain, upstream.ServFail, upstream.Refused, upstream.NotImp,
		upstream.FormErr, upstream.Silence, upstream.CNAMEOnly, upstream.NXData, upstream.TCEmpty, upstream.TCSome,
	}
	delays := []time.Duration{0, 0, 0, 100 * time.Millisecond, 400 * time.Millisecond, 700 * time.Millisecond}
	behaviour := func() upstream.Behaviour {
		b := upstream.Behaviour{Answer: answers[r.IntN(len(answers))], Delay: delays[r.IntN(len(delays))]}
		if b.Answer == upstream.TCEmpty || b.Answer == upstream.TCSome {
			b.Delay /= 2 // it is asked twice
		}
		return b
	}
	var w world
	for i, zone := range []string{"d1.test.", "d2.test.", "abs."} {
		w.zones = append(w.zones, upstream.Zone{Name: zone, Net: byte(i + 1), A: behaviour(), AAAA: behaviour()})
	}
	return w
}

func (w world) String() string {
	var text []string
	for _, z := range w.zones {
		text = append(text, fmt.Sprintf("%s A %v AAAA %v", z.Name, z.A, z.AAAA))
	}
	return strings.Join(text, ", ")
}

// first is the number of the first name that has an address, 0 if none has.
func (w world) first() int {
	for _, z := range w.zones {
		if hasAddress(z.A) || hasAddress(z.AAAA) {
			return int(z.Net)
		}
	}
	return 0
}

// hasDeniedAddress reports whether an NXDOMAIN of the world has addresses in it.
func (w world) hasDeniedAddress() bool {
	return slices.ContainsFunc(w.zones, func(z upstream.Zone) bool {
		return z.A.Answer == upstream.NXData || z.AAAA.Answer == upstream.NXData
	})
}

// hasAddress reports whether a behaviour brings addresses, at the latest over TCP.
func hasAddress(b upstream.Behaviour) bool {
	return slices.Contains([]upstream.Answer{upstream.Data, upstream.TCEmpty, upstream.TCSome}, b.Answer)
}

// patience is what a lookup may take at the most: for each name up to the one with an address, the time in which a
// verdict falls, and what it takes to find out that a domain has died.
func (w world) patience() time.Duration {
	return time.Duration(w.first())*1250*time.Millisecond + 2500*time.Millisecond
}

// script answers as the upstreams of the world.
func (w world) script() *upstream.Script { return &upstream.Script{Zones: w.zones} }

// muslsafe returns the plugin in front of next.
func muslsafe(t *testing.T, next plugin.Handler) plugin.Handler {
	t.Helper()
	return setUp(t, "muslsafe", "muslsafe {\n search d1.test d2.test\n}", next)
}

// warmUp has clients ask for other names below the search domains, some seconds before the lookups of a test. So the
// server knows which of the domains are dead, as one that has been running does.
func warmUp(h plugin.Handler) {
	for _, domain := range []string{"d1.test.", "d2.test."} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			go exchange(h, stub.Query{Name: "other." + domain, Type: qtype})
		}
	}
	time.Sleep(6 * time.Second)
}

// TestPromise looks up a name in random worlds with every model. In the same worlds without muslsafe, each musl must
// fail somewhere: else the test would prove nothing.
func TestPromise(t *testing.T) {
	fails := map[string]int{}
	r := rand.New(rand.NewPCG(seed, 0))
	for range worlds {
		w := randomWorld(r)
		synctest.Test(t, func(t *testing.T) {
			without := forward(w.script())
			with := muslsafe(t, without)
			warmUp(with)
			for _, model := range stub.Models() {
				conf := config(t, model, resolvConf)
				asIs := w.problem(look(model, conf, name, stub.Both, without))
				if asIs != "" {
					fails[model.Name]++
				}
				// glibc takes addresses out of an NXDOMAIN, where the other half has none.
				isOwnFault := strings.HasPrefix(model.Name, "glibc") && w.hasDeniedAddress() && strings.HasPrefix(asIs, "found")
				if problem := w.problem(look(model, conf, name, stub.Both, with)); problem != "" && !isOwnFault {
					t.Errorf("%s: %s in %v", model.Name, problem, w)
				}
			}
			time.Sleep(10 * time.Second) // lets late flights land
		})
	}
	for _, model := range stub.Models() {
		t.Logf("%s: %d of %d worlds are wrong or late without muslsafe", model.Name, fails[model.Name], worlds)
		if strings.HasPrefix(model.Name, "musl") && fails[model.Name] < worlds/4 {
			t.Errorf("%s fails in %d of %d worlds without muslsafe; want many, or these worlds show nothing", model.Name, fails[model.Name], worlds)
		}
	}
}

// problem says what is wrong with a result in this world.
func (w world) problem(result stub.Result) string {
	first := w.first()
	found := slices.Concat(result.V4, result.V6)
	for _, addr := range found {
		if network(addr) != first {
			return fmt.Sprintf("found %v; want addresses of network %d alone", found, first)
		}
	}
	switch {
	case first == 0 && len(found) > 0:
		return fmt.Sprintf("found %v; nothing exists", found)
	case first > 0 && len(found) == 0:
		return fmt.Sprintf("%v after %v; want addresses of network %d", result.Err, result.Elapsed, first)
	case first > 0 && result.Elapsed > w.patience():
		return fmt.Sprintf("took %v; want at most %v", result.Elapsed, w.patience())
	}
	return ""
}

// network is the number of the zone that an address of the script belongs to.
func network(addr netip.Addr) int {
	if addr.Is4() {
		b := addr.As4()
		return int(b[1]-18)<<6 | int(b[2])>>2
	}
	b := addr.As16()
	return int(b[5])
}
