package lint

import (
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/parse"
)

// keys are keys of server blocks, right and wrong.
var keys = []string{
	".", ".:53", ".:1053", ":53", "", ":", "example.org", "Example.ORG.:5353", "example.org:", "example.org:dns", "dns://example.org",
	"tls://.:853", "quic://.", "grpc://example.org:443", "https://example.org", "https3://example.org:8443", "unix://example.org",
	"ftp://example.org", "dns://", "dns://tls://example.org", "a..b", ".example.org", `a\.b.example.org:53`, "example.org:+53", "example.org:-1",
	"192.0.2.0/24", "192.0.2.0/24:53", "10.0.0.0/15", "10.0.0.0/9:53", "0.0.0.0/0", "10.0.0.0/33", "10.0.0.1", "10.1/16",
	"2001:db8::/32", "2001:db8::/33:53", "2001:db8::/31", "::/0", "::1/128", "0::/0", "0:1::/32", "::ffff:192.0.2.0/120", "fe80::%1/64", "2001:db8::1",
}

// TestSplitKey compares splitKey with the functions of CoreDNS that it stands for.
func TestSplitKey(t *testing.T) {
	for _, key := range keys {
		checkKey(t, key)
	}
}

func FuzzSplitKey(f *testing.F) {
	for _, key := range keys {
		f.Add(key)
	}
	f.Fuzz(checkKey)
}

func checkKey(t *testing.T, key string) {
	t.Helper()
	zones := plugin.Host(key).NormalizeExact()
	_, host := parse.Transport(key)
	_, wantPort, _ := plugin.SplitHostPort(host)
	if wantPort == "" {
		wantPort = "53"
	}
	zone, port, ok := splitKey(key)
	if ok != (len(zones) > 0) || ok && port != wantPort {
		t.Fatalf("splitKey(%q) = %q, %q, %v; want one of %q, %q", key, zone, port, ok, zones, wantPort)
	}
	isNetwork := ok && isReverse(zones[0]) && !slices.Equal(zones, []string{normal(zone)})
	if ok && !isNetwork && zone != zones[0] {
		t.Errorf("splitKey(%q) = %q; want %q", key, zone, zones[0])
	}
	if isNetwork && slices.ContainsFunc(zones, func(z string) bool { return !isBelow(z, zone) }) {
		t.Errorf("splitKey(%q) = %q; want the zone above %q", key, zone, zones)
	}
}
