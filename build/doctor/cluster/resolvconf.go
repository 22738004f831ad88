package cluster

import (
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// resolvConf returns what the kubelet writes for the pods of a group, as far as it is known: the search domains of the
// nodes only after a probe, and for pods with the DNS of the node nothing but what they add to it.
func (e *examination) resolvConf(g PodGroup) string {
	var servers, search, options []string
	if g.effective() == clusterFirst {
		c := e.clusterDomain()
		servers = append(servers, e.dns.Addresses[:min(1, len(e.dns.Addresses))]...)
		search = append(search, ownNamespace+".svc."+c, "svc."+c, c)
		options = append(options, "ndots:5")
	}
	if g.effective() != ownConfig {
		search = append(search, nodeSearch(e.views)...)
	}
	for _, domain := range g.Searches {
		if !slices.Contains(search, domain) {
			search = append(search, domain)
		}
	}
	for _, server := range g.Nameservers {
		if !slices.Contains(servers, server) {
			servers = append(servers, server)
		}
	}
	for _, o := range g.Options {
		name, _, _ := strings.Cut(o, ":")
		options = slices.DeleteFunc(options, func(old string) bool { return old == name || strings.HasPrefix(old, name+":") })
		options = append(options, o) // each is written once
	}
	text := ""
	if len(search) > 0 {
		text += "search " + strings.ReplaceAll(strings.Join(search, " "), ownNamespace, g.Namespace) + "\n"
	}
	for _, server := range servers {
		text += "nameserver " + server + "\n"
	}
	if len(options) > 0 {
		text += "options " + strings.Join(options, " ") + "\n"
	}
	return text
}

// read returns what a libc makes of a resolv.conf.
func read(m *stub.Model, text string) stub.Config {
	c, err := m.ParseResolvConf(strings.NewReader(text))
	if err != nil {
		return stub.Config{} // a text does not fail to be read
	}
	return c
}

// musl and glibc return the newest model of each.
func musl() *stub.Model {
	models := stub.Models()
	return models[len(models)-2]
}

func glibc() *stub.Model {
	models := stub.Models()
	return models[len(models)-1]
}

// sets reports whether the dnsConfig of a group has an option.
func (g PodGroup) sets(name string) bool {
	return slices.ContainsFunc(g.Options, func(o string) bool { return strings.HasPrefix(o, name+":") })
}
