package muslsafe

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
)

// TestWholeAnswer has an upstream that cuts its answers over UDP.
func TestWholeAnswer(t *testing.T) {
	const ms = time.Millisecond
	tests := []struct {
		about    string
		overUDP  int // addresses that are left over UDP
		alias    bool
		overTCP  step
		client   *test.ResponseWriter
		edns     bool
		report   bool
		want     int
		wantCut  bool
		askedTCP int64 // the sibling included, which is cut as well
		after    time.Duration
	}{
		{about: "nothing over UDP", overTCP: step{outcome: data}, want: 3, askedTCP: 1},
		{about: "some over UDP", overUDP: 1, overTCP: step{outcome: data}, want: 3, askedTCP: 1},
		{about: "TCP fails, nothing over UDP", overTCP: step{outcome: failure}, wantCut: true, askedTCP: 1},
		{about: "TCP fails, some over UDP", overUDP: 1, overTCP: step{outcome: failure}, want: 1, wantCut: true, askedTCP: 1},
		{about: "TCP is silent, some over UDP", overUDP: 1, want: 1, wantCut: true, askedTCP: 1, after: 1000 * ms},
		{about: "TCP is silent, nothing over UDP", wantCut: true, askedTCP: 2, after: silence},
		{about: "TCP is slow, some over UDP", overUDP: 1, overTCP: step{outcome: data, delay: 1500 * ms}, want: 1, wantCut: true, askedTCP: 1, after: 1000 * ms},
		{about: "TCP is slow, nothing over UDP", overTCP: step{outcome: data, delay: 1500 * ms}, want: 3, askedTCP: 2, after: 1500 * ms},
		{about: "TCP is slow, an alias over UDP", alias: true, overTCP: step{outcome: data, delay: 1500 * ms}, want: 3, askedTCP: 2, after: 1500 * ms},
		{about: "TCP is slow, an alias and some over UDP", overUDP: 1, alias: true, overTCP: step{outcome: data, delay: 1500 * ms}, want: 2, wantCut: true, askedTCP: 1, after: 1000 * ms},
		{about: "client with EDNS", overUDP: 1, overTCP: step{outcome: data}, edns: true, want: 1, wantCut: true},
		{about: "client over TCP", overUDP: 1, overTCP: step{outcome: data}, client: &test.ResponseWriter{TCP: true}, want: 3, askedTCP: 1},
		{about: "report", overUDP: 1, overTCP: step{outcome: data}, report: true, want: 1, wantCut: true},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			inVirtualTime(t, func(t *testing.T) {
				var askedTCP atomic.Int64
				p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
					state := request.Request{W: w, Req: r}
					if state.IP() != "10.240.0.1" {
						t.Errorf("asked on behalf of %s; want the client", state.IP())
					}
					m := bigAnswer(r.Question[0].Name, r.Question[0].Qtype, 0, 0, 3)
					if state.Proto() == "udp" {
						m.Answer, m.Truncated = m.Answer[:tc.overUDP], true
						if tc.alias {
							m.Answer = slices.Insert(m.Answer, 0, dns.RR(test.CNAME(plainName+" 60 IN CNAME lb.example.net.")))
						}
						return dns.RcodeSuccess, w.WriteMsg(m)
					}
					askedTCP.Add(1)
					time.Sleep(tc.overTCP.delay)
					switch tc.overTCP.outcome {
					case unknown:
						time.Sleep(silence)
						fallthrough
					case failure:
						return dns.RcodeServerFailure, errors.New("connection refused")
					}
					return dns.RcodeSuccess, w.WriteMsg(m)
				}), reporting(tc.report))
				if tc.client == nil {
					tc.client = &test.ResponseWriter{}
				}
				r := query(plainName, dns.TypeA)
				if tc.edns {
					r.SetEdns0(1232, false)
				}
				began := time.Now()
				m := serve(t, p, tc.client, r)
				if m == nil || len(m.Answer) != tc.want || m.Truncated != tc.wantCut {
					t.Errorf("reply = %v; want %d records, TC %v", m, tc.want, tc.wantCut)
				}
				if after := time.Since(began); after != tc.after {
					t.Errorf("the answer took %v; want %v", after, tc.after)
				}
				if n := askedTCP.Load(); n != tc.askedTCP {
					t.Errorf("asked over TCP %d times; want %d", n, tc.askedTCP)
				}
			})
		})
	}
}
