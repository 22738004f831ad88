package lint

import (
	"net"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// The zones of IPv4 and IPv6 reverse names (RFC 1035, section 3.5; RFC 3596, section 2.5).
const (
	reverse4 = "in-addr.arpa."
	reverse6 = "ip6.arpa."
)

// transports may stand before the zone in the key of a server block (CoreDNS, parse.Transport).
var transports = []string{"dns://", "tls://", "quic://", "grpc://", "https://", "https3://", "unix://"}

// splitKey splits the key of a server block into its zone and its port, as plugin.SplitHostPort of CoreDNS does, without
// what that package depends on. A network counts as all reverse names of its family: no rule needs to know more.
func splitKey(key string) (zone, port string, ok bool) {
	for _, t := range transports {
		if rest, found := strings.CutPrefix(key, t); found {
			key = rest
			break
		}
	}
	zone, port = cutPort(key)
	if _, isName := dns.IsDomainName(zone); !isName || len(zone) > 255 || strings.HasSuffix(key, ":") {
		return "", "", false
	}
	_, _, err := net.ParseCIDR(zone)
	switch {
	case err != nil: // no network
		return normal(zone), port, true
	case !strings.Contains(zone, ":"):
		return reverse4, port, true
	}
	return reverse6, port, zone[0] != ':' && zone[0] != '0' // CoreDNS refuses networks that begin with zeros
}

// cutPort splits off a number after the last colon. Without one, the port is 53.
func cutPort(key string) (zone, port string) {
	if i := strings.LastIndexByte(key, ':'); i >= 0 {
		if n, err := strconv.Atoi(key[i+1:]); err == nil {
			return key[:i], strconv.Itoa(n)
		}
	}
	return key, "53"
}

// normal returns a name in lower case with a final dot.
func normal(name string) string { return strings.ToLower(dns.Fqdn(name)) }

func isReverse(zone string) bool { return isBelow(zone, reverse4) || isBelow(zone, reverse6) }

// isBelow reports whether a name is zone or below it.
func isBelow(name, zone string) bool { return name == zone || dns.IsSubDomain(zone, name) }
