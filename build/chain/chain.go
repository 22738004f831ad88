// Package chain puts muslsafe in its place in the plugin chain of a CoreDNS.
package chain

import (
	"fmt"
	"slices"

	"github.com/coredns/coredns/core/dnsserver"
)

const (
	name = "muslsafe"

	// landmark is the plugin that muslsafe stands directly before: inside of log, prometheus, dnstap, dns64 and
	// tsig, which must see the final answer, and outside of rewrite, acl, cache, template, kubernetes and
	// forward, whose answers it judges.
	landmark = "rewrite"
)

// Install adds muslsafe to the directives of CoreDNS. It must be called before a server is started. It is an
// error if this CoreDNS does not know the plugin that muslsafe stands before.
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
	i := slices.Index(directives, landmark)
	if i < 0 {
		return nil, fmt.Errorf("cannot place plugin %s: it stands directly before %q, and this CoreDNS has no such plugin",
			name, landmark)
	}
	return slices.Insert(slices.Clone(directives), i, name), nil
}
