package lint

import (
	"net/netip"
	"slices"
	"strings"
)

// learn collects the domains that pods append to names, from the options and from the Corefile itself.
func (c *config) learn(o Options) {
	c.servers = o.Servers
	c.cluster = []string{"cluster.local."}
	for _, d := range o.Search {
		c.search = append(c.search, normal(d))
	}
	for _, b := range c.blocks {
		for _, u := range b.all("kubernetes") {
			for _, zone := range u.args {
				if zone = normal(zone); !isReverse(zone) {
					c.cluster = append(c.cluster, zone)
				}
			}
		}
		for _, u := range b.all("muslsafe") {
			c.cluster = append(c.cluster, domains(u.values("cluster"))...)
			c.search = append(c.search, domains(u.values("search"))...)
		}
	}
}

// domains returns what is no file.
func domains(args []string) (all []string) {
	for _, arg := range args {
		if !strings.Contains(arg, "/") {
			all = append(all, normal(arg))
		}
	}
	return all
}

// all returns the uses of a plugin.
func (b *block) all(name string) (uses []use) {
	for _, u := range b.plugins {
		if u.name == name {
			uses = append(uses, u)
		}
	}
	return uses
}

// values returns the arguments of all properties of a name.
func (u use) values(name string) (args []string) {
	for _, p := range u.properties {
		if p.name == name {
			args = append(args, p.args...)
		}
	}
	return args
}

// has reports whether there is a property of that name.
func (u use) has(name string) bool {
	return slices.ContainsFunc(u.properties, func(p property) bool { return p.name == name })
}

// muslsafe returns the muslsafe of a block, nil if there is none.
func (b *block) muslsafe() *use {
	if all := b.all("muslsafe"); len(all) > 0 {
		return &all[0]
	}
	return nil
}

// receives returns a search suffix below which a block can be asked for names, "" if there is none. CoreDNS hands a
// name to the block whose zone matches best, so a block for a part of a suffix counts, and so does one for all of it.
func (c *config) receives(b *block) string {
	for _, zone := range b.zones {
		if isReverse(zone) {
			continue
		}
		for _, suffix := range slices.Concat(c.cluster, c.search) {
			if isBelow(suffix, zone) || isBelow(zone, suffix) {
				return suffix
			}
		}
	}
	return ""
}

// isLoopback reports whether a server of forward is this machine itself, and on which port.
func isLoopback(to string) (port string, ok bool) {
	to = strings.TrimPrefix(to, "dns://")
	if addr, err := netip.ParseAddr(strings.Trim(to, "[]")); err == nil {
		return "53", addr.IsLoopback()
	}
	server, err := netip.ParseAddrPort(to)
	if err != nil || !server.Addr().IsLoopback() {
		return "", false
	}
	return to[strings.LastIndexByte(to, ':')+1:], true
}
