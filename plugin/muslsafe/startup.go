package muslsafe

import (
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// settled is how long a server must run before muslsafe asks it something on its own. A server that is reloaded many times
// in a row is not asked.
const settled = time.Second

// starts counts the calls of whenStarted, because each hook of caddy needs a unique name.
var starts atomic.Int64

// startup is something to do once a server has started. It drops the function when it is done or the server stops: caddy
// keeps hooks forever, and a plugin that is still reachable keeps the connections of forward.
type startup struct {
	mu    sync.Mutex
	do    func()
	timer *time.Timer
}

// whenStarted has f called soon after all plugins have started, unless they are stopped before: a plugin that has not
// started, or has stopped, must not be asked anything.
func whenStarted(c *caddy.Controller, f func()) {
	s := &startup{do: f}
	c.OnShutdown(s.stop)
	caddy.RegisterEventHook(fmt.Sprint(pluginName, starts.Add(1)), func(event caddy.EventName, _ any) error {
		if event == caddy.InstanceStartupEvent {
			s.start()
		}
		return nil
	})
}

func (s *startup) start() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.do != nil && s.timer == nil {
		s.timer = time.AfterFunc(settled, s.run)
	}
}

func (s *startup) run() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.do != nil {
		s.do()
	}
	s.do = nil
}

func (s *startup) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.do = nil; s.timer != nil {
		s.timer.Stop()
	}
	return nil
}

// addrOf returns the address of the server of a server block, as metrics write it.
func addrOf(b *dnsserver.Config) string {
	host := ""
	if len(b.ListenHosts) > 0 {
		host = b.ListenHosts[0]
	}
	return b.Transport + "://" + net.JoinHostPort(host, b.Port)
}

// zonesOf returns the zones of all server blocks in the Corefile. CoreDNS has no list of them. It creates a block when asked
// for one that does not exist, which does no harm once the servers are made.
func zonesOf(c *caddy.Controller) (zones []names.Domain) {
	at := *c
	for at.ServerBlockIndex = 0; ; at.ServerBlockIndex++ {
		for at.ServerBlockKeyIndex = 0; ; at.ServerBlockKeyIndex++ {
			zone := dnsserver.GetConfig(&at).Zone
			if zone == "" {
				break
			}
			zones = append(zones, names.Domain(zone))
		}
		if at.ServerBlockKeyIndex == 0 {
			return zones
		}
	}
}
