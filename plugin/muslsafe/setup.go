package muslsafe

import (
	"fmt"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/dot"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

const pluginName = "muslsafe"

var log = clog.NewWithPlugin(pluginName)

func init() { plugin.Register(pluginName, setup) }

func setup(c *caddy.Controller) error {
	cfg, err := parse(c)
	if err != nil {
		return plugin.Error(pluginName, err)
	}

	if cfg.fixes[verdict.Dot] {
		if err := dot.Decorate(dnsserver.GetConfig(c), cfg.denyDots); err != nil {
			return plugin.Error(pluginName, err)
		}
	}

	var p *Muslsafe
	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		p = newMuslsafe(next, cfg)
		return p
	})

	c.OnStartup(func() error {
		zones := strings.Join(c.ServerBlockKeys, ", ")
		if cfg.fixes[verdict.Complete] && dnsserver.GetConfig(c).Handler("autopath") != nil {
			return plugin.Error(pluginName, fmt.Errorf(`server block %s: "complete" and the autopath plugin both answer the whole search at its first query; expect only one of them`, zones))
		}
		log.Infof("%s: %s", zones, cfg)
		p.zones = zonesOf(c)
		b := dnsserver.GetConfig(c)
		if p.isPerClient = b.ViewName != "" || b.Handler("acl") != nil; !p.isPerClient {
			whenStarted(c, func() { p.lookAtDomains(addrOf(b)) })
		}
		if cfg.fixes.LookAtAnswers() && dnsserver.GetConfig(c).Handler("cache") == nil {
			log.Warningf("%s: no cache in this server block, so a lookup of musl may cost up to four queries upstream instead of two", zones)
		}
		return nil
	})
	return nil
}

// denyDots returns the function that counts the malformed queries of "search ." at the server at addr. It has them denied
// unless the configuration says report.
func (cfg *config) denyDots(addr string) dot.Decide {
	counts := holdSeries(seriesKey{server: addr}) // without a view, which depends on the question: there is none
	return func() bool {
		counts.fixes[verdict.Dot].Inc()
		return !cfg.report
	}
}
