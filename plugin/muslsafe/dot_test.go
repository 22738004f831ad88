package muslsafe

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
)

// dotPacket is the query that musl 1.2.3 sends for name and "search .".
func dotPacket(name string, qtype uint16) []byte {
	packet := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label != "" {
			packet = append(append(packet, byte(len(label))), label...)
		}
	}
	return append(packet, '.', 0, byte(qtype), 0, dns.ClassINET, 0)
}

func TestIsDotQuery(t *testing.T) {
	good := dotPacket("web.data.", dns.TypeA)
	if !bytes.HasSuffix(good, []byte("\x04data\x2e\x00\x01\x00\x01\x00")) {
		t.Fatalf("packet = %x; want the end that was measured on musl", good)
	}
	for _, packet := range [][]byte{good, dotPacket("data.", dns.TypeAAAA), dotPacket(strings.Repeat("a.", 120), dns.TypeA)} {
		if !isDotQuery(packet) {
			t.Errorf("isDotQuery(%x) = false", packet)
		}
		if new(dns.Msg).Unpack(packet) == nil {
			t.Errorf("%x unpacks, so it would not get here", packet)
		}
	}
	withAD := bytes.Clone(good)
	withAD[3] = 0x20
	if !isDotQuery(withAD) {
		t.Error("with AD set (res_query) = false")
	}
	for i := 2; i < len(good); i++ { // any other octet makes it another packet, but in the text of labels and in the type
		if isText := i > 12 && i < 16 || i > 16 && i < 21; isText || i == len(good)-4 {
			continue
		}
		for _, flip := range []byte{0x01, 0x10, 0x80} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			if isDotQuery(bad) && !(i == 2 && flip == 1) { // RD
				t.Errorf("isDotQuery(%x) = true; octet %d differs", bad, i)
			}
		}
	}
	for n := range good {
		if isDotQuery(good[:n]) {
			t.Errorf("isDotQuery(%x) = true; it is cut", good[:n])
		}
	}
	if isDotQuery(append(bytes.Clone(good), 0)) || isDotQuery(dotPacket(".", dns.TypeA)) || isDotQuery(nil) {
		t.Error("longer, empty or nameless packets are other packets")
	}
}

func FuzzIsDotQuery(f *testing.F) {
	f.Add(dotPacket("web.data.", dns.TypeA))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if isDotQuery(packet) && new(dns.Msg).Unpack(packet) == nil {
			t.Errorf("%x is a message", packet)
		}
	})
}

// listener has the field of dnsserver.Config that decorateWriter looks for. (The real one is older than this package in
// some versions, for which these tests compile too; test/server has whole servers.)
type listener struct{ UDPDecorateWriterFunc decorator }

// replies collects what is written to a socket.
type replies struct {
	dns.Writer
	mu  sync.Mutex
	all [][]byte
}

func (r *replies) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, bytes.Clone(b))
	return len(b), nil
}

// TestDotWriter puts packets to the hook and then a FORMERR to the writer, in goroutines as a server does, with the same
// ID for all.
func TestDotWriter(t *testing.T) {
	var config listener
	if err := decorateWriter(&config, false); err != nil {
		t.Fatal(err)
	}
	socket := &replies{}
	decorate := config.UDPDecorateWriterFunc(&dnsserver.Server{Addr: "dns://:53"})
	formerr := []byte{0x12, 0x34, 0x81, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}
	const rounds = 200
	var wg sync.WaitGroup
	for i := range 2 * rounds {
		wg.Go(func() {
			packet := dotPacket("web.data.", dns.TypeA)
			if i%2 == 1 {
				packet = packet[:len(packet)-1]
			}
			dns.DefaultMsgInvalidFunc(packet, errors.New("overflow"))
			want := byte(dns.RcodeNameError)
			if i%2 == 1 {
				want = dns.RcodeFormatError
			}
			own := &replies{Writer: socket}
			if _, err := decorate(own).Write(formerr); err != nil {
				t.Error(err)
			}
			if got := own.all[0][3] & 0xF; got != want || len(own.all[0]) != 12 {
				t.Errorf("reply = %x; want return code %d", own.all[0], want)
			}
		})
	}
	wg.Wait()
	if !bytes.Equal(formerr, []byte{0x12, 0x34, 0x81, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}) {
		t.Error("the reply of the server was modified")
	}

	// A query that never gets a reply by here, as over TCP, does not let the set grow without limit.
	for range 2 * maxDots {
		wg.Go(noteDot)
	}
	wg.Wait()
	if n := len(dots.set); n > maxDots {
		t.Errorf("%d goroutines in the set; want at most %d", n, maxDots)
	}
}

// TestDotComposes keeps the writer that another plugin has put before the socket.
func TestDotComposes(t *testing.T) {
	var order []string
	config := listener{UDPDecorateWriterFunc: func(*dnsserver.Server) dns.DecorateWriter {
		return func(w dns.Writer) dns.Writer {
			order = append(order, "inner")
			return w
		}
	}}
	if err := decorateWriter(&config, false); err != nil {
		t.Fatal(err)
	}
	socket := &replies{}
	if _, err := config.UDPDecorateWriterFunc(&dnsserver.Server{})(socket).Write([]byte("a reply")); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(order, []string{"inner"}) || len(socket.all) != 1 {
		t.Errorf("decorators %v, %d replies; want the inner one, and one reply", order, len(socket.all))
	}
}

// TestDotNeedsDecorator has the configuration of a CoreDNS before 1.14.5.
func TestDotNeedsDecorator(t *testing.T) {
	var old struct{ Zone string }
	if err := decorateWriter(&old, false); !errors.Is(err, errNoDecorator) {
		t.Errorf("error = %v; want %v", err, errNoDecorator)
	}
}
