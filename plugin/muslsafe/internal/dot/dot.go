// Package dot answers the malformed query that musl before 1.2.4 sends for "search .". No plugin sees that query, because it
// does not unpack, so this package hooks the listener.
package dot

import (
	"bytes"
	"errors"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
)

// isQuery reports whether a packet is the malformed query that musl before 1.2.4 sends for "search .": res_mkquery gets a name
// that ends in two dots and leaves one of them where the root label belongs, so that it reads as the length of a label of 46
// octets, which the packet does not have.
//
//	header with one question | 4 data | 2e 00 | type 00 01 00
func isQuery(packet []byte) bool {
	const header, tail = 12, 6
	if len(packet) < header+tail || packet[2]&^1 != 0 || packet[3]&^0x20 != 0 { // a plain query; RD and AD may be set
		return false
	}
	if !bytes.Equal(packet[4:header], []byte{0, 1, 0, 0, 0, 0, 0, 0}) {
		return false
	}
	labels := packet[header:]
	for len(labels) > tail {
		n := int(labels[0])
		if n == 0 || n > 63 || n >= len(labels) {
			return false
		}
		labels = labels[n+1:]
	}
	return len(labels) == tail && len(packet) > header+tail &&
		labels[0] == '.' && labels[1] == 0 && bytes.Equal(labels[3:], []byte{0, dns.ClassINET, 0})
}

// seen connects the two places where such a query can be seen. miekg/dns hands a packet that does not unpack to its
// invalid-message function, which has no writer. Then it writes a reply of 12 octets with FORMERR, which does not identify the
// packet. Both happen in the same goroutine, one after the other, so the goroutine's number connects them.
var seen struct {
	hook    sync.Once
	waiting atomic.Int64 // size of the set, so that other replies need not lock it
	mu      sync.Mutex
	set     map[uint64]struct{} // goroutines that are about to answer such a query
}

// maxWaiting bounds the set. A goroutine for TCP stays in it, because its reply does not pass through our writer.
const maxWaiting = 1024

// watch hooks the invalid-message function that servers of this process use from their start. The hook stays after a reload;
// without our writer it changes nothing.
func watch() {
	seen.hook.Do(func() {
		next := dns.DefaultMsgInvalidFunc
		dns.DefaultMsgInvalidFunc = func(packet []byte, err error) {
			if isQuery(packet) {
				note()
			}
			next(packet, err)
		}
	})
}

func note() {
	id, ok := goroutine()
	if !ok {
		return
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	if seen.set == nil || len(seen.set) >= maxWaiting {
		seen.set = make(map[uint64]struct{})
	}
	seen.set[id] = struct{}{}
	seen.waiting.Store(int64(len(seen.set)))
}

// take reports whether this goroutine has noted such a query, and removes it from the set.
func take() bool {
	if seen.waiting.Load() == 0 {
		return false
	}
	id, ok := goroutine()
	if !ok {
		return false
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	_, ok = seen.set[id]
	delete(seen.set, id)
	seen.waiting.Store(int64(len(seen.set)))
	return ok
}

// goroutine returns the number of the calling goroutine, from the first line of its stack: "goroutine 7 [running]:". It fails if
// another version of the runtime writes something else; the query then keeps its FORMERR.
func goroutine() (id uint64, ok bool) {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	number, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("goroutine ")), []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	return id, err == nil
}

// writer wraps the socket and turns the FORMERR for such a query into NXDOMAIN, so that the search goes on.
type writer struct {
	dns.Writer
	decide Decide
}

// Write implements [dns.Writer].
func (w *writer) Write(reply []byte) (int, error) {
	if len(reply) != 12 || reply[3]&0xF != dns.RcodeFormatError || !take() || !w.decide() {
		return w.Writer.Write(reply)
	}
	denial := bytes.Clone(reply)
	denial[3] = denial[3]&^0xF | dns.RcodeNameError
	return w.Writer.Write(denial)
}

// Decide is called for each such query and reports whether to deny it.
type Decide func() bool

// ErrUnsupported is the error for a CoreDNS whose configuration does not accept our writer.
var ErrUnsupported = errors.New(`property "dot" needs CoreDNS 1.14.5 or later; everything else works without it`)

// decorator is the type of Config.UDPDecorateWriterFunc.
type decorator = func(*dnsserver.Server) dns.DecorateWriter

// Decorate puts a writer before the UDP sockets of a server block, around the writer of another plugin (shed). The configuration
// is a *dnsserver.Config. Its field is looked up at run time, because this package also compiles with older versions. forServer
// is called with the address of each server.
func Decorate(config any, forServer func(addr string) Decide) error {
	field := reflect.ValueOf(config).Elem().FieldByName("UDPDecorateWriterFunc")
	if !field.IsValid() || field.Type() != reflect.TypeFor[decorator]() {
		return ErrUnsupported
	}
	inner, _ := field.Interface().(decorator)
	watch()
	field.Set(reflect.ValueOf(func(s *dnsserver.Server) dns.DecorateWriter {
		decorate := func(w dns.Writer) dns.Writer { return w }
		if inner != nil {
			decorate = inner(s)
		}
		decide := forServer(s.Addr)
		return func(w dns.Writer) dns.Writer {
			return &writer{Writer: decorate(w), decide: decide}
		}
	}))
	return nil
}
