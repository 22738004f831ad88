package muslsafe

import (
	"bytes"
	"os"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// searchFile returns the search list of a resolv.conf(5). A domain that cannot be part of a host name is ignored, because
// no host below it can be looked up. So is the root ("search ."), which appends nothing.
func searchFile(file string) ([]names.Domain, error) {
	text, err := os.ReadFile(file) // fails for a directory; dns.ClientConfigFromFile returns an empty list
	if err != nil {
		return nil, err
	}
	resolv, err := dns.ClientConfigFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	search := []names.Domain{}
	for _, token := range resolv.Search {
		switch d, err := names.ParseDomain(token); {
		case err == nil:
			search = append(search, d)
		case token != ".":
			log.Warningf("%s: search domain %q is ignored: %v", file, token, err)
		}
	}
	return search, nil
}
