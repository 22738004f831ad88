package muslsafe

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

// isDotQuery reports whether a packet is the malformed query that musl before 1.2.4 makes of "search .": res_mkquery is
// given a name with two dots at its end and leaves one of them where the root label belongs, so that it reads as the
// length of a label of 46 octets, which the packet does not have.
//
//	header with one question | 4 data | 2e 00 | type 00 01 00
func isDotQuery(packet []byte) bool {
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

// dots connects the two places where such a query can be seen. No plugin gets a question that does not unpack:
// miekg/dns hands the packet to its invalid-message function, which has no writer, and then writes a reply of 12
// octets with FORMERR, which says nothing of the packet. Both happen in one goroutine, one after the other, so its
// number tells what belongs together, whatever other packets are under way.
var dots struct {
	hook    sync.Once
	waiting atomic.Int64 // goroutines in the set, so that other replies cost no look at it
	mu      sync.Mutex
	set     map[uint64]struct{} // goroutines that are about to answer such a query
}

// maxDots bounds the set. Over TCP, where the reply does not come by here, a goroutine stays in it.
const maxDots = 1024

// watchDots hooks the invalid-message function that servers of this process take over when they start. The hook stays
// there after a reload; without a writer that looks, it changes nothing.
func watchDots() {
	dots.hook.Do(func() {
		next := dns.DefaultMsgInvalidFunc
		dns.DefaultMsgInvalidFunc = func(packet []byte, err error) {
			if isDotQuery(packet) {
				noteDot()
			}
			next(packet, err)
		}
	})
}

func noteDot() {
	id := goroutine()
	dots.mu.Lock()
	defer dots.mu.Unlock()
	if dots.set == nil || len(dots.set) >= maxDots {
		dots.set = make(map[uint64]struct{})
	}
	dots.set[id] = struct{}{}
	dots.waiting.Store(int64(len(dots.set)))
}

// takeDot reports whether this goroutine has noted such a query, and forgets it.
func takeDot() bool {
	if dots.waiting.Load() == 0 {
		return false
	}
	id := goroutine()
	dots.mu.Lock()
	defer dots.mu.Unlock()
	_, ok := dots.set[id]
	delete(dots.set, id)
	dots.waiting.Store(int64(len(dots.set)))
	return ok
}

// goroutine returns the number of the calling goroutine, which the first line of its stack has: "goroutine 7 [running]:".
func goroutine() uint64 {
	var buf [64]byte
	line := buf[:runtime.Stack(buf[:], false)]
	number, _, _ := bytes.Cut(bytes.TrimPrefix(line, []byte("goroutine ")), []byte(" "))
	id, err := strconv.ParseUint(string(number), 10, 64)
	if err != nil {
		panic("muslsafe: no goroutine number in " + string(line)) // the runtime's format has changed
	}
	return id
}

// dotWriter stands before the socket and turns the FORMERR for such a query into NXDOMAIN, so that the search goes on.
type dotWriter struct {
	dns.Writer
	counts *series
	report bool
}

// Write implements [dns.Writer].
func (w *dotWriter) Write(reply []byte) (int, error) {
	if len(reply) != 12 || reply[3]&0xF != dns.RcodeFormatError || !takeDot() {
		return w.Writer.Write(reply)
	}
	w.counts.fixes[fixDot].Inc()
	if w.report {
		return w.Writer.Write(reply)
	}
	denial := bytes.Clone(reply)
	denial[3] = denial[3]&^0xF | dns.RcodeNameError
	return w.Writer.Write(denial)
}

// errNoDecorator is for a CoreDNS whose configuration has no place for a writer of ours.
var errNoDecorator = errors.New(`property "dot" needs CoreDNS 1.14.5 or later; everything else works without it`)

// decorator is the type of Config.UDPDecorateWriterFunc.
type decorator = func(*dnsserver.Server) dns.DecorateWriter

// decorateWriter puts a dotWriter before the UDP sockets of a server block, outside of the writer that another plugin
// (shed) has put there. The field is looked for at run time, as this package compiles with older versions too.
func decorateWriter(config any, report bool) error {
	field := reflect.ValueOf(config).Elem().FieldByName("UDPDecorateWriterFunc")
	if !field.IsValid() || field.Type() != reflect.TypeFor[decorator]() {
		return errNoDecorator
	}
	inner, _ := field.Interface().(decorator)
	watchDots()
	field.Set(reflect.ValueOf(func(s *dnsserver.Server) dns.DecorateWriter {
		decorate := func(w dns.Writer) dns.Writer { return w }
		if inner != nil {
			decorate = inner(s)
		}
		counts := holdSeries(seriesKey{server: s.Addr}) // a view takes a question, which there is none of
		return func(w dns.Writer) dns.Writer {
			return &dotWriter{Writer: decorate(w), counts: counts, report: report}
		}
	}))
	return nil
}
