package capture

import (
	"slices"
	"testing"
)

// pairOf is a lookup with one pair.
func pairOf(first, second, port, otherPort uint16) *lookup {
	return &lookup{steps: []*step{{halves: []half{
		{qtype: 1, id: first, tries: []try{{port: port}}}, {qtype: 28, id: second, tries: []try{{port: otherPort}}},
	}}}}
}

// many returns n pairs whose IDs are apart by what distance says.
func many(n int, distance func(i int) uint16) (all []*lookup) {
	for i := range n {
		first := uint16(i * 7919)
		all = append(all, pairOf(first, first+distance(i), 1, 1))
	}
	return all
}

// TestResolver has the traffic of one client a row.
func TestResolver(t *testing.T) {
	lots := func(i int) uint16 { return uint16(i*40503 + 5000) }
	clock := func(i int) uint16 { return uint16(300 + i%97) }
	quick := func(i int) uint16 { return uint16(90 + i%50) }
	plain := style{rd: true}
	edns := style{rd: true, edns: true, size: 1232}
	sockets := []*lookup{pairOf(1, 9000, 1, 2), pairOf(5, 30000, 3, 4), pairOf(7, 20000, 5, 6)}
	kept := many(6, lots)
	for i := range kept {
		kept[i].steps = append(kept[i].steps, &step{}, &step{})
	}
	for _, tc := range []struct {
		about   string
		style   style
		lookups []*lookup
		wrong   [5]int64
		names   []string
	}{
		{"a pair by the clock", plain, many(1, clock), [5]int64{}, []string{"musl"}},
		{"many pairs by the clock", plain, many(50, clock), [5]int64{}, []string{"musl"}},
		{"pairs with equal upper octets", plain, many(50, quick), [5]int64{}, []string{"musl 1.1.13 to 1.2.3"}},
		{"a pair by lot", plain, many(1, lots), [5]int64{}, []string{"glibc"}},
		{"many pairs by lot", plain, many(50, lots), [5]int64{}, []string{"glibc"}},
		{"half by lot", plain, append(many(10, lots), many(10, clock)...), [5]int64{}, []string{"several programs, on musl and on others"}},
		{"nothing but single questions", plain, nil, [5]int64{}, []string{"musl or glibc"}},
		{"asks as musl 1.2.3 would", plain, many(10, clock), [5]int64{4, 0, 3, 3, 9}, []string{"musl 1.2.1 to 1.2.3"}},
		{"asks as musl 1.2.0 would", plain, many(10, clock), [5]int64{0, 4, 4, 4, 9}, []string{"musl 1.1.13 to 1.2.0"}},
		{"asks as musl from 1.2.4 would", plain, many(10, clock), [5]int64{4, 3, 0, 0, 9}, []string{"musl from 1.2.4"}},
		{"steps from one socket", plain, kept, [5]int64{}, []string{"c-ares"}},
		{"two sockets and EDNS", edns, sockets, [5]int64{}, []string{"Go"}},
		{"one socket and EDNS", edns, many(9, lots), [5]int64{}, []string{"c-ares"}},
		{"EDNS of glibc", style{rd: true, edns: true, size: 1200}, many(9, lots), [5]int64{}, []string{"glibc"}},
		{"DNSSEC", style{rd: true, edns: true, size: 4096, do: true}, many(9, lots), [5]int64{}, []string{"a forwarder or a tool"}},
		{"letters by lot", style{rd: true, mixed: true}, many(9, lots), [5]int64{}, []string{"a forwarder or a tool"}},
		{"another size", style{rd: true, edns: true, size: 512}, many(9, lots), [5]int64{}, []string{"another resolver, or a tool"}},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var e evidence
			for _, l := range tc.lookups {
				e.add(l)
			}
			e.wrong = tc.wrong
			r := e.resolver(tc.style)
			if !slices.Contains(tc.names, r.Name) || r.Sure < 0 || r.Sure > 1 {
				t.Errorf("resolver %q, %.2f, %q; want %q", r.Name, r.Sure, r.Why, tc.names)
			}
		})
	}
}

// TestSureness has more of the same, which makes it surer.
func TestSureness(t *testing.T) {
	last := 0.0
	for _, n := range []int{1, 2, 5, 20} {
		var e evidence
		for _, l := range many(n, func(i int) uint16 { return uint16(700 + i) }) {
			e.add(l)
		}
		r := e.resolver(style{rd: true})
		if r.Sure < last || r.Sure < 0.8 {
			t.Errorf("%d pairs: sure %.3f; want at least %.3f", n, r.Sure, max(last, 0.8))
		}
		last = r.Sure
	}
}
