package muslsafe

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/pkg/dnstest"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

const room = 64 // flights in these tests

// TestCrowd has as many clients wait for a silent upstream as may be judged, with more to ask for each of them than there is
// room for. Meanwhile others get what they would get without muslsafe, but for leaks, which need nothing; none is told what is
// wrong; and afterwards all is as before.
func TestCrowd(t *testing.T) {
	for _, edns := range []bool{false, true} {
		t.Run(fmt.Sprintf("EDNS %v", edns), func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				u := &upstream{script: map[string]step{plainName + " A": {outcome: data}, plainName + " AAAA": {outcome: nxdomain}}}
				p := testPlugin(u)
				p.inAir.max = room
				var clients sync.WaitGroup
				var mu sync.Mutex
				replies := map[outcome]int{}
				for i := range room / 2 {
					label := fmt.Sprintf("db%d.", i)
					name, next := label+"corp.example.org.", label+"example.org."
					for _, key := range []string{name + " A", name + " AAAA", next + " AAAA", label + " A", label + " AAAA"} {
						u.change(key, step{outcome: unknown})
					}
					u.change(next+" A", step{outcome: data, delay: 100 * time.Millisecond})
					r := query(name, dns.TypeA)
					if edns {
						r.SetEdns0(1232, false)
					}
					clients.Go(func() {
						m, _, _ := exchange(t, p, r)
						mu.Lock()
						defer mu.Unlock()
						replies[outcomeOf(m, dns.TypeA)]++
					})
				}
				time.Sleep(lateAfter / 2)
				counter := queriesTotal.WithLabelValues("", "", "crowded")
				before := testutil.ToFloat64(counter)
				if got := lookup(t, p, plainName); got[0].outcome != data || got[1].outcome != nxdomain {
					t.Errorf("in the crowd: %s, %s; want what comes from upstream", got[0].outcome, got[1].outcome)
				}
				if n := testutil.ToFloat64(counter) - before; n != 2 {
					t.Errorf("%v queries count as crowded; want 2", n)
				}
				if m, _, _ := exchange(t, p, query(leaked, dns.TypeA)); outcomeOf(m, dns.TypeA) != nxdomain {
					t.Errorf("leak in the crowd: %v; want NXDOMAIN", m)
				}
				time.Sleep(lateAfter/2 + time.Millisecond) // all that the verdicts need has been asked for
				if n := p.inAir.size.Load(); n != room {
					t.Errorf("%d flights; want %d", n, room)
				}
				clients.Wait()
				// To some the address ahead is known, so that they may search on; to the others nothing is.
				if n := len(replies); n != 2 || replies[nxdomain] == 0 || replies[failure] == 0 {
					t.Errorf("replies = %v; want denials where an address is ahead, and failures", replies)
				}
				time.Sleep(2 * maxFlight)
				p.inAir.mu.Lock()
				if n, shared := p.inAir.size.Load(), len(p.inAir.m); n != 0 || shared != 0 {
					t.Errorf("%d flights, %d of them shared, when all is over; want none", n, shared)
				}
				p.inAir.mu.Unlock()
				if got := lookup(t, p, plainName); got[0].outcome != data || got[1].outcome != nodata {
					t.Errorf("afterwards: %s, %s; want data, nodata", got[0].outcome, got[1].outcome)
				}
			})
		})
	}
}

// TestKeptFailuresCount has clients whose queries all fail at once: the failures take room for as long as they are kept.
func TestKeptFailuresCount(t *testing.T) {
	inVirtualTime(t, func(t *testing.T) {
		u := &upstream{script: map[string]step{}}
		p := testPlugin(u)
		p.inAir.max = room
		for i := range 2 * room {
			u.change(fmt.Sprintf("www%d.example.com. A", i), step{outcome: failure})
			u.change(fmt.Sprintf("www%d.example.com. AAAA", i), step{outcome: failure})
			if m, rcode, _ := exchange(t, p, query(fmt.Sprintf("www%d.example.com.", i), dns.TypeA)); m != nil || rcode != dns.RcodeServerFailure {
				t.Fatalf("reply = %v, return code %d; want the failure", m, rcode)
			}
			if n := p.inAir.size.Load(); n > room/2 {
				t.Fatalf("%d flights and failures; want at most %d", n, room/2)
			}
		}
		if !p.inAir.isCrowded() {
			t.Error("failures that are kept take no room")
		}
		time.Sleep(keepFailure + time.Millisecond)
		if n := p.inAir.size.Load(); n != 0 {
			t.Errorf("%d flights and failures after %v; want none", n, keepFailure)
		}
	})
}

// TestNoRoomForProof has the last room taken by others just when a query of a client is in the air: what its verdict needs
// fails, and the client gets what is right without it.
func TestNoRoomForProof(t *testing.T) {
	tests := []struct {
		about   string
		p       *Muslsafe
		name    string
		qtype   uint16
		answer  outcome
		isCut   bool
		want    outcome
		wantCut bool
	}{
		{about: "sibling of a denied AAAA", p: testPlugin(nil), name: plainName, qtype: dns.TypeAAAA, answer: nxdomain, want: nodata},
		{about: "sibling of a denied A", p: testPlugin(nil), name: plainName, qtype: dns.TypeA, answer: nxdomain, want: nxdomain},
		{about: "sibling of a failure", p: testPlugin(nil), name: plainName, qtype: dns.TypeAAAA, answer: failure, want: failure},
		{about: "sibling of a step without an address", p: testPlugin(nil), name: nodeName, qtype: dns.TypeA, answer: nodata, want: nodata},
		{about: "whole of a cut answer", p: testPlugin(nil), name: plainName, qtype: dns.TypeA, answer: data, isCut: true, want: data, wantCut: true},
		{about: "random name of a wildcard", p: testPlugin(nil, with(fixWildcard)), name: "www.example.net.corp.example.org.", qtype: dns.TypeA, answer: data, want: data},
		{about: "search", p: completing(nil), name: firstName, qtype: dns.TypeA, answer: nxdomain, want: nxdomain},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				tc.p = newMuslsafe(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					tc.p.inAir.size.Add(maxFlights)
					if tc.answer == failure {
						return dns.RcodeServerFailure, nil
					}
					m := answer(r, tc.answer)
					m.Truncated = tc.isCut
					return dns.RcodeSuccess, w.WriteMsg(m)
				}), tc.p.cfg)
				m, _, _ := exchange(t, tc.p, query(tc.name, tc.qtype))
				if got := outcomeOf(m, tc.qtype); got != tc.want || m != nil && m.Truncated != tc.wantCut {
					t.Errorf("%s: %v; want %s", got, m, tc.want)
				}
			})
		})
	}
}

// TestNoRoomForA has AAAA follow from A, for which there is no room any more: as nothing is written, the server must be told
// to answer.
func TestNoRoomForA(t *testing.T) {
	p := testPlugin(answers(data, data), with(fixIPv4only))
	p.inAir.max = 0
	rec := dnstest.NewMultiRecorder(&test.ResponseWriter{})
	rcode, err := p.servePair(t.Context(), rec, query(plainName, dns.TypeAAAA), plainName, time.Time{}, seriesOf(t.Context()))
	if len(rec.Msgs) != 0 || rcode != dns.RcodeServerFailure || err == nil {
		t.Errorf("%d messages, %s, %v; want SERVFAIL for the server to write, and why", len(rec.Msgs), dns.RcodeToString[rcode], err)
	}
}
