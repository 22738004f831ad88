package capture

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestIPv6 has a server that is reached over IPv6, and lookups that end over TCP.
func TestIPv6(t *testing.T) {
	lab.Require(t)
	libcs := lab.Libcs(t)
	libc := libcs[slices.IndexFunc(libcs, func(l lab.Libc) bool { return l.Name == "musl 1.2.5" })]
	upstream.Start(t, "[::1]:53", script)
	p := place{libc, lab.NewJail(t, "nameserver ::1\n"), netip.IPv6Loopback(), "v6"}
	cells := p.cells("t", "data.data.TAG.plain.test", "data.nxdomain.TAG.plain.test", "tcempty.data.TAG.plain.test", "data-n40.data-n40.TAG.plain.test",
		"nodata.nodata.TAG.plain.test", "nxdomain.nxdomain.TAG.plain.test", "data-n60.tcempty-xclose.TAG.plain.test")
	r := record(t)
	lab.AtOnce(1, cells, func(c *cell) { c.got, c.err = c.libc.Look("0", c.name, c.jail.Start) })
	report := analyse(t, r.stop(t), "::1")
	compare(t, cells, report)
	resolvers(t, cells, report)
}
