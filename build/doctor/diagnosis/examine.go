// Package diagnosis finds out which lookups break on which libc, why, and what fixes them. It runs the models of
// plugin/pkg/stub against real servers and compares what each libc makes of the answers with what is there.
package diagnosis

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/ask"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// slow is how long one name of a search may take. A server that waits for a slow upstream, and then answers what it
// can, needs a little more than a second.
const slow = 1500 * time.Millisecond

// A Doctor examines names behind one resolv.conf.
type Doctor struct {
	// Progress returns how many questions were asked so far, and how many of them are over.
	Progress func() (asked, over int)

	confs map[*stub.Model]stub.Config
	ports map[netip.Addr]uint16
	world *world
}

// New returns a Doctor for the text of a resolv.conf.
func New(resolvConf string, ports map[netip.Addr]uint16, timeout time.Duration) (*Doctor, error) {
	d, err := newDoctor(resolvConf, timeout)
	if err != nil {
		return nil, err
	}
	asker := ask.New(ask.Options{Timeout: timeout, Servers: d.world.servers, Ports: ports})
	d.ports, d.world.ask, d.Progress = ports, asker.Exchange, asker.Progress
	return d, nil
}

// newDoctor returns a Doctor that has nobody to ask yet.
func newDoctor(resolvConf string, timeout time.Duration) (*Doctor, error) {
	d := &Doctor{confs: make(map[*stub.Model]stub.Config)}
	for _, m := range stub.Models() {
		c, err := m.ParseResolvConf(strings.NewReader(resolvConf))
		if err != nil {
			return nil, err
		}
		d.confs[m] = c
	}
	conf := d.confs[Glibc()] // the one with the fewest limits
	suffixes, err := Suffixes(conf.Search)
	if err != nil {
		return nil, err
	}
	var servers []netip.Addr // each once
	for _, server := range conf.Servers {
		if !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	if len(servers) == 0 {
		servers = []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	}
	d.world = &world{timeout: timeout, servers: servers, names: suffixes, random: fmt.Sprintf("muslsafe-doctor-%08x", rand.Uint32())}
	return d, nil
}

// Glibc returns the model of glibc.
func Glibc() *stub.Model {
	models := stub.Models()
	return models[len(models)-1]
}

// Config returns what glibc, which has the fewest limits, makes of the resolv.conf.
func (d *Doctor) Config() stub.Config { return d.confs[Glibc()] }

// Servers returns the name servers that are asked.
func (d *Doctor) Servers() (all []netip.AddrPort) {
	for _, server := range d.world.servers {
		port := d.ports[server]
		if port == 0 {
			port = 53
		}
		all = append(all, netip.AddrPortFrom(server, port))
	}
	return all
}

// Trace does one lookup as one libc does it.
func (d *Doctor) Trace(m *stub.Model, name string) stub.Result {
	return m.Lookup(d.confs[m], name, stub.Both, d.world.ask)
}

// A Lookup is what one libc makes of a name.
type Lookup struct {
	Model  *stub.Model
	Result stub.Result
}

// Queries returns how many packets the libc sends.
func (l Lookup) Queries() (n int) {
	for _, s := range l.Result.Steps {
		n += len(s.Packets)
	}
	return n
}

// Addresses returns all addresses found.
func (l Lookup) Addresses() []netip.Addr {
	return append(l.Result.V4[:len(l.Result.V4):len(l.Result.V4)], l.Result.V6...)
}

// A Report is all that was found out about one name.
type Report struct {
	Name    string
	Lookups []Lookup // in the order of stub.Models
	Hazards []Hazard
	Tools   []Tool // what other programs show; none where there is no hazard, or nothing can be told
	Unclear string // why it cannot be told whether anything breaks; empty if it can
}

// Examine looks a name up as each libc does and finds what goes wrong.
func (d *Doctor) Examine(name string) Report {
	if _, err := netip.ParseAddr(name); err == nil {
		return Report{Name: name, Unclear: "it is an address, which no libc asks a server for"}
	}
	r := Report{Name: name, Lookups: d.lookups(name, d.world.ask)}
	var all []*examination
	for _, l := range r.Lookups {
		e := &examination{world: d.world, Lookup: l}
		e.candidates = candidates(l.Model, d.confs[l.Model], name)
		e.want, e.outage = d.world.best(e.candidates)
		all = append(all, e)
	}
	best := reference(all)
	raced := r.race(d)
	for _, e := range all {
		for _, c := range e.causes() {
			if raced && c.unexplained() && (waitsForDead(c.step) || d.disagree(c.step.Name)) {
				continue // this is about the name servers
			}
			r.blame(d.world, e, c)
		}
		if c, ok := d.differs(e, best); ok {
			r.blame(d.world, e, c)
		}
	}
	r.Unclear = r.unclear(best)
	if len(r.Hazards) > 0 && r.Unclear == "" {
		r.Tools = d.tools(name)
	}
	return r
}

// race adds the hazards of several name servers, and reports whether there are any.
func (r *Report) race(d *Doctor) bool {
	if len(d.world.servers) < 2 {
		return false
	}
	r.Hazards = d.Race(r.Name).Hazards()
	return len(r.Hazards) > 0
}

// lookups runs all models at once.
func (d *Doctor) lookups(name string, ask stub.Exchange) []Lookup {
	models := stub.Models()
	all := make([]Lookup, len(models))
	var wg sync.WaitGroup
	for i, m := range models {
		wg.Go(func() { all[i] = Lookup{m, m.Lookup(d.confs[m], name, stub.Both, ask)} })
	}
	wg.Wait()
	return all
}

// candidates returns the names that a libc tries, one after the other, if none of them exists.
func candidates(m *stub.Model, c stub.Config, name string) (names []string) {
	nothing := func(q stub.Query) stub.Reply {
		msg := q.Wire(0)
		msg[2], msg[3] = 0x81, 0x83 // a reply, NXDOMAIN
		return stub.Reply{Fate: stub.Answered, Bytes: msg}
	}
	for _, s := range m.Lookup(c, name, stub.Both, nothing).Steps {
		if len(s.Packets) > 0 && !s.Packets[0].Query.Malformed {
			names = append(names, s.Name)
		}
	}
	return names
}

// unclear says why nothing can be told, if that is so: nobody gets an address, and no libc is worse off than another.
func (r *Report) unclear(best *examination) string {
	for _, h := range r.Hazards {
		if h.Kind != Outage {
			return ""
		}
	}
	for _, l := range r.Lookups {
		if l.Result.Err == stub.OK {
			return ""
		}
	}
	switch {
	case len(r.Hazards) > 0:
		return "the server fails, and with it every libc"
	case len(best.candidates) == 0:
		return "no libc asks for such a name"
	}
	return "no libc finds an address, and none should: the name has none"
}
