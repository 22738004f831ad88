package upstream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// A Server plays a script on real sockets. Replies without delay go out in the order of the questions.
type Server struct {
	udp *net.UDPConn
	tcp *net.TCPListener // nil if the script has no TCP

	mu       sync.Mutex
	script   *Script
	attempts map[stub.Query]int
	first    map[stub.Query]time.Time // when the first of the attempts came
	log      []stub.Query
	conns    map[net.Conn]bool
	closed   bool
}

// Start starts a server that stops at the end of the test. Where a server of the test before gives up the port in the
// background, it waits for that.
func Start(t testing.TB, addr string, script *Script) *Server {
	t.Helper()
	s, err := Serve(addr, script)
	for deadline := time.Now().Add(5 * time.Second); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		s, err = Serve(addr, script)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// Serve starts a server on an address such as "127.0.0.1:0", UDP and TCP on the same port.
func Serve(addr string, script *Script) (*Server, error) {
	s := &Server{
		script: script, attempts: make(map[stub.Query]int), first: make(map[stub.Query]time.Time), conns: make(map[net.Conn]bool),
	}
	if err := s.listen(addr); err != nil {
		return nil, err
	}
	_ = s.udp.SetReadBuffer(4 << 20) // a burst of questions must not be lost: the tests count packets
	if s.tcp != nil {
		go s.serveTCP()
	}
	go s.serveUDP()
	return s, nil
}

func (s *Server) listen(addr string) (err error) {
	if !s.script.NoTCP {
		s.udp, s.tcp, err = lab.Listen(addr)
		return err
	}
	ua, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return err
	}
	s.udp, err = net.ListenUDP("udp", ua)
	return err
}

// Addr returns where the server listens.
func (s *Server) Addr() netip.AddrPort { return s.udp.LocalAddr().(*net.UDPAddr).AddrPort() }

// Play goes on with another script. The questions that came before count as attempts there too.
func (s *Server) Play(script *Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// Close stops the server and its connections.
func (s *Server) Close() {
	s.udp.Close()
	if s.tcp != nil {
		s.tcp.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.conns {
		c.Close()
	}
}

// Queries returns the questions received so far whose name has the given label.
func (s *Server) Queries(label string) (qs []stub.Query) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, q := range s.log {
		if strings.Contains("."+q.Name, "."+label+".") {
			qs = append(qs, q)
		}
	}
	return qs
}

func (s *Server) serveUDP() {
	buf := make([]byte, 4096)
	for {
		n, client, err := s.udp.ReadFromUDPAddrPort(buf)
		if err != nil {
			return
		}
		if n < 2 {
			continue
		}
		id := [2]byte{buf[0], buf[1]}
		s.after(s.exchange(buf[:n], stub.UDP), func(r stub.Reply) {
			if r.Fate == stub.Answered {
				_, _ = s.udp.WriteToUDPAddrPort(withID(r.Bytes, id), client)
			}
		})
	}
}

func (s *Server) serveTCP() {
	for {
		c, err := s.tcp.AcceptTCP()
		if err != nil {
			return
		}
		if s.adopt(c) {
			go s.serveConn(c)
		}
	}
}

// adopt remembers a connection for Close; after that there are none.
func (s *Server) adopt(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Close()
		return false
	}
	s.conns[c] = true
	return true
}

// serveConn reads the questions of one connection. The reader is buffered so that a close with more questions
// behind is a close, not a reset.
func (s *Server) serveConn(c *net.TCPConn) {
	defer func() {
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
		c.Close()
	}()
	in := bufio.NewReaderSize(c, 8192)
	for {
		var size [2]byte
		if _, err := io.ReadFull(in, size[:]); err != nil {
			return
		}
		msg := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(in, msg); err != nil || len(msg) < 2 {
			return
		}
		id := [2]byte{msg[0], msg[1]}
		s.after(s.exchange(msg, stub.TCP), func(r stub.Reply) { playTCP(c, r, id) })
	}
}

func playTCP(c *net.TCPConn, r stub.Reply, id [2]byte) {
	switch r.Fate {
	case stub.Answered:
		_, _ = c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(r.Bytes))), withID(r.Bytes, id)...))
	case stub.Reset:
		_ = c.SetLinger(0)
		c.Close()
	case stub.Closed:
		c.Close()
	}
}

// after acts on a reply when its delay is over: at once, in order, if there is none.
func (s *Server) after(r stub.Reply, act func(stub.Reply)) {
	if r.Delay == 0 {
		act(r)
		return
	}
	time.AfterFunc(r.Delay, func() { act(r) })
}

// exchange counts a question and asks the script.
func (s *Server) exchange(msg []byte, t stub.Transport) stub.Reply {
	q := stub.Query{Server: s.Addr().Addr().Unmap()}
	m := new(dns.Msg)
	if err := m.Unpack(msg); err != nil || len(m.Question) != 1 {
		q.Malformed = true
	} else {
		q.Name, q.Type = m.Question[0].Name, m.Question[0].Qtype
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts[q]++
	if s.attempts[q] == 1 {
		s.first[q] = time.Now()
	}
	since := time.Since(s.first[q])
	q.Attempt = s.attempts[q]
	q.Transport = t
	s.log = append(s.log, q)
	r := s.script.Exchange(q)
	if s.script.once(q) {
		r.Delay = max(r.Delay-since, 0)
	}
	return r
}

// withID returns a copy of msg with an ID.
func withID(msg []byte, id [2]byte) []byte {
	msg = append([]byte(nil), msg...)
	copy(msg, id[:])
	return msg
}
