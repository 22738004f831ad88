package lint

import (
	"os"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// Node reads the resolv.conf of a node.
func Node(file string) (Options, error) {
	f, err := os.Open(file)
	if err != nil {
		return Options{}, err
	}
	defer f.Close()
	models := stub.Models()
	conf, err := models[len(models)-1].ParseResolvConf(f) // glibc has the fewest limits
	if err != nil {
		return Options{}, err
	}
	var o Options
	for _, server := range conf.Servers {
		o.Servers = append(o.Servers, server.String())
	}
	for _, domain := range conf.Search {
		if strings.Trim(domain, ".") != "" {
			o.Search = append(o.Search, domain)
		}
	}
	return o, nil
}

// resolve returns the servers behind an argument of forward. What stands in a file is known for the resolv.conf of
// the nodes if the caller gave it, and for other files if they are here.
func (c *config) resolve(to string) []string {
	if to == "/etc/resolv.conf" {
		return c.servers
	}
	if strings.Contains(to, "/") && !strings.Contains(to, "://") {
		o, _ := Node(to) // most are only where CoreDNS runs
		return o.Servers
	}
	return []string{to}
}
