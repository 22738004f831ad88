//go:build faults

package faults

import (
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

const (
	patience = 5 * time.Second // of musl, for one name
	interval = patience / 2    // after which it asks again
)

// musl looks names up as musl does, on real sockets and in real time: the model decides what comes of the answers, and
// each step of a search has a socket of its own, from which A and AAAA go out back to back. It is for one goroutine.
type musl struct {
	model  *stub.Model
	server syscall.SockaddrInet4
	local  [4]byte // the client's own address

	name   string        // of the open step
	start  time.Duration // when it began, on the clock of the model
	opened time.Time     // and on that of the machine
	fd     int
	socket *os.File // nil if there is none
	id     uint16
	round  int // of sending, from 0; -1 before the first
	budget int // failures that are still answered by asking again at once
	halves [2]halfState
	buf    [4096]byte
}

// halfState is where one question of the pair stands.
type halfState struct {
	query    stub.Query
	under    int // packets that the model has not asked for yet
	answered bool
	replies  []arrival // that the model has not asked for yet
}

type arrival struct {
	msg []byte
	at  time.Duration // since the step was opened
}

func newMusl(server, local [4]byte, id uint16) *musl {
	model, _ := stub.Find("musl-1.2.5")
	return &musl{model: model, server: syscall.SockaddrInet4{Port: 53, Addr: server}, local: local, id: id}
}

// lookup is getaddrinfo. It takes as long as it says.
func (c *musl) lookup(name string) (stub.Result, time.Duration) {
	began := time.Now()
	c.name = ""
	conf := stub.Config{Search: searchList, Ndots: 5, Timeout: patience, Attempts: 2}
	r := c.model.Lookup(conf, name, stub.Both, c.exchange)
	c.close()
	// What the model knows to be waited for in vain, after REFUSED for example, it does not ask for.
	time.Sleep(time.Until(began.Add(r.Elapsed)))
	return r, time.Since(began)
}

func (c *musl) close() {
	if c.socket != nil {
		_ = c.socket.Close() // nothing is written that could be lost
		c.socket = nil
	}
}

// half is the place of a type in the pair.
func half(qtype uint16) int {
	if qtype == dns.TypeAAAA {
		return 1
	}
	return 0
}

// exchange is the network of the model, which asks for one half and takes its reply before it asks for the other; on the
// wire both are under way by then.
func (c *musl) exchange(q stub.Query) stub.Reply {
	if q.Transport == stub.TCP {
		return stub.Reply{Fate: stub.Refused} // no answer of these tests is that big
	}
	if q.Name != c.name && c.open(q) != nil {
		return stub.Reply{}
	}
	at := q.At - c.start
	if n := int(at / interval); n > c.round {
		c.sendAll(n)
	}
	h := &c.halves[half(q.Type)]
	if h.under == 0 {
		c.send(half(q.Type))
	}
	h.under--
	return c.receive(h, at)
}

// open begins a step with its first query.
func (c *musl) open(q stub.Query) error {
	c.close()
	c.name, c.start, c.opened, c.round = q.Name, q.At, time.Now(), -1
	c.halves = [2]halfState{}
	for i, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		c.halves[i].query = q
		c.halves[i].query.Type = qtype
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	c.id += 2
	c.fd, c.socket = fd, os.NewFile(uintptr(fd), "udp")
	return syscall.Bind(fd, &syscall.SockaddrInet4{Addr: c.local})
}

// sendAll begins a round: it asks what is not answered, when its time has come.
func (c *musl) sendAll(round int) {
	time.Sleep(time.Until(c.opened.Add(time.Duration(round) * interval)))
	c.round, c.budget = round, 4
	for h := range c.halves {
		if !c.halves[h].answered {
			c.send(h)
		}
	}
}

// send sends one half. A packet that the kernel does not take is lost.
func (c *musl) send(h int) {
	c.halves[h].under++
	if c.socket != nil {
		_ = syscall.Sendto(c.fd, c.halves[h].query.Wire(c.id+uint16(h)), 0, &c.server)
	}
}

// receive waits for the next reply to one half until the end of the round, and keeps those to the other.
func (c *musl) receive(h *halfState, at time.Duration) stub.Reply {
	end := c.opened.Add(time.Duration(c.round+1) * interval)
	if c.socket == nil || c.socket.SetReadDeadline(end) != nil {
		return stub.Reply{}
	}
	for len(h.replies) == 0 {
		n, err := c.socket.Read(c.buf[:])
		if err != nil {
			return stub.Reply{} // silence
		}
		c.note(c.buf[:n])
	}
	first := h.replies[0]
	h.replies = h.replies[1:]
	return stub.Reply{Fate: stub.Answered, Bytes: first.msg, Delay: max(first.at-at, 0)}
}

// note keeps a packet for the half that it answers. After SERVFAIL musl asks again at once, whatever the other half does.
func (c *musl) note(msg []byte) {
	if len(msg) < 4 {
		return
	}
	which := (uint16(msg[0])<<8 | uint16(msg[1])) - c.id
	if which > 1 {
		return
	}
	h := &c.halves[which]
	h.replies = append(h.replies, arrival{append([]byte(nil), msg...), time.Since(c.opened)})
	switch rcode := msg[3] & 15; {
	case rcode == dns.RcodeSuccess || rcode == dns.RcodeNameError:
		h.answered = true
	case rcode == dns.RcodeServerFailure && c.budget > 0:
		c.budget--
		c.send(int(which))
	}
}
