// Package chain puts muslsafe in its place in the plugin chain of a CoreDNS.
package chain

import (
	"fmt"
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
)

const name = "muslsafe"

// landmarks are the plugins of which muslsafe stands directly before the first: inside of log, prometheus, dnstap and dns64,
// which must see the final answer, and outside of rewrite, cache, template, kubernetes and forward, whose answers it
// judges. It stands before acl, so that acl guards what muslsafe asks on behalf of a client: the other half of a pair goes
// to the next plugin. In CoreDNS 1.13, acl is the first of them and tsig comes after it; later it is rewrite, after tsig.
var landmarks = []string{"acl", "rewrite", "cache"}

// Install adds muslsafe to the directives of CoreDNS. It must be called before a server is started. It is an
// error if this CoreDNS does not know a plugin that muslsafe stands before.
func Install() error {
	directives, err := place(dnsserver.Directives)
	if err != nil {
		return err
	}
	dnsserver.Directives = directives
	return nil
}

// place returns a copy of directives with muslsafe in it, and directives itself if a plugin.cfg put it there.
func place(directives []string) ([]string, error) {
	if slices.Contains(directives, name) {
		return directives, nil
	}
	at := len(directives)
	for _, landmark := range landmarks {
		i := slices.Index(directives, landmark)
		if i < 0 {
			return nil, fmt.Errorf("cannot place plugin %s: it stands before %q, and this CoreDNS has no such plugin",
				name, landmark)
		}
		at = min(at, i)
	}
	return slices.Insert(slices.Clone(directives), at, name), nil
}
