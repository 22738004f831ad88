package main

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// patience is how long a client waits for the answers to one name. musl waits 5 s; the shorter time changes nothing for
// answers that come, and bounds a run through a server that gives none.
const patience = 2 * time.Second

// musl looks names up as musl does: the model decides what is asked and what comes of it, and each step of a search has a
// socket of its own, from which A and AAAA go out back to back. It is for one goroutine.
type musl struct {
	model   *stub.Model
	conf    stub.Config
	server  syscall.SockaddrInet4
	fd      int
	socket  *os.File // that of the open step, or nil
	id      uint16
	asked   [2]bool   // by half: the question is on its way
	replies [2][]byte // by half: read while the other one was waited for
	buf     [4096]byte
	packets int // sent so far
}

func newMusl(port int) (*musl, error) {
	model, ok := stub.Find("musl-1.2.5")
	if !ok {
		return nil, fmt.Errorf("no model of musl 1.2.5")
	}
	return &musl{model: model, conf: resolvConf, server: syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}}, nil
}

// lookup is getaddrinfo.
func (c *musl) lookup(name string) stub.Result {
	r := c.model.Lookup(c.conf, name, stub.Both, c.exchange)
	c.close()
	return r
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

// exchange is the network of the model. The model asks for A first and takes the reply before it asks for AAAA; on the
// wire both are under way by then.
func (c *musl) exchange(q stub.Query) stub.Reply {
	if q.Transport == stub.TCP {
		return stub.Reply{Fate: stub.Refused} // no answer of the benchmark is that big
	}
	h := half(q.Type)
	if h == 0 && q.Attempt == 1 {
		if c.open() != nil || !c.send(q) {
			return stub.Reply{}
		}
		sibling := q
		sibling.Type = dns.TypeAAAA
		c.send(sibling)
	}
	if !c.asked[h] && !c.send(q) {
		return stub.Reply{}
	}
	c.asked[h] = false // the next one for this half is a new packet
	return c.receive(h)
}

// open begins a step.
func (c *musl) open() error {
	c.close()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return err
	}
	c.fd, c.socket, c.asked, c.replies = fd, os.NewFile(uintptr(fd), "udp"), [2]bool{}, [2][]byte{}
	c.id += 2
	return c.socket.SetReadDeadline(time.Now().Add(patience / 2))
}

func (c *musl) send(q stub.Query) bool {
	h := half(q.Type)
	c.asked[h] = syscall.Sendto(c.fd, q.Wire(c.id+uint16(h)), 0, &c.server) == nil
	if c.asked[h] {
		c.packets++
	}
	return c.asked[h]
}

// receive waits for the reply to one half, and keeps that to the other.
func (c *musl) receive(h int) stub.Reply {
	for c.replies[h] == nil {
		n, err := c.socket.Read(c.buf[:])
		if err != nil {
			return stub.Reply{} // silence
		}
		if n < headerSize {
			continue
		}
		if got := (uint16(c.buf[0])<<8 | uint16(c.buf[1])) - c.id; got < 2 {
			c.replies[got] = append([]byte(nil), c.buf[:n]...)
		}
	}
	reply := c.replies[h]
	c.replies[h] = nil
	return stub.Reply{Fate: stub.Answered, Bytes: reply}
}
