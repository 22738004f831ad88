package capture

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

const (
	// settledFor is how long the next step of a search may take, or the second half. Libcs need less than a millisecond.
	settledFor = 300 * time.Millisecond

	// unsettledFor is how long the longest wait of a libc for one packet is (5 s), and some more.
	unsettledFor = 5600 * time.Millisecond

	// apart is how far the halves of a pair may be, if they come from two sockets.
	apart = 100 * time.Millisecond

	// together is how far two names of a search are apart, where nothing else shows that they are one.
	together = 50 * time.Millisecond

	// echo is how soon the same packet is not sent again: it is seen twice, on two interfaces.
	echo = 20 * time.Millisecond

	// back is how far time may go back, as packets of several interfaces are not quite in order.
	back = 10 * time.Second

	maxClients = 1 << 14

	maxOpen  = 1 << 15 // lookups at the same time
	maxSteps = 32      // of a lookup
	maxTries = 64      // of a half
	maxData  = 1 << 18 // octets of the replies to one step

	maxOctets = 16 << 20 // of all replies together
)

// key finds a step by a packet.
type key struct {
	client    netip.AddrPort
	id, qtype uint16
	transport stub.Transport
}

// labelKey finds the lookups of a client whose names begin alike.
type labelKey struct {
	client netip.Addr
	label  string
}

// tracker puts packets together to lookups.
type tracker struct {
	done   func(*lookup)          // is given each lookup when it is over; it may not keep it
	learn  func(*lookup)          // is given each search when it goes on
	search func(*client) []string // returns the search list of a client, nil if it is not known

	names    interner
	clients  map[netip.Addr]*client
	keys     map[key]*step
	labels   map[labelKey]*lookup
	streams  map[netip.Addr][]*step // of each client, those that have to do with TCP
	octets   int                    // of the replies that are kept
	short    queue                  // settled
	long     queue
	open     int
	now      time.Duration
	echoes   int64 // packets seen twice
	orphans  int64 // replies without a question
	others   int64 // questions that are not for addresses
	dropped  int64 // lookups given up, as there are too many
	freeStep []*step
	freeLook []*lookup
}

func newTracker(done, learn func(*lookup), search func(*client) []string) *tracker {
	return &tracker{
		done: done, learn: learn, search: search, clients: make(map[netip.Addr]*client), keys: make(map[key]*step), labels: make(map[labelKey]*lookup), streams: make(map[netip.Addr][]*step),
		short: queue{grace: settledFor}, long: queue{grace: unsettledFor},
	}
}

// event takes the next event of a capture.
func (t *tracker) event(e *packets.Event) {
	if e.At < t.now-back {
		t.flush(false) // another capture begins, in the same file
		t.now = e.At
	}
	t.now = max(t.now, e.At)
	t.close()
	switch e.Kind {
	case packets.Query:
		if q, ok := t.names.parseQuery(e.Message); ok {
			t.query(e, q)
		} else {
			t.others++
		}
	case packets.Reply:
		t.reply(e)
	case packets.Opened:
		t.opened(e)
	default:
		t.failed(e)
	}
}

// query finds the lookup to which a question belongs.
func (t *tracker) query(e *packets.Event, q query) {
	k := key{e.Client, q.id, q.qtype, e.Transport}
	s := t.keys[k]
	if s != nil && s.name == q.name && t.isEcho(s, q, e) {
		t.echoes++
		return
	}
	if s == nil || s.name != q.name || s != s.lookup.last() {
		s = t.place(e, q)
	}
	if h := s.half(q.qtype); h != nil && len(h.tries) >= maxTries {
		t.others++
		return
	}
	s.ask(q, try{at: e.At, server: e.Server.Addr(), transport: e.Transport, port: e.Client.Port(), hops: e.Hops})
	if e.Transport == stub.TCP {
		t.streaming(s)
	}
	t.set(k, s)
	t.arm(s.lookup)
}

// set lets packets with this key lead to a step, and no longer to another one.
func (t *tracker) set(k key, s *step) {
	before := t.keys[k]
	if before == s {
		return
	}
	if before != nil {
		before.keys = slices.DeleteFunc(before.keys, func(x key) bool { return x == k })
	}
	t.keys[k] = s
	s.keys = append(s.keys, k)
}

// client returns who asks. Those beyond the bound are forgotten as soon as they were asked for.
func (t *tracker) client(addr netip.Addr) *client {
	c := t.clients[addr]
	if c == nil {
		c = &client{addr: addr}
		if len(t.clients) < maxClients {
			t.clients[addr] = c
		}
	}
	return c
}

// isEcho reports whether a question without a reply comes again at once: it is the same packet, seen on another interface.
// On the way to the pods of a service it has another server there; but musl also sends to several servers at once. What was
// forwarded has a hop less.
func (t *tracker) isEcho(s *step, q query, e *packets.Event) bool {
	h := s.half(q.qtype)
	if h == nil {
		return false
	}
	return slices.ContainsFunc(h.tries, func(x try) bool {
		same := x.server == e.Server.Addr() || e.Hops < x.hops
		return same && x.fate == stub.Silent && e.At-x.at < echo && x.transport == e.Transport
	})
}

// firstLabel returns what the names of one search have in common at the least.
func firstLabel(name string) string {
	label, _, _ := strings.Cut(name, ".")
	return label
}

// reply finds the question to which a reply belongs.
func (t *tracker) reply(e *packets.Event) {
	if len(e.Message) < 2 {
		t.orphans++
		return
	}
	id, qtype := uint16(e.Message[0])<<8|uint16(e.Message[1]), replyType(e.Message)
	s := t.keys[key{e.Client, id, qtype, e.Transport}]
	if s == nil { // musl looks at the ID alone
		for _, qtype = range []uint16{dns.TypeA, dns.TypeAAAA} {
			if s = t.keys[key{e.Client, id, qtype, e.Transport}]; s != nil && s.half(qtype).open(e.Transport, e.Client.Port()) != nil {
				break
			}
		}
	}
	if s == nil {
		t.orphans++
		return
	}
	tr := s.openAt(qtype, e)
	if tr == nil || len(s.data)+len(e.Message) > maxData {
		t.echoes++ // also a reply from another address than the question went to
		return
	}
	t.octets += len(e.Message)
	s.reply(tr, e.At, stub.Answered, e.Message, e.Cut)
	if s.truncated(tr) {
		t.streaming(s)
	}
	t.arm(s.lookup)
	for t.octets > maxOctets && t.open > 1 {
		t.giveUp()
	}
}
