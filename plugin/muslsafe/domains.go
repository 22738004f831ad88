package muslsafe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

func parseDomains(args []string) ([]domain, error) {
	domains := make([]domain, 0, len(args))
	for _, arg := range args {
		d, err := parseDomain(arg)
		if err != nil {
			return nil, fmt.Errorf("invalid domain %q: %w", arg, err)
		}
		if slices.Contains(domains, d) {
			return nil, fmt.Errorf("domain %q is given twice; expect it once", arg)
		}
		domains = append(domains, d)
	}
	return domains, nil
}

// maxDomain is the longest text that leaves room for a label of one octet before it and the root after it
// (RFC 1035, section 3.1: 255 octets on the wire).
const maxDomain = 251

// parseDomain reads a domain name with or without its trailing dot, in either case.
func parseDomain(token string) (domain, error) {
	name := strings.TrimSuffix(token, ".")
	if name == "" {
		return "", errors.New("expect a domain name below the root")
	}
	if len(name) > maxDomain {
		return "", fmt.Errorf("expect at most %d characters", maxDomain)
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 {
			return "", errors.New("expect labels of 1 to 63 characters")
		}
		if i := strings.IndexFunc(label, notHostname); i >= 0 {
			return "", errors.New("expect letters, digits, hyphens and underscores (internationalized names as A-labels, xn--...)")
		}
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return "", errors.New("expect a name, not an address") // no top-level domain is a number (RFC 3696, section 2)
	}
	return domain(dns.Fqdn(lower(name))), nil
}

func notHostname(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// searchFile returns the search list of a resolv.conf(5). A domain there that cannot be part of a host name
// is left out, as nothing found below it could be looked up; the root ("search .") appends nothing.
func searchFile(file string) ([]domain, error) {
	text, err := os.ReadFile(file) // a directory is an error here, and an empty list to dns.ClientConfigFromFile
	if err != nil {
		return nil, err
	}
	resolv, err := dns.ClientConfigFromReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if len(text) > 0 && len(resolv.Search) == 0 {
		log.Infof("%s has no search list, so no search domains of the nodes are known", file)
	}
	search := []domain{}
	for _, token := range resolv.Search {
		d, err := parseDomain(token)
		if err != nil {
			if token != "." {
				log.Warningf("%s: search domain %q is left out: %v", file, token, err)
			}
			continue
		}
		search = append(search, d)
	}
	return search, nil
}
