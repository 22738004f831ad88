package muslsafe

import (
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

	dnsserver.GetConfig(c).AddPlugin(func(next plugin.Handler) plugin.Handler {
		return &Muslsafe{Next: next, cfg: cfg}
	})

	if c.ServerBlockKeyIndex == 0 { // a block with several zones is set up once for each
		c.OnStartup(func() error {
			log.Infof("%s: %s", c.Key, cfg)
			return nil
		})
	}
	return nil
}
