package load

import (
	"encoding/binary"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// socket asks for one name again and again, and never changes its port: so kube-proxy sends all of it to the server that it
// has chosen once.
type socket struct {
	conn net.Conn
	name string

	mu   sync.Mutex
	sent map[uint16]time.Time // without an answer so far, by ID
}

func dial(server, name string) (*socket, error) {
	conn, err := net.Dial("udp", server)
	if err != nil {
		return nil, err
	}
	return &socket{conn: conn, name: name, sent: map[uint16]time.Time{}}, nil
}

// ask sends a query at every interval until the load is over, and then waits for what is late.
func (s *socket) ask(r *Running, every, offset time.Duration) {
	defer s.conn.Close()
	received := make(chan struct{})
	go func() {
		defer close(received)
		s.receive(r)
	}()
	time.Sleep(offset)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for id := uint16(1); ; id++ {
		s.send(id)
		s.giveUp(r, Late)
		select {
		case <-ticker.C:
			continue
		case <-r.over:
		}
		break
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(Late)) // the socket is open
	<-received
	s.giveUp(r, 0)
}

// send sends a query. What the kernel does not take, for a port that was closed to the query before, is lost.
func (s *socket) send(id uint16) {
	s.mu.Lock()
	s.sent[id] = time.Now()
	s.mu.Unlock()
	m := new(dns.Msg).SetQuestion(fresh(s.name), dns.TypeA)
	m.Id = id
	query, err := m.Pack()
	if err != nil {
		panic(err) // the name is no name
	}
	_, _ = s.conn.Write(query)
}

// receive takes answers until the deadline.
func (s *socket) receive(r *Running) {
	buf := make([]byte, dns.MinMsgSize)
	for {
		n, err := s.conn.Read(buf)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return
		case err != nil || n < 12: // a closed port
			continue
		}
		s.take(r, binary.BigEndian.Uint16(buf), int(buf[3]&15))
	}
}

// take counts an answer to a query that is not given up.
func (s *socket) take(r *Running, id uint16, rcode int) {
	s.mu.Lock()
	sent, ok := s.sent[id]
	delete(s.sent, id)
	s.mu.Unlock()
	if !ok {
		return
	}
	failure := ""
	if rcode != dns.RcodeSuccess {
		failure = dns.RcodeToString[rcode]
	}
	r.noteQuery(s.name, failure, sent, time.Since(sent))
}

// giveUp counts as lost what has been without an answer for so long.
func (s *socket) giveUp(r *Running, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, sent := range s.sent {
		if time.Since(sent) >= after {
			delete(s.sent, id)
			r.noteQuery(s.name, "no answer", sent, 0)
		}
	}
}
