package names

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ParseDomains reads domain names as [ParseDomain] does. Each may be given once.
func ParseDomains(tokens []string) ([]Domain, error) {
	domains := make([]Domain, 0, len(tokens))
	for _, token := range tokens {
		d, err := ParseDomain(token)
		if err != nil {
			return nil, fmt.Errorf("invalid domain %q: %w", token, err)
		}
		if slices.Contains(domains, d) {
			return nil, fmt.Errorf("domain %q is given twice; expect it once", token)
		}
		domains = append(domains, d)
	}
	return domains, nil
}

// maxDomain is the length of the longest domain in text that leaves room for a label of one octet before it and the root after
// it (RFC 1035, section 3.1: 255 octets on the wire).
const maxDomain = 251

// ParseDomain reads a domain name of host name characters, with or without a trailing dot, in upper or lower case.
func ParseDomain(token string) (Domain, error) {
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
		if strings.ContainsFunc(label, notHostname) {
			return "", errors.New("expect letters, digits, hyphens and underscores (internationalized names as A-labels, xn--...)")
		}
	}
	if last := name[strings.LastIndexByte(name, '.')+1:]; strings.Trim(last, "0123456789") == "" {
		return "", errors.New("expect a name, not an address") // no top-level domain is a number (RFC 3696, section 2)
	}
	return Domain(Lower(name) + "."), nil
}

func notHostname(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}
