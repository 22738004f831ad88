package lab

import (
	"net/netip"
	"os"
	"slices"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// Resolver looks names up as musl 1.2.5 does, on real sockets and in real time. The model decides what to ask and judges the
// answers. Each step of a search has its own socket, from which A and AAAA go out back to back. It is for one goroutine.
type Resolver struct {
	Packets int // sent so far

	model    *stub.Model
	conf     stub.Config
	interval time.Duration // after which it asks again
	server   syscall.SockaddrInet4
	local    *syscall.SockaddrInet4 // nil: the kernel chooses
	id       uint16                 // of the question for A; that for AAAA has the next one
	fd       int
	socket   *os.File // nil if there is none
	step     step
	buf      [4096]byte
}

// step is the state of the lookup of one name of a search.
type step struct {
	name   string
	start  time.Duration // when it began, on the clock of the model
	opened time.Time     // and on that of the machine
	round  int           // of sending, from 0; -1 before the first
	budget int           // failures that are still answered by asking again at once
	halves [2]half
}

// half is the state of one question of a pair.
type half struct {
	query    stub.Query
	ahead    int // packets that were sent and the model has not asked for yet
	answered bool
	replies  []arrival // that the model has not asked for yet
}

// arrival is a reply, and how long after the start of the step it came.
type arrival struct {
	msg []byte
	at  time.Duration
}

// NewResolver returns a resolver that asks a server at an IPv4 address, from an address of its own if local is valid.
// The configuration needs no servers, and its attempts divide its timeout. The IDs of the queries follow the given one.
func NewResolver(conf stub.Config, server netip.AddrPort, local netip.Addr, id uint16) *Resolver {
	model, ok := stub.Find("musl-1.2.5")
	if !ok {
		panic("no model of musl 1.2.5")
	}
	r := &Resolver{model: model, conf: conf, interval: conf.Timeout / time.Duration(conf.Attempts), id: id}
	r.server = syscall.SockaddrInet4{Port: int(server.Port()), Addr: server.Addr().As4()}
	if local.IsValid() {
		r.local = &syscall.SockaddrInet4{Addr: local.As4()}
	}
	return r
}

// Lookup is getaddrinfo. It takes as long as it says.
func (r *Resolver) Lookup(name string) (stub.Result, time.Duration) {
	began := time.Now()
	r.step.name = ""
	result := r.model.Lookup(r.conf, name, stub.Both, r.exchange)
	r.close()
	// The model does not ask for replies that cannot come, after REFUSED for example, and only adds the time.
	time.Sleep(time.Until(began.Add(result.Elapsed)))
	return result, time.Since(began)
}

func (r *Resolver) close() {
	if r.socket != nil {
		_ = r.socket.Close() // nothing is written that could be lost
		r.socket = nil
	}
}

// exchange is the network of the model. The model asks for one half and takes its reply before it asks for the other, but on the
// wire both are in flight.
func (r *Resolver) exchange(q stub.Query) stub.Reply {
	if q.Transport == stub.TCP {
		return stub.Reply{Fate: stub.Refused} // no answer to a resolver of the tests is that big
	}
	s := &r.step
	if q.Name != s.name && r.open(q) != nil {
		return stub.Reply{}
	}
	at := q.At - s.start
	if round := int(at / r.interval); round > s.round {
		r.sendAll(round)
	}
	which := 0
	if q.Type == dns.TypeAAAA {
		which = 1
	}
	h := &s.halves[which]
	if h.ahead == 0 {
		r.send(which)
	}
	h.ahead--
	return r.receive(h, at)
}

// open begins a step with its first query.
func (r *Resolver) open(q stub.Query) error {
	r.close()
	s := &r.step
	s.name, s.start, s.opened, s.round = q.Name, q.At, time.Now(), -1
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		h := &s.halves[i]
		*h = half{query: q, replies: h.replies[:0]}
		h.query.Type = qtype
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	r.id += 2
	r.fd, r.socket = fd, os.NewFile(uintptr(fd), "udp")
	if r.local != nil {
		return syscall.Bind(fd, r.local)
	}
	return nil
}

// sendAll begins a round when it is due: it repeats the questions without an answer.
func (r *Resolver) sendAll(round int) {
	s := &r.step
	time.Sleep(time.Until(s.opened.Add(time.Duration(round) * r.interval)))
	s.round, s.budget = round, 2*len(s.halves)
	if r.socket != nil && r.socket.SetReadDeadline(s.opened.Add(time.Duration(round+1)*r.interval)) != nil {
		r.close() // nothing would end a wait
	}
	for which := range s.halves {
		if !s.halves[which].answered {
			r.send(which)
		}
	}
}

// send sends one half. A packet that the kernel rejects counts as lost.
func (r *Resolver) send(which int) {
	h := &r.step.halves[which]
	h.ahead++
	if r.socket != nil && syscall.Sendto(r.fd, h.query.Wire(r.id+uint16(which)), 0, &r.server) == nil {
		r.Packets++
	}
}

// receive waits for the next reply to one half until the end of the round, and keeps replies to the other half. The model's
// clock is the time since the step began.
func (r *Resolver) receive(h *half, at time.Duration) stub.Reply {
	for len(h.replies) == 0 {
		if r.socket == nil {
			return stub.Reply{}
		}
		n, err := r.socket.Read(r.buf[:])
		if err != nil {
			return stub.Reply{} // silence
		}
		r.note(r.buf[:n])
	}
	first := h.replies[0]
	h.replies = slices.Delete(h.replies, 0, 1)
	return stub.Reply{Fate: stub.Answered, Bytes: first.msg, Delay: max(first.at-at, 0)}
}

// note keeps a packet for the half that it answers. After SERVFAIL, musl repeats the question at once, whatever the other half
// does.
func (r *Resolver) note(msg []byte) {
	if len(msg) < 4 {
		return
	}
	s := &r.step
	which := (uint16(msg[0])<<8 | uint16(msg[1])) - r.id
	if int(which) >= len(s.halves) {
		return
	}
	h := &s.halves[which]
	h.replies = append(h.replies, arrival{append([]byte(nil), msg...), time.Since(s.opened)})
	switch rcode := msg[3] & 15; {
	case rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError:
		h.answered = true
	case rcode == dns.RcodeServerFailure && s.budget > 0:
		s.budget--
		r.send(int(which))
	}
}
