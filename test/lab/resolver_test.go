package lab_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestResolver looks names up at a scripted server: as many packets go out as musl sends, and a lookup takes as long as
// musl waits.
func TestResolver(t *testing.T) {
	server := upstream.Start(t, "127.0.0.1:0", &upstream.Script{Zones: []upstream.Zone{
		{Name: "d1.test.", Net: 1, Scripted: true}, {Name: "d2.test.", Net: 2},
	}})
	const interval = 500 * time.Millisecond
	conf := stub.Config{Search: []string{"d1.test", "d2.test"}, Ndots: 5, Timeout: 2 * interval, Attempts: 2}
	for _, tc := range []struct {
		name    string
		err     stub.Errno
		packets int
		least   time.Duration
	}{
		{"data.data", stub.OK, 2, 0},
		{"nxdomain.nxdomain", stub.OK, 4, 0}, // in the second domain
		{"data-d100.nodata", stub.OK, 2, 100 * time.Millisecond},
		{"data-f1servfail.data", stub.OK, 3, 0},
		{"data.data-f1silence", stub.OK, 3, interval},
		{"silence.data", stub.Again, 3, 2 * interval},
		{"data.refused", stub.Again, 3, 2 * interval},
		{"tcempty.data", stub.Again, 2, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			r := lab.NewResolver(conf, server.Addr(), netip.MustParseAddr("127.0.0.7"), 1)
			result, took := r.Lookup(tc.name)
			if result.Err != tc.err || r.Packets != tc.packets || took < tc.least {
				t.Errorf("%s = %v by %d packets after %v; want %v by %d after %v", tc.name, result.Err, r.Packets, took, tc.err, tc.packets, tc.least)
			}
		})
	}
}
