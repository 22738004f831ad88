package muslsafe

import (
	"fmt"
	"strings"

	"github.com/coredns/caddy"
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	clog "github.com/coredns/coredns/plugin/pkg/log"
)

const pluginName = "muslsafe"

var log = clog.NewWithPlugin(pluginName)

func init() { plugin.Register(pluginName, setup) }

func setup(c *caddy.Controller) error {
	cfg, err := parse(c)
	if err != nil {
		return plugin.Error(pluginName, err)
	}

	if cfg.enabled[fixDot] {
		if err := decorateWriter(dnsserver.GetConfig(c), cfg.report); err != nil {
			return plugin.Error(pluginName, err)
		}
	}

	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		return newMuslsafe(next, cfg)
	})

	c.OnStartup(func() error {
		zones := strings.Join(c.ServerBlockKeys, ", ")
		if cfg.enabled[fixComplete] && dnsserver.GetConfig(c).Handler("autopath") != nil {
			return plugin.Error(pluginName, fmt.Errorf(`server block %s: "complete" and the autopath plugin both do the whole search at its first query; expect one of them`, zones))
		}
		log.Infof("%s: %s", zones, cfg)
		if cfg.judges() && dnsserver.GetConfig(c).Handler("cache") == nil {
			log.Warningf("%s: no cache in this server block, so a lookup of musl may cost up to four queries upstream in place of two", zones)
		}
		return nil
	})
	return nil
}
