// Package chain puts muslsafe in its place in the plugin chain of a CoreDNS.
package chain

import (
	"fmt"
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
)

const name = "muslsafe"

// landmarks are the plugins that muslsafe must precede; it goes directly before the first of them. So it comes after log,
// prometheus, dnstap and dns64, which must see the final answer, and before rewrite, cache, template, kubernetes and forward,
// whose answers it judges. It comes before acl, so that acl guards what muslsafe asks on behalf of a client: the other half of a
// pair goes to the next plugin. In CoreDNS 1.13, acl is the first of them and tsig comes after it; later, rewrite is, after tsig.
var landmarks = []string{"acl", "rewrite", "cache"}

// Install adds muslsafe to the directives of CoreDNS. Call it before a server is started. It fails if this CoreDNS does not know
// one of the plugins that muslsafe must precede.
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
			return nil, fmt.Errorf("cannot place plugin %s: it belongs before %q, which this CoreDNS does not have",
				name, landmark)
		}
		at = min(at, i)
	}
	return slices.Insert(slices.Clone(directives), at, name), nil
}
