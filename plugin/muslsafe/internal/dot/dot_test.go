package dot

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

// always has each such query denied.
func always(string) Decide { return func() bool { return true } }

// packet is the query that musl 1.2.3 sends for name and "search .".
func packet(name string, qtype uint16) []byte {
	wire := []byte{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label != "" {
			wire = append(append(wire, byte(len(label))), label...)
		}
	}
	return append(wire, '.', 0, byte(qtype), 0, dns.ClassINET, 0)
}

func TestIsQuery(t *testing.T) {
	good := packet("web.data.", dns.TypeA)
	if !bytes.HasSuffix(good, []byte("\x04data\x2e\x00\x01\x00\x01\x00")) {
		t.Fatalf("packet = %x; want the end that was measured on musl", good)
	}
	for _, p := range [][]byte{good, packet("data.", dns.TypeAAAA), packet(strings.Repeat("a.", 120), dns.TypeA)} {
		if !isQuery(p) {
			t.Errorf("isQuery(%x) = false", p)
		}
		if new(dns.Msg).Unpack(p) == nil {
			t.Errorf("%x unpacks, so it would not get here", p)
		}
	}
	withAD := bytes.Clone(good)
	withAD[3] = 0x20
	if !isQuery(withAD) {
		t.Error("with AD set (res_query) = false")
	}
	for i := 2; i < len(good); i++ { // any other octet makes it another packet, but in the text of labels and in the type
		if isText := i > 12 && i < 16 || i > 16 && i < 21; isText || i == len(good)-4 {
			continue
		}
		for _, flip := range []byte{0x01, 0x10, 0x80} {
			bad := bytes.Clone(good)
			bad[i] ^= flip
			if isQuery(bad) && !(i == 2 && flip == 1) { // RD
				t.Errorf("isQuery(%x) = true; octet %d differs", bad, i)
			}
		}
	}
	for n := range good {
		if isQuery(good[:n]) {
			t.Errorf("isQuery(%x) = true; it is cut", good[:n])
		}
	}
	if isQuery(append(bytes.Clone(good), 0)) || isQuery(packet(".", dns.TypeA)) || isQuery(nil) {
		t.Error("longer, empty or nameless packets are other packets")
	}
}

func FuzzIsQuery(f *testing.F) {
	f.Add(packet("web.data.", dns.TypeA))
	f.Fuzz(func(t *testing.T, packet []byte) {
		if isQuery(packet) && new(dns.Msg).Unpack(packet) == nil {
			t.Errorf("%x is a message", packet)
		}
	})
}

// listener has the field of dnsserver.Config that Decorate looks for. (The real one is older than this package in
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
	if err := Decorate(&config, always); err != nil {
		t.Fatal(err)
	}
	socket := &replies{}
	decorate := config.UDPDecorateWriterFunc(&dnsserver.Server{Addr: "dns://:53"})
	formerr := []byte{0x12, 0x34, 0x81, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}
	const rounds = 200
	var wg sync.WaitGroup
	for i := range 2 * rounds {
		wg.Go(func() {
			p := packet("web.data.", dns.TypeA)
			if i%2 == 1 {
				p = p[:len(p)-1]
			}
			dns.DefaultMsgInvalidFunc(p, errors.New("overflow"))
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
	for range 2 * maxWaiting {
		wg.Go(note)
	}
	wg.Wait()
	if n := len(seen.set); n > maxWaiting {
		t.Errorf("%d goroutines in the set; want at most %d", n, maxWaiting)
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
	if err := Decorate(&config, always); err != nil {
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
	if err := Decorate(&old, always); !errors.Is(err, ErrUnsupported) {
		t.Errorf("error = %v; want %v", err, ErrUnsupported)
	}
}
