package muslsafe

import (
	"bytes"
	"os"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

// searchFile returns the search list of a resolv.conf(5). A domain there that cannot be part of a host name
// is left out, as nothing found below it could be looked up; the root ("search .") appends nothing.
func searchFile(file string) ([]names.Domain, error) {
	text, err := os.ReadFile(file) // a directory is an error here, and an empty list to dns.ClientConfigFromFile
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
			log.Warningf("%s: search domain %q is left out: %v", file, token, err)
		}
	}
	return search, nil
}
