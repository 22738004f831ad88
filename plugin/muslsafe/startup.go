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

// settled is how long after its start a server is asked something by itself: one that is reloaded many times in a row is not.
const settled = time.Second

// starts counts the calls of whenStarted, as a hook of caddy must have a name of its own.
var starts atomic.Int64

// startup is what is to be done when a server has started. It lets go of that when it is done or the server stops: caddy keeps
// hooks for ever, and a plugin that can be reached keeps the connections of forward.
type startup struct {
	mu    sync.Mutex
	do    func()
	timer *time.Timer
}

// whenStarted has f called soon after all plugins have started, unless they are stopped before: those that have not started
// yet, or have stopped, may not be asked anything.
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

// addrOf returns the address of the server of a server block, as metrics have it.
func addrOf(b *dnsserver.Config) string {
	host := ""
	if len(b.ListenHosts) > 0 {
		host = b.ListenHosts[0]
	}
	return b.Transport + "://" + net.JoinHostPort(host, b.Port)
}

// zonesOf returns the zones of all server blocks in the Corefile. CoreDNS has no list of them, and makes a block where it is
// asked for one that is not there, which does no harm once the servers are made.
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
