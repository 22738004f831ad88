// Package promise checks what the product promises, on the models of all libc generations and in virtual time: with
// muslsafe in the path, every libc finds what exists, at once, and nothing that does not.
package promise

import (
	"context"
	"errors"
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
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/request"
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

// hasAddress reports whether a behaviour brings addresses, at the latest over TCP.
func hasAddress(b upstream.Behaviour) bool {
	return slices.Contains([]upstream.Answer{upstream.Data, upstream.TCEmpty, upstream.TCSome}, b.Answer)
}

// patience is what a lookup may take at the most: for each name up to the one with an address, the time in which a
// verdict falls. (The halves of these lookups do not share what they ask, as those of a real client do.)
func (w world) patience() time.Duration { return time.Duration(w.first()) * 1250 * time.Millisecond }

// script answers as the upstreams of the world.
func (w world) script() *upstream.Script { return &upstream.Script{Zones: w.zones} }

// forward stands for the forward plugin: it puts a query to a script, and gives up where nothing comes back.
func forward(script *upstream.Script) plugin.Handler {
	return test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		q := stub.Query{Name: r.Question[0].Name, Type: r.Question[0].Qtype, Server: server, Attempt: 1}
		if (&request.Request{W: w, Req: r}).Proto() == "tcp" {
			q.Transport = stub.TCP
		}
		reply := script.Exchange(q)
		time.Sleep(reply.Delay)
		m := new(dns.Msg)
		if reply.Fate != stub.Answered {
			time.Sleep(4 * time.Second)
			return dns.RcodeServerFailure, errors.New("i/o timeout")
		}
		if err := m.Unpack(reply.Bytes); err != nil {
			return dns.RcodeServerFailure, err
		}
		m.Id = r.Id
		return dns.RcodeSuccess, w.WriteMsg(m)
	})
}

// muslsafe returns the plugin in front of next.
func muslsafe(t *testing.T, next plugin.Handler) plugin.Handler {
	t.Helper()
	return setUp(t, "muslsafe", "muslsafe {\n search d1.test d2.test\n}", next)
}

// through makes an exchange of a handler, as a server on UDP and TCP does: what is not written is an error with the
// return code, and what does not fit is cut.
func through(h plugin.Handler) stub.Exchange {
	return func(q stub.Query) stub.Reply {
		r := new(dns.Msg)
		if err := r.Unpack(q.Wire(1)); err != nil {
			return stub.Reply{Fate: stub.Answered, Bytes: []byte{0, 1, 0x81, dns.RcodeFormatError, 0, 0, 0, 0, 0, 0, 0, 0}}
		}
		began := time.Now()
		nw := nonwriter.New(&test.ResponseWriter{TCP: q.Transport == stub.TCP})
		w := request.NewScrubWriter(r, nw)
		rcode, _ := h.ServeDNS(context.Background(), w, r)
		if !plugin.ClientWrite(rcode) {
			_ = w.WriteMsg(new(dns.Msg).SetRcode(r, rcode))
		}
		delay := time.Since(began)
		if nw.Msg == nil {
			return stub.Reply{}
		}
		wire, err := nw.Msg.Pack()
		if err != nil {
			panic(err)
		}
		return stub.Reply{Fate: stub.Answered, Bytes: wire, Delay: delay}
	}
}

// TestPromise looks up a name in random worlds with every model. In the same worlds without muslsafe, each musl must
// fail somewhere: else the test would prove nothing.
func TestPromise(t *testing.T) {
	fails := map[string]int{}
	r := rand.New(rand.NewPCG(seed, 0))
	for range worlds {
		w := randomWorld(r)
		synctest.Test(t, func(t *testing.T) {
			plain := forward(w.script())
			with, without := through(muslsafe(t, plain)), through(plain)
			for _, model := range stub.Models() {
				conf, err := model.ParseResolvConf(strings.NewReader(resolvConf))
				if err != nil {
					t.Fatal(err)
				}
				if problem := w.problem(model.Lookup(conf, name, stub.Both, with)); problem != "" {
					t.Errorf("%s: %s in %v", model.Name, problem, w)
				}
				if w.problem(model.Lookup(conf, name, stub.Both, without)) != "" {
					fails[model.Name]++
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

// TestMatrix has the pairs of the matrix, for the generations that no package has too.
func TestMatrix(t *testing.T) {
	for _, a := range upstream.Pairable() {
		for _, aaaa := range upstream.Pairable() {
			w := world{zones: []upstream.Zone{
				{Name: "d1.test.", Net: 1, A: upstream.Behaviour{Answer: a}, AAAA: upstream.Behaviour{Answer: aaaa}},
				{Name: "d2.test.", Net: 2},
			}}
			synctest.Test(t, func(t *testing.T) {
				exchange := through(muslsafe(t, forward(w.script())))
				for _, model := range stub.Models() {
					conf, err := model.ParseResolvConf(strings.NewReader(resolvConf))
					if err != nil {
						t.Fatal(err)
					}
					if problem := w.problem(model.Lookup(conf, name, stub.Both, exchange)); problem != "" {
						t.Errorf("%s: %s in %v", model.Name, problem, w)
					}
				}
				time.Sleep(10 * time.Second)
			})
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
