// Package ask puts the questions of the models in plugin/pkg/stub to real servers, each one once.
package ask

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// inFlight bounds how many questions are under way at the same time.
const inFlight = 32

// Options say where and how patiently to ask.
type Options struct {
	Timeout time.Duration         // after which a question counts as never answered
	Servers []netip.Addr          // asked together, as musl does
	Ports   map[netip.Addr]uint16 // 53 where there is none
}

// An Asker remembers what became of each question. Its Exchange may be used by several models at the same time.
//
// The two questions of a pair go out together, from one socket, as those of the libcs do: what becomes of a lookup
// can depend on which answer comes first.
type Asker struct {
	options Options
	free    chan struct{}
	asked   atomic.Int64
	landed  atomic.Int64

	mu    sync.Mutex
	known map[stub.Query]*fate // by question; over UDP by pair, without a type
}

// fate is what becomes of a question or a pair: by type, a reply for each time that it was sent. A model that sends
// it more often gets the last one again.
type fate struct {
	done    chan struct{}
	replies map[uint16][]stub.Reply
}

// pair are the types that are asked together.
var pair = []uint16{dns.TypeA, dns.TypeAAAA}

// New returns an Asker that has asked nothing yet.
func New(o Options) *Asker {
	return &Asker{options: o, free: make(chan struct{}, inFlight), known: make(map[stub.Query]*fate)}
}

// Progress returns how many questions were asked so far, and how many of them are over.
func (a *Asker) Progress() (asked, over int) { return int(a.asked.Load()), int(a.landed.Load()) }

// Exchange says what became of a question, which is asked if it is new. Over UDP the same goes out to the other
// servers: musl asks them at the same time, glibc next.
func (a *Asker) Exchange(q stub.Query) stub.Reply {
	if q.Transport == stub.UDP {
		beside := q
		for _, beside.Server = range a.options.Servers {
			a.begin(beside)
		}
	}
	f := a.begin(q)
	<-f.done
	replies := f.replies[q.Type]
	return replies[min(max(q.Attempt, 1), len(replies))-1]
}

// begin asks a question unless that was done before.
func (a *Asker) begin(q stub.Query) *fate {
	q = q.Question()
	questions := int64(1)
	if q.Transport == stub.UDP {
		q.Type, questions = 0, int64(len(pair))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if f := a.known[q]; f != nil {
		return f
	}
	f := &fate{done: make(chan struct{})}
	a.known[q] = f
	a.asked.Add(questions)
	go func() {
		defer close(f.done)
		a.free <- struct{}{}
		f.replies = a.send(q)
		<-a.free
		a.landed.Add(questions)
	}()
	return f
}

func (a *Asker) send(q stub.Query) map[uint16][]stub.Reply {
	if q.Transport == stub.TCP {
		return map[uint16][]stub.Reply{q.Type: {a.stream(q)}}
	}
	return a.datagrams(q)
}

// address returns where a question goes.
func (a *Asker) address(q stub.Query) string {
	port, ok := a.options.Ports[q.Server]
	if !ok {
		port = 53
	}
	return netip.AddrPortFrom(q.Server, port).String()
}

// dial connects to the server of a question; also over UDP, so that the kernel drops what comes from others and
// reports that nobody listens.
func (a *Asker) dial(network string, q stub.Query) (net.Conn, error) {
	return net.DialTimeout(network, a.address(q), a.options.Timeout)
}
