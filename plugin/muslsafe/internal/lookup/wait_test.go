package lookup

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestFollow has a client that waits for a lookup of another client.
func TestFollow(t *testing.T) {
	const slowly = 100 * time.Millisecond
	for about, edit := range map[string]func(*dns.Msg){"as it is": asItIs, "EDNS": withEDNS} {
		inVirtualTime(t, about, func(t *testing.T) {
			a := newAsker(&slow{delay: slowly})
			r := sample.Query(wwwName, dns.TypeA)
			edit(r)
			one, other := newClient(t.Context(), a, r), newClient(t.Context(), a, sample.Query(otherName, dns.TypeA))
			defer other.Close()
			l := one.Ask(wwwName, dns.TypeAAAA)
			one.Close() // it need not wait itself
			other.Follow(l)
			began := time.Now()
			other.Wait(time.Hour)
			if !l.Landed() || time.Since(began) != slowly {
				t.Errorf("woken after %s, landed %v; want to be woken when it lands", time.Since(began), l.Landed())
			}
			other.Follow(l) // which changes nothing
			other.WaitFor(l)
			if other.Wait(slowly); time.Since(began) != 2*slowly {
				t.Errorf("woken after %s by a lookup that had landed before", time.Since(began))
			}
		})
	}
}

// TestLateLanding has a lookup land when its client is gone, and the next client waits with what that one has left.
func TestLateLanding(t *testing.T) {
	inVirtualTime(t, "after its client", func(t *testing.T) {
		a := newAsker(&scripted{steps: []step{{200 * time.Millisecond, data}}})
		gone := newClient(t.Context(), a, sample.Query(wwwName, dns.TypeA))
		late := gone.Ask(otherName, dns.TypeA)
		gone.Close()
		time.Sleep(100 * time.Millisecond)

		c := newClient(t.Context(), a, sample.Query(wwwName, dns.TypeA))
		defer c.Close()
		c.waiter = gone.waiter
		began := time.Now()
		c.Begin(time.Now(), never, nil)
		l := c.Own()
		if c.IsFirst(late) || c.Claim() || !l.Landed() || time.Since(began) != 200*time.Millisecond {
			t.Errorf("waited %s, landed %v; want to wait for the own answer", time.Since(began), l.Landed())
		}
	})
}

// TestRoom has as many lookups under way as there may be: others of our own count as failed, and are not sent.
func TestRoom(t *testing.T) {
	inVirtualTime(t, "full", func(t *testing.T) {
		next := &slow{delay: 100 * time.Millisecond}
		a := newAsker(next)
		a.Max = 2
		c := newClient(t.Context(), a, sample.Query(wwwName, dns.TypeA))
		defer c.Close()
		if a.IsOverloaded() {
			t.Error("overloaded without a lookup")
		}
		one := c.Ask("one.example.com.", dns.TypeA)
		if !a.IsOverloaded() {
			t.Error("not overloaded with half of the lookups")
		}
		two := c.Ask("two.example.com.", dns.TypeA)
		none := c.Ask("three.example.com.", dns.TypeA)
		if none != Unavailable() || !none.Landed() || none.Half().Outcome != verdict.Failed || raised(none) != nil {
			t.Errorf("without room: %s, landed %v; want a failure at once", none.Half().Outcome, none.Landed())
		}
		if again := c.Ask("one.example.com.", dns.TypeA); again != one {
			t.Error("a lookup is not joined when there is no room")
		}
		c.Begin(time.Now(), never, nil)
		over := make(chan bool)
		go func() { c.Claim(); close(over) }()
		synctest.Wait()
		if n := next.n.Load(); n != 3 || a.Size() != 3 {
			t.Errorf("asked %d times, %d under way; want two of ours and the client's own", n, a.Size())
		}
		<-over
		c.WaitFor(one)
		c.WaitFor(two)
		three := c.Ask("three.example.com.", dns.TypeA)
		if c.WaitFor(three); three.Half().Outcome != verdict.Data || a.Size() != 0 {
			t.Errorf("with room again: %s, %d under way", three.Half().Outcome, a.Size())
		}
	})
}
