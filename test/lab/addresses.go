package lab

import (
	"hash/fnv"
	"net/netip"
	"strings"
)

// AddressesOf returns the addresses that an upstream gives to a name. They are derived from the name, so that the answer to
// another question is recognized as wrong.
func AddressesOf(name string) (v4, v6 netip.Addr) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.ToLower(name))) // a hash never fails
	sum := h.Sum32()
	b := [4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}
	v4 = netip.AddrFrom4([4]byte{198, 18 | b[0]&1, b[2], b[3]}) // RFC 2544, for benchmarks
	v6 = netip.AddrFrom16([16]byte{0: 0x20, 1: 0x01, 2: 0x0d, 3: 0xb8, 12: b[0], 13: b[1], 14: b[2], 15: b[3]})
	return v4, v6
}
