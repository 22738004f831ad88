package capture

import (
	"bytes"
	"net/netip"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/packets"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// FuzzEvents feeds anything to the tracker and judges what comes out of it. At the end nothing may be left.
func FuzzEvents(f *testing.F) {
	for _, name := range []string{"data.nxdomain.x", "tcempty-xclose.tcsome.x", "servfail.data.x.plain.test."} {
		for _, m := range models[2:] {
			f.Add(script(sent(m, name, stub.Both, 0, 1000)))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a := &Analysis{options: Options{Ndots: -1, Keep: 3, Clients: []netip.Addr{testClient}}}
		a.tracker = newTracker(a.lookup, a.learn, a.search)
		a.engine = newEngine(&a.tracker.names)
		for n := 0; n < 300; n++ { // each costs five replays
			e, rest, ok := nextEvent(b)
			if !ok {
				break
			}
			a.tracker.event(&e)
			b = rest
		}
		a.tracker.flush(true)
		tr := a.tracker
		if tr.open != 0 || len(tr.keys) != 0 || len(tr.labels) != 0 || len(tr.streams) != 0 || tr.octets != 0 || tr.short.first != nil || tr.long.last != nil {
			t.Errorf("left: %d lookups, %d keys, %d labels, %d streams, %d octets; want nothing", tr.open, len(tr.keys), len(tr.labels), len(tr.streams), tr.octets)
		}
		a.reader = new(packets.Reader)
		if r := a.report(); r.Found+r.Absent+r.Broke+r.AtRisk != r.Lookups {
			t.Errorf("%d found, %d absent, %d broke, %d at risk; want %d together", r.Found, r.Absent, r.Broke, r.AtRisk, r.Lookups)
		}
	})
}

// script writes events as nextEvent reads them: kind and transport, ports, time, and the message.
func script(events []packets.Event) []byte {
	var b bytes.Buffer
	last := time.Duration(0)
	for _, e := range events {
		wait := min((e.At-last)/(20*time.Millisecond), 255)
		last = e.At
		b.Write([]byte{byte(e.Kind) | byte(e.Transport)<<4, byte(e.Client.Port()), byte(wait), byte(len(e.Message) >> 8), byte(len(e.Message))})
		b.Write(e.Message)
	}
	return b.Bytes()
}

// clock is when the next event of a script happens.
var clock time.Duration

func nextEvent(b []byte) (e packets.Event, rest []byte, ok bool) {
	if len(b) < 5 {
		return e, nil, false
	}
	size := min(int(b[3])<<8|int(b[4]), len(b)-5)
	clock += time.Duration(b[2]) * 20 * time.Millisecond
	e = packets.Event{
		At: clock, Kind: packets.Kind(b[0] & 15 % 6), Transport: stub.Transport(b[0] >> 4 & 1), Cut: b[0]&0x80 != 0,
		Client: netip.AddrPortFrom(testClient, uint16(b[1])), Server: testServer, Message: b[5 : 5+size],
	}
	return e, b[5+size:], true
}
