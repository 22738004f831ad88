package lookup

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestAnswerAtOnce has a function that answers the client, if it may, and says for how long it is waited for.
func TestAnswerAtOnce(t *testing.T) {
	tests := []struct {
		about  string
		after  time.Duration // the answer is there
		may    bool
		called bool
		want   bool // the function has answered the client
		waited time.Duration
	}{
		{"at once", 0, true, true, true, 0},
		{"at once, and needs more", 0, false, true, false, 0},
		{"just in time", Hedge - 1, true, true, true, Hedge - 1},
		{"too late", Hedge + 1, true, false, false, Hedge},
	}
	for _, tc := range tests {
		inVirtualTime(t, tc.about, func(t *testing.T) {
			a := newAsker(&scripted{steps: []step{{tc.after, data}}})
			c := newClient(t.Context(), a, sample.Query(wwwName, dns.TypeA))
			defer c.Close()
			called, began := 0, time.Now()
			c.Begin(time.Now(), func(x *Exchange) bool {
				called++
				if x.Half.Outcome != verdict.Data || !isOnStack() {
					t.Errorf("called with %s, in the goroutine that got it: %v", x.Half.Outcome, isOnStack())
				}
				if m, rcode, err := x.Take(c.Context); m == nil || m.Id != c.Query.Id || rcode != dns.RcodeSuccess || err != nil {
					t.Errorf("TakeFirst = %v, %d, %v", m, rcode, err)
				}
				return tc.may
			}, nil)
			l := c.Own()
			got, waited := c.Claim(), time.Since(began)
			if got != tc.want || waited != tc.waited {
				t.Errorf("Claim = %v after %s; want %v after %s", got, waited, tc.want, tc.waited)
			}
			c.WaitFor(l)
			if called > 1 || called == 1 != tc.called {
				t.Errorf("called %d times; want %v", called, tc.called)
			}
		})
	}
}

// isOnStack reports whether this runs on a stack that is kept.
func isOnStack() bool {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, ".newStack.func1") {
			return true
		}
		if !more {
			return false
		}
	}
}

// TestJoinedClientAnswersItself has a client send its query twice: the second one is not answered by the function of the
// first, and its own is not called.
func TestJoinedClientAnswersItself(t *testing.T) {
	inVirtualTime(t, "repeated", func(t *testing.T) {
		a := newAsker(&scripted{steps: []step{{100 * time.Millisecond, data}}})
		first := newClient(t.Context(), a, sample.Query(wwwName, dns.TypeA))
		defer first.Close()
		second := newClient(t.Context(), a, sample.Query(wwwName, dns.TypeA))
		defer second.Close()
		called := 0
		first.Begin(time.Now(), func(*Exchange) bool { called++; return true }, nil)
		l := first.Own()
		isAnswered := make(chan bool, 1)
		go func() { isAnswered <- first.Claim() }()
		second.Begin(time.Now(), func(*Exchange) bool { t.Error("the function of the second client is called"); return true }, nil)
		if second.Own() != l {
			t.Error("the second query did not join the first")
		}
		if second.Claim() {
			t.Error("the second client was answered")
		}
		if m, _, _ := second.Take(l); m == nil || m.Id != second.Query.Id {
			t.Errorf("the second client gets %v; want the answer to its query", m)
		}
		if !<-isAnswered || called != 1 {
			t.Errorf("the first client was answered %d times", called)
		}
	})
}

// TestOneOfTwoAnswers has the answer come just when the client has waited long enough: either of the two goroutines
// answers it, and not both. The race detector sees to it that they do so one after the other.
func TestOneOfTwoAnswers(t *testing.T) {
	const rounds = 3000
	inVirtualTime(t, "at the same time", func(t *testing.T) {
		a := newAsker(&scripted{steps: []step{{Hedge, data}}})
		byWorker := 0
		for i := range rounds {
			c := newClient(t.Context(), a, sample.Query(fmt.Sprintf("www%d.example.com.", i), dns.TypeA))
			var written []string // without a lock
			c.Begin(time.Now(), func(*Exchange) bool {
				written = append(written, "worker")
				return true
			}, nil)
			l := c.Own()
			if c.Claim() {
				byWorker++
			} else {
				written = append(written, "client")
			}
			c.WaitFor(l)
			if len(written) != 1 {
				t.Errorf("round %d: answered by %q", i, written)
				break
			}
			c.Close()
		}
		t.Logf("%d of %d were answered by the goroutine that got the answer", byWorker, rounds)
	})
}

// raised returns what l panics with, in the goroutine of a client.
func raised(l *Lookup) (cause any) {
	defer func() { cause = recover() }()
	l.Raise()
	return nil
}

// TestPanics has a panic of a plugin, and one of the function that answers, in the goroutine that belongs to nobody. They are
// raised in that of the client, and the question is not asked again for that.
func TestPanics(t *testing.T) {
	for _, tc := range []struct {
		about  string
		step   step
		answer func(*Exchange) bool
	}{
		{"a plugin", step{0, verdict.Unknown}, never},
		{"a plugin, late", step{2 * Hedge, verdict.Unknown}, never},
		{"a plugin, and a failure may pass", step{0, verdict.Unknown}, func(*Exchange) bool { return true }},
		{"the function that answers", step{0, data}, func(*Exchange) bool { panic("scripted") }},
	} {
		inVirtualTime(t, tc.about, func(t *testing.T) {
			next := &scripted{steps: []step{tc.step}}
			c := newClient(t.Context(), newAsker(next), sample.Query(wwwName, dns.TypeA))
			defer c.Close()
			c.Begin(time.Now(), tc.answer, nil)
			l := c.Own()
			if c.Claim() {
				t.Error("the client was answered, and nobody knows of the panic")
			}
			c.WaitFor(l)
			if cause := fmt.Sprint(raised(l)); !strings.HasPrefix(cause, "scripted") {
				t.Errorf("raised %.40q; want the panic", cause)
			}
			want := 1
			if tc.step.after > Hedge {
				want = 2 // it was silent
			}
			if l.Half().Outcome != verdict.Failed || next.times() != want {
				t.Errorf("%s after %d queries; want a failure after %d", l.Half().Outcome, next.times(), want)
			}
		})
	}
	inVirtualTime(t, "a query of our own", func(t *testing.T) {
		next := &scripted{steps: []step{{0, verdict.Unknown}}}
		c := newClient(t.Context(), newAsker(next), sample.Query(wwwName, dns.TypeA))
		defer c.Close()
		l := c.Ask(wwwName, dns.TypeAAAA)
		c.WaitFor(l)
		if l.Half().Outcome != verdict.Failed || next.times() != 1 {
			t.Errorf("%s after %d queries; want a failure after one", l.Half().Outcome, next.times())
		}
	})
}
