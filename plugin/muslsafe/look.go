package muslsafe

import (
	"context"
	"net"
	"slices"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/stranger"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// look asks for a stranger below a search domain. If that fails, it is repeated soon.
func (c *core) look(q *query, zone string) {
	defer q.Close()
	pair := c.visit(q, zone)
	for _, l := range pair {
		for !l.Landed() && l.Age() < stranger.DeadAfter {
			q.Wait(stranger.DeadAfter - l.Age())
		}
	}
	if slices.Contains(stranger.OutcomesNow(pair), verdict.Failed) {
		c.watches[zone].MarkDead()
	}
}

// lookAtDomains checks all search domains of the nodes when the server at addr starts, before a client meets a dead one.
func (c *core) lookAtDomains(addr string) {
	if !c.cfg.fixes[verdict.Search] || c.cfg.report {
		return
	}
	ctx := context.WithValue(context.Background(), dnsserver.Key{}, &dnsserver.Server{Addr: addr})
	counts := seriesOf(ctx)
	for zone, w := range c.watches {
		if c.cfg.covers(zone) && w.IsDue() {
			q := &query{core: c, began: time.Now()}
			q.set(ctx, counts, nobody{}, new(dns.Msg).SetQuestion(zone, dns.TypeA))
			q.IsLocal = true
			go c.look(q, zone)
		}
	}
}

// nobody is the client on whose behalf the server asks when it starts.
type nobody struct{ dns.ResponseWriter }

// LocalAddr implements [dns.ResponseWriter].
func (nobody) LocalAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// RemoteAddr implements [dns.ResponseWriter].
func (nobody) RemoteAddr() net.Addr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)} }
