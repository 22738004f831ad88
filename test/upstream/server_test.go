package upstream

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// patience is for answers that do come.
const patience = 5 * time.Second

// The server says over the network, octet for octet, what the script says.
func TestServerPlaysTheScript(t *testing.T) {
	s := Start(t, "127.0.0.1:0", script)
	for a := Data; a <= Garbage; a++ {
		if a == Silence {
			continue
		}
		for _, transport := range []stub.Transport{stub.UDP, stub.TCP} {
			q := stub.Query{Name: a.String() + "." + a.String() + ".d1.test.", Type: dns.TypeA, Attempt: 1, Transport: transport}
			want := withID(script.Exchange(q).Bytes, [2]byte{0x12, 0x34})
			if got := exchange(t, s, q.Wire(0x1234), transport); !bytes.Equal(got, want) {
				t.Errorf("%v %v = % x; want % x", transport, a, got, want)
			}
		}
	}
}

// exchange sends octets and returns those that come back, nil if the connection is closed instead.
func exchange(t *testing.T, s *Server, msg []byte, transport stub.Transport) []byte {
	t.Helper()
	reply, err := lab.Exchange(transport.String(), s.Addr().String(), msg, patience)
	if err == nil {
		return reply
	}
	if transport == stub.UDP || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return nil
}

func TestServerOverTCP(t *testing.T) {
	s := Start(t, "127.0.0.1:0", script)
	for _, label := range []string{"tcempty-xclose", "tcempty-xreset"} {
		q := stub.Query{Name: label + ".d1.test.", Type: dns.TypeA}
		if got := exchange(t, s, q.Wire(1), stub.TCP); got != nil {
			t.Errorf("%s = % x; want the end of the connection", label, got)
		}
	}
}

// The server counts, remembers, answers late and answers what it cannot read.
func TestServer(t *testing.T) {
	s := Start(t, "127.0.0.1:0", script)
	q := stub.Query{Name: "data-f1refused-d1.data.tag.d1.test.", Type: dns.TypeA}
	for _, want := range []byte{dns.RcodeRefused, dns.RcodeSuccess} {
		if got := exchange(t, s, q.Wire(1), stub.UDP); got[3]&15 != want {
			t.Errorf("rcode = %d; want %d", got[3]&15, want)
		}
	}
	seen := s.Queries("tag")
	if len(seen) != 2 || seen[1].Attempt != 2 || seen[1].Name != q.Name || len(s.Queries("ta")) != 0 {
		t.Errorf("queries seen = %+v; want two of %s", seen, q.Name)
	}
	malformed := stub.Query{Name: "a.b.", Type: dns.TypeA, Malformed: true}
	want := []byte{0, 9, 0x81, dns.RcodeFormatError, 0, 0, 0, 0, 0, 0, 0, 0}
	if got := exchange(t, s, malformed.Wire(9), stub.UDP); !bytes.Equal(got, want) {
		t.Errorf("malformed = % x; want % x", got, want)
	}
}

// A delay that counts once is over for every question when it is over for the first one.
func TestOnce(t *testing.T) {
	s, err := Serve("127.0.0.1:0", script)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	q := stub.Query{Name: "data-d300-once.d1.test.", Type: dns.TypeA}
	for _, least := range []time.Duration{300 * time.Millisecond, 0} {
		began := time.Now()
		exchange(t, s, q.Wire(1), stub.UDP)
		if took := time.Since(began); took < least || least == 0 && took >= 300*time.Millisecond {
			t.Errorf("took %v; want 0.3 s for the first question alone", took)
		}
	}
}

// A server goes on with another script, and counts on.
func TestPlay(t *testing.T) {
	s, err := Serve("127.0.0.1:0", script)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	q := stub.Query{Name: "data-f2refused.d1.test.", Type: dns.TypeA}
	for _, tc := range []struct {
		script *Script
		want   byte
	}{{script, dns.RcodeRefused}, {&Script{}, dns.RcodeNameError}, {script, dns.RcodeSuccess}} {
		s.Play(tc.script)
		if got := exchange(t, s, q.Wire(1), stub.UDP); got[3]&15 != tc.want {
			t.Errorf("rcode = %d; want %d", got[3]&15, tc.want)
		}
	}
}

// Without TCP nobody listens there; after Close nobody does at all.
func TestNoTCP(t *testing.T) {
	s, err := Serve("127.0.0.1:0", &Script{NoTCP: true})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp", s.Addr().String()); err == nil {
		c.Close()
		t.Error("somebody listens on TCP")
	}
	s.Close()
	again, err := Serve(s.Addr().String(), &Script{NoTCP: true})
	if err != nil {
		t.Fatalf("the port is not free after Close: %v", err)
	}
	again.Close()
}
