// Package dot answers the malformed query that musl before 1.2.4 makes of "search .". No plugin sees such a query, as it
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

// isQuery reports whether a packet is the malformed query that musl before 1.2.4 makes of "search .": res_mkquery is
// given a name with two dots at its end and leaves one of them where the root label belongs, so that it reads as the
// length of a label of 46 octets, which the packet does not have.
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

// seen connects the two places where such a query can be seen. No plugin gets a question that does not unpack:
// miekg/dns hands the packet to its invalid-message function, which has no writer, and then writes a reply of 12
// octets with FORMERR, which says nothing of the packet. Both happen in one goroutine, one after the other, so its
// number tells what belongs together, whatever other packets are under way.
var seen struct {
	hook    sync.Once
	waiting atomic.Int64 // goroutines in the set, so that other replies cost no look at it
	mu      sync.Mutex
	set     map[uint64]struct{} // goroutines that are about to answer such a query
}

// maxWaiting bounds the set. Over TCP, where the reply does not come by here, a goroutine stays in it.
const maxWaiting = 1024

// watch hooks the invalid-message function that servers of this process take over when they start. The hook stays
// there after a reload; without a writer that looks, it changes nothing.
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

// take reports whether this goroutine has noted such a query, and forgets it.
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

// goroutine returns the number of the calling goroutine, which the first line of its stack has: "goroutine 7 [running]:".
// There is none if another version of the runtime writes that differently; the query keeps its FORMERR then.
func goroutine() (id uint64, ok bool) {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	number, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("goroutine ")), []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	return id, err == nil
}

// writer stands before the socket and turns the FORMERR for such a query into NXDOMAIN, so that the search goes on.
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

// Decide is asked about each such query whether it is to be denied.
type Decide func() bool

// ErrUnsupported is the error for a CoreDNS whose configuration has no place for a writer of ours.
var ErrUnsupported = errors.New(`property "dot" needs CoreDNS 1.14.5 or later; everything else works without it`)

// decorator is the type of Config.UDPDecorateWriterFunc.
type decorator = func(*dnsserver.Server) dns.DecorateWriter

// Decorate puts a writer before the UDP sockets of a server block, outside of the writer that another plugin (shed) has
// put there. The configuration is a *dnsserver.Config, in which the field is looked for at run time, as this package
// compiles with older versions too. The function forServer is called with the address of each server.
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
