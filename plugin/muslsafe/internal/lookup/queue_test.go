package lookup

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// served is how a client was answered: where the answer came, or late; when, and when the plugin could return.
type served struct {
	by           string
	after, until time.Duration
}

// serveOwn sends the query of a client, and answers it late, unless the answer comes in time.
func serveOwn(ctx context.Context, a *Asker, w dns.ResponseWriter, name string) (s served, cause any) {
	defer func() { cause = recover() }()
	c := newClient(ctx, a, sample.Query(name, dns.TypeA))
	defer c.Close()
	c.Writer = w
	began := time.Now()
	answer := func(by string) {
		s.by, s.after = s.by+by, time.Since(began)
	}
	c.Begin(time.Now(), func(*Exchange) bool { answer("at once"); return true }, func() { answer("late") })
	if !c.Claim() {
		answer("by the caller")
	}
	s.until = time.Since(began)
	return s, nil
}

// TestAnsweredLate has clients of which each is answered when its own query has been silent for so long, however the plugin
// goes on. Where the next query waits until the plugin returns, that returns at once.
func TestAnsweredLate(t *testing.T) {
	const long = 2 * time.Second
	udp := &test.ResponseWriter{}
	for _, tc := range []struct {
		about string
		addr  string
		w     dns.ResponseWriter
		after time.Duration
		want  served
	}{
		{"UDP, at once", "dns://:53", udp, 0, served{"at once", 0, 0}},
		{"UDP, in time", "dns://:53", udp, Hedge - 1, served{"at once", Hedge - 1, Hedge - 1}},
		{"UDP, late", "dns://:53", udp, long, served{"late", Hedge, long}},
		{"TCP, in time", "dns://:53", overTCP{udp}, Hedge - 1, served{"at once", Hedge - 1, Hedge - 1}},
		{"TCP, late", "dns://:53", overTCP{udp}, long, served{"by the caller", Hedge, Hedge}},
		{"DNS over HTTP/3, late", "https3://:443", udp, long, served{"by the caller", Hedge, Hedge}},
		{"DNS over QUIC, late", "quic://:853", udp, long, served{"by the caller", Hedge, Hedge}},
	} {
		inVirtualTime(t, tc.about, func(t *testing.T) {
			a := newAsker(&scripted{steps: []step{{tc.after, data}}})
			ctx := context.WithValue(t.Context(), dnsserver.Key{}, &dnsserver.Server{Addr: tc.addr})
			if got, cause := serveOwn(ctx, a, tc.w, wwwName); got != tc.want || cause != nil {
				t.Errorf("%+v, panic %v; want %+v", got, cause, tc.want)
			}
		})
	}
}

// TestEachIsLateByItself has many lookups that begin at different times, of which some land in time.
func TestEachIsLateByItself(t *testing.T) {
	const n = 200
	inVirtualTime(t, "many", func(t *testing.T) {
		a := newAsker(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			var i time.Duration
			_, _ = fmt.Sscanf(r.Question[0].Name, "www%d.", &i)
			time.Sleep(i * 17 % n * 10 * time.Millisecond)
			return dns.RcodeSuccess, w.WriteMsg(sample.Answer(r, verdict.Data))
		}))
		for i := range time.Duration(n) {
			go func() {
				took := i * 17 % n * 10 * time.Millisecond
				want := served{"at once", took, took}
				if took > Hedge {
					want = served{"late", Hedge, took}
				} else if took == Hedge {
					return // either is right
				}
				if got, _ := serveOwn(t.Context(), a, &test.ResponseWriter{}, fmt.Sprintf("www%d.example.com.", i)); got != want {
					t.Errorf("%d: %+v; want %+v", i, got, want)
				}
			}()
			time.Sleep(3 * time.Millisecond)
		}
		time.Sleep(2 * Patience)
		synctest.Wait()
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.isWatching || a.queue.after != &a.queue.link {
			t.Error("somebody looks at a queue that is empty, or it is not")
		}
	})
}

// TestLatePanic has a panic in the goroutine that answers late. It is raised in that of the client.
func TestLatePanic(t *testing.T) {
	inVirtualTime(t, "late", func(t *testing.T) {
		c := newClient(t.Context(), newAsker(&scripted{steps: []step{{2 * Hedge, data}}}), sample.Query(wwwName, dns.TypeA))
		defer c.Close()
		defer func() {
			if cause := recover(); cause != "late" {
				t.Errorf("raised %v; want the panic", cause)
			}
		}()
		c.Begin(time.Now(), never, func() { panic("late") })
		c.Claim()
		t.Error("the client goes on after a panic")
	})
}

// TestOneOfTwoIsLate has the answer come just when it counts as late: the client is answered once.
func TestOneOfTwoIsLate(t *testing.T) {
	inVirtualTime(t, "at the same time", func(t *testing.T) {
		a := newAsker(&scripted{steps: []step{{Hedge, data}}})
		var by []string
		for i := range 3000 {
			s, _ := serveOwn(t.Context(), a, &test.ResponseWriter{}, fmt.Sprintf("www%d.example.com.", i))
			if by = append(by, s.by); s.after != Hedge || s.by != "at once" && s.by != "late" && s.by != "by the caller" {
				t.Fatalf("round %d: %+v", i, s)
			}
		}
		slices.Sort(by)
		t.Log(slices.Compact(by))
	})
}
