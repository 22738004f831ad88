package observe

import (
	"fmt"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestClients looks up names with the real libraries and reads what they count as.
func TestClients(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, "nameserver 127.0.0.1\n")
	lab.CoreDNS(t, upstream, nil)
	const lookups = 40
	for _, libc := range lab.Libcs(t) {
		t.Run(libc.Name, func(t *testing.T) {
			lab.CoreDNS(t, fmt.Sprintf(watched, ""), nil)
			for i := range lookups {
				libc.Lookup(t, fmt.Sprintf("www%d.example.org", i))
			}
			got := lab.Counters(t, "127.0.0.1", "coredns_muslsafe_pairs_total", "libc")
			t.Logf("%v", got)
			if got["musl"]+got["other"] != lookups {
				t.Errorf("%v; want %d pairs", got, lookups)
			}
			own := "other"
			if libc.Musl() {
				own = "musl"
			}
			// An accident of glibc is one in 32; a musl that is interrupted between the two is as rare.
			if got[own] < lookups*3/4 {
				t.Errorf("%v; want nearly all %s", got, own)
			}
		})
	}
}
