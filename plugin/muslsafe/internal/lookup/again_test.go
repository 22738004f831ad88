package lookup

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

const (
	failed   = verdict.Failed
	data     = verdict.Data
	nxdomain = verdict.Nxdomain
)

// landing is how a lookup ends.
type landing struct {
	outcome verdict.Outcome
	after   time.Duration
	asked   int
}

// TestAskingAgain has a question that is answered late, or fails, the first time or the second. Each row holds for the
// client's own query and for one of ours.
func TestAskingAgain(t *testing.T) {
	const silence = 4 * time.Second
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	tests := []struct {
		about string
		steps []step
		want  landing
		once  landing // what becomes of it where nothing is asked again
	}{
		{"an answer", []step{{0, data}}, landing{data, 0, 1}, landing{data, 0, 1}},
		{"a denial", []step{{0, nxdomain}}, landing{nxdomain, 0, 1}, landing{nxdomain, 0, 1}},
		{"just before the second query", []step{{Hedge - 1, data}}, landing{data, Hedge - 1, 1}, landing{data, Hedge - 1, 1}},
		{"fails once", []step{{0, failed}, {0, data}}, landing{data, 0, 2}, landing{failed, 0, 1}},
		{"fails once, slowly", []step{{ms(300), failed}, {ms(50), data}}, landing{data, ms(350), 2}, landing{failed, ms(300), 1}},
		{"fails twice", []step{{0, failed}}, landing{failed, 0, 2}, landing{failed, 0, 1}},
		{"fails, then is silent", []step{{ms(400), failed}, {ms(500), data}}, landing{data, ms(900), 2}, landing{failed, ms(400), 1}},
		{"silent once", []step{{silence, failed}, {0, data}}, landing{data, Hedge, 2}, landing{failed, silence, 1}},
		{"silent once, then slow", []step{{silence, failed}, {ms(300), data}}, landing{data, ms(800), 2}, landing{failed, silence, 1}},
		{"the first answer is first", []step{{ms(600), data}, {ms(400), nxdomain}}, landing{data, ms(600), 2}, landing{data, ms(600), 1}},
		{"the second answer is first", []step{{ms(900), data}, {ms(100), nxdomain}}, landing{nxdomain, ms(600), 2}, landing{data, ms(900), 1}},
		{"the first fails while the second is open", []step{{ms(600), failed}, {ms(300), data}}, landing{data, ms(800), 2}, landing{failed, ms(600), 1}},
		{"the first fails just before a second is over", []step{{2*Hedge - 1, failed}, {ms(700), data}}, landing{data, ms(1200), 2}, landing{failed, 2*Hedge - 1, 1}},
		{"the first fails late, and nobody waits longer", []step{{2 * Hedge, failed}, {ms(700), data}}, landing{failed, 2 * Hedge, 2}, landing{failed, 2 * Hedge, 1}},
		{"the second fails while the first is open", []step{{ms(900), data}, {ms(100), failed}}, landing{data, ms(900), 2}, landing{data, ms(900), 1}},
		{"the second fails, the first is very slow", []step{{silence, data}, {ms(100), failed}}, landing{data, silence, 2}, landing{data, silence, 1}},
		{"both fail", []step{{ms(900), failed}, {ms(100), failed}}, landing{failed, ms(900), 2}, landing{failed, ms(900), 1}},
		{"both fail, the second later", []step{{ms(600), failed}, {ms(300), failed}}, landing{failed, ms(800), 2}, landing{failed, ms(600), 1}},
	}
	for _, tc := range tests {
		inVirtualTime(t, tc.about, func(t *testing.T) {
			for _, askAgain := range []bool{true, false} {
				want := tc.once
				if askAgain {
					want = tc.want
				}
				checkLanding(t, askAgain, "own", tc.steps, want, (*Client).askAndWait)
				checkLanding(t, askAgain, "ours", tc.steps, want, func(c *Client) { c.WaitFor(c.Ask(otherName, dns.TypeA)) })
			}
		})
	}
}

// askAndWait asks what the client asks as the plugin does.
func (c *Client) askAndWait() {
	c.Begin(time.Now(), never, nil)
	l := c.Own()
	c.Claim()
	c.WaitFor(l)
}

