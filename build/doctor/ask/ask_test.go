package ask

import (
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

const patience = 2 * time.Second

// serve starts a scripted server and returns an Asker for it.
func serve(t *testing.T, script *upstream.Script) (*Asker, *upstream.Server) {
	t.Helper()
	server, err := upstream.Serve("127.0.0.1:0", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return asker(server.Addr(), patience), server
}

func asker(server netip.AddrPort, timeout time.Duration) *Asker {
	return New(Options{Timeout: timeout, Ports: map[netip.Addr]uint16{server.Addr(): server.Port()}})
}

var scripted = &upstream.Script{Zones: []upstream.Zone{{Name: "d1.test.", Net: 1, Scripted: true}}}

func question(name string) stub.Query {
	return stub.Query{Name: name + ".d1.test.", Type: dns.TypeA, Server: netip.MustParseAddr("127.0.0.1"), Attempt: 1}
}

func rcode(r stub.Reply) int {
	if r.Fate != stub.Answered || len(r.Bytes) < 4 {
		return -1
	}
	return int(r.Bytes[3] & 15)
}

// What a server does arrives as it is, over both transports.
func TestFates(t *testing.T) {
	a, _ := serve(t, scripted)
	tests := []struct {
		about, name string
		over        stub.Transport
		fate        stub.Fate
		rcode       int
	}{
		{"data", "data.data", stub.UDP, stub.Answered, dns.RcodeSuccess},
		{"NXDOMAIN", "nxdomain.data", stub.UDP, stub.Answered, dns.RcodeNameError},
		{"REFUSED", "refused.data", stub.UDP, stub.Answered, dns.RcodeRefused},
		{"SERVFAIL", "servfail.data", stub.UDP, stub.Answered, dns.RcodeServerFailure},
		{"3 octets", "tiny.data", stub.UDP, stub.Answered, -1},
		{"silence", "silence.data", stub.UDP, stub.Silent, -1},
		{"over TCP", "data-n100.data", stub.TCP, stub.Answered, dns.RcodeSuccess},
		{"closed", "data-xclose.data", stub.TCP, stub.Closed, -1},
		{"reset", "data-xreset.data", stub.TCP, stub.Reset, -1},
		{"12 octets over TCP", "data-xshort.data", stub.TCP, stub.Answered, dns.RcodeSuccess},
		{"silence over TCP", "data-xstall.data", stub.TCP, stub.Silent, -1},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			t.Parallel()
			q := question(tc.name)
			q.Transport = tc.over
			if r := a.Exchange(q); r.Fate != tc.fate || rcode(r) != tc.rcode {
				t.Errorf("%v, return code %d; want %v, %d", r.Fate, rcode(r), tc.fate, tc.rcode)
			}
		})
	}
}

// Each question goes out once, however many models ask it.
func TestAskedOnce(t *testing.T) {
	a, server := serve(t, scripted)
	var wg sync.WaitGroup
	for range 20 {
		for _, qtype := range pair {
			wg.Go(func() {
				q := question("data.nodata.once")
				q.Type = qtype
				for q.Attempt = range 5 {
					a.Exchange(q)
				}
			})
		}
	}
	wg.Wait()
	if got := server.Queries("once"); len(got) != 2 {
		t.Errorf("%d questions arrived; want A and AAAA", len(got))
	}
	if asked, over := a.Progress(); asked != 2 || over != 2 {
		t.Errorf("Progress = %d, %d; want 2, 2", asked, over)
	}
}

// The malformed question of "search ." goes out as it is.
func TestMalformed(t *testing.T) {
	a, _ := serve(t, scripted)
	q := question("data.data")
	q.Malformed = true
	if r := a.Exchange(q); rcode(r) != dns.RcodeFormatError {
		t.Errorf("malformed question: %v, return code %d; want FORMERR", r.Fate, rcode(r))
	}
}

// A second attempt is told from the first.
func TestAttempts(t *testing.T) {
	a, server := serve(t, scripted)
	for name, first := range map[string]int{"data-f1servfail.data.s": dns.RcodeServerFailure, "data-f1silence.data.s": -1} {
		q := question(name)
		if r := a.Exchange(q); rcode(r) != first {
			t.Errorf("%s: first return code %d; want %d", name, rcode(r), first)
		}
		for q.Attempt = 2; q.Attempt < 4; q.Attempt++ {
			if r := a.Exchange(q); rcode(r) != dns.RcodeSuccess {
				t.Errorf("%s: attempt %d: return code %d; want data", name, q.Attempt, rcode(r))
			}
		}
	}
	if n := len(server.Queries("s")); n != 8 {
		t.Errorf("%d questions; want A and AAAA twice, for each name", n)
	}
}

// Nobody listens: the kernel says so, and nobody waits.
func TestRefused(t *testing.T) {
	server, err := upstream.Serve("127.0.0.1:0", scripted)
	if err != nil {
		t.Fatal(err)
	}
	server.Close()
	a := asker(server.Addr(), time.Minute)
	for _, over := range []stub.Transport{stub.UDP, stub.TCP} {
		q := question("data.data")
		q.Transport = over
		if r := a.Exchange(q); r.Fate != stub.Refused {
			t.Errorf("over %v: %v; want refused", over, r.Fate)
		}
	}
}

// Replies with a foreign ID, and less than an ID, are none; the right one behind them counts.
func TestForeignReplies(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		buf := make([]byte, 512)
		for {
			n, client, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			wrong := slices.Clone(buf[:n])
			wrong[0], wrong[3] = ^wrong[0], 5
			right := slices.Clone(buf[:n])
			right[2], right[3] = 0x81, dns.RcodeNameError
			for _, msg := range [][]byte{wrong, {buf[0]}, {}, right} {
				_, _ = c.WriteToUDPAddrPort(msg, client)
			}
		}
	}()
	a := asker(c.LocalAddr().(*net.UDPAddr).AddrPort(), time.Minute)
	if r := a.Exchange(question("data.data")); rcode(r) != dns.RcodeNameError {
		t.Errorf("%v, return code %d; want the right reply, NXDOMAIN", r.Fate, rcode(r))
	}
}