// checkLanding asks, and checks that the lookup lands once, with its answer.
func checkLanding(t *testing.T, askAgain bool, about string, steps []step, want landing, ask func(*Client)) {
	t.Helper()
	next := &scripted{steps: steps}
	a := newAsker(next)
	a.AskAgain = askAgain
	var landed []landing
	began := time.Now()
	a.OnAnswer = func(l *Lookup, x *Exchange) {
		if l.Landed() || l.Best() != x {
			t.Errorf("%s: OnAnswer is not called with the answer, before anybody else can know it", about)
		}
		landed = append(landed, landing{x.Half.Outcome, time.Since(began), next.times()})
	}
	c := newClient(t.Context(), a, sample.Query(wwwName, dns.TypeA))
	ask(c)
	c.Close()
	took := time.Since(began)
	time.Sleep(2 * Patience) // what is still open ends
	if !slices.Equal(landed, []landing{want}) || took != want.after || a.Size() != 0 {
		t.Errorf("%s, asked again %v: landed %v, waited for %s, %d left; want %v once", about, askAgain, landed, took, a.Size(), want)
	}
}

// TestFailureAsTheSecondQueryIsSent has the first query fail just when the second one is sent: its answer is waited for.
func TestFailureAsTheSecondQueryIsSent(t *testing.T) {
	inVirtualTime(t, "at the same time", func(t *testing.T) {
		for round := range 3000 {
			next := &scripted{steps: []step{{Hedge, failed}, {0, data}}}
			c := newClient(t.Context(), newAsker(next), sample.Query(wwwName, dns.TypeA))
			l := c.Ask(otherName, dns.TypeA)
			c.WaitFor(l)
			if o := l.Half().Outcome; o != verdict.Data || next.times() != 2 {
				t.Errorf("round %d: %s after %d queries; want data after two", round, o, next.times())
				break
			}
			c.Close()
		}
	})
}

// TestSecondQueryIsPristine has a plugin that changes its query in place, as rewrite does: the second query is as the first
// one was, whether that fails or is silent.
func TestSecondQueryIsPristine(t *testing.T) {
	for _, after := range []time.Duration{0, 2 * Hedge} {
		inVirtualTime(t, after.String(), func(t *testing.T) {
			var mu sync.Mutex
			var got []string
			a := newAsker(test.HandlerFunc(func(_ context.Context, _ dns.ResponseWriter, r *dns.Msg) (int, error) {
				mu.Lock()
				got = append(got, r.String())
				mu.Unlock()
				spoil(r)
				time.Sleep(after)
				return dns.RcodeServerFailure, nil
			}))
			r := sample.Query(wwwName, dns.TypeA)
			r.CheckingDisabled = true
			r.SetEdns0(1232, true)
			r.IsEdns0().Option = []dns.EDNS0{&dns.EDNS0_LOCAL{Code: 65001, Data: []byte("muslsafe")}}
			want := r.String()
			if m, rcode, _ := askOwn(t.Context(), a, r); m != nil || rcode != dns.RcodeServerFailure {
				t.Errorf("the client gets %v, %d; want the failure", m, rcode)
			}
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, []string{want, want}) {
				t.Errorf("asked:\n%q\nwant twice:\n%q", got, want)
			}
			if r.String() != want {
				t.Errorf("the query of the client has become\n%s", r)
			}
		})
	}
}

// spoil changes all that a plugin may change in a query.
func spoil(r *dns.Msg) {
	r.Question[0] = dns.Question{Name: "rewritten.example.org.", Qtype: dns.TypeMX, Qclass: dns.ClassCHAOS}
	opt := r.IsEdns0()
	opt.Option[0].(*dns.EDNS0_LOCAL).Data[0] = 'X'
	opt.SetUDPSize(512)
	opt.SetDo(false)
	opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "24a5ac1223344556"})
	r.Extra = append(r.Extra, test.A("extra.example.org. 60 IN A 192.0.2.1"))
	r.MsgHdr = dns.MsgHdr{Id: r.Id + 1}
}
