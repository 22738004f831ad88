package server

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// scripted starts an upstream at 127.0.0.2 whose answers for A and AAAA are the first two labels of a name: below
// plain.test, and below d1.test, a search domain of the nodes that d2.test, with addresses for all names, comes
// after.
func scripted(t *testing.T) *upstream.Server {
	t.Helper()
	lab.Require(t)
	return upstream.Start(t, "127.0.0.2:53", &upstream.Script{Zones: []upstream.Zone{
		{Name: "plain.test.", Net: 1, Scripted: true},
		{Name: "d1.test.", Net: 1, Scripted: true},
		{Name: "d2.test.", Net: 2},
	}})
}

const inFront = `. {
	bind 127.0.0.1
	prometheus 127.0.0.1:9153
	pprof 127.0.0.1:6053
	muslsafe {
		search d1.test d2.test
	}
	%s
	forward . 127.0.0.2
}`

// TestCaches has the fixes with each way of caching, on the first answer and on hits.
func TestCaches(t *testing.T) {
	for _, cache := range []string{
		"",
		"cache 30",
		"cache 30 {\n servfail 0\n }",
		"cache 30 {\n serve_stale 1h verify\n }",
		"cache 30 {\n serve_stale 1h immediate\n prefetch 1 1m 90%\n }",
	} {
		t.Run(cache, func(t *testing.T) {
			scripted(t)
			start(t, fmt.Sprintf(inFront, cache))
			for range 3 {
				lab.Ask(t, `
					data.nxdomain.plain.test.     AAAA  NOERROR  [pair]
					nodata.nxdomain.plain.test.   AAAA  NXDOMAIN
					data.servfail.plain.test.     A     NOERROR  198.18.4.1
					data.servfail.plain.test.     AAAA  NOERROR  [failure]
					data.refused.plain.test.      A     NOERROR  198.18.4.1
					data.refused.plain.test.      AAAA  NOERROR  [failure]
					nxdomain.servfail.plain.test. AAAA  NXDOMAIN [failure]
					nodata.nodata.x.d1.test.      A     NXDOMAIN [search]
					nodata.nxdomain.x.d1.test.    A     NXDOMAIN [search]
					servfail.servfail.x.d1.test.  AAAA  SERVFAIL
					data.nodata.x.d1.test.        AAAA  NOERROR
					servfail.servfail.plain.test. A     SERVFAIL
				`)
			}
		})
	}
}

// TestUpstreamQueries counts what a lookup costs upstream: cold, each half and at the most one sub-query each; warm,
// nothing.
func TestUpstreamQueries(t *testing.T) {
	up := scripted(t)
	start(t, fmt.Sprintf(inFront, "cache 30"))
	for _, tc := range []struct {
		name       string
		cold, warm int
	}{
		{"data.data.%s.plain.test.", 2, 0},
		{"data.nxdomain.%s.plain.test.", 4, 0},
		{"nxdomain.nxdomain.%s.plain.test.", 4, 0},
		{"data.servfail.%s.plain.test.", 4, 0},
		{"nodata.nodata.%s.d1.test.", 10, 2}, // d2.test and the name itself too, for each half
		// The two halves, d2.test and the name itself in both types; each at the most once for each half.
		{"servfail.servfail.%s.d1.test.", 12, 0},
		// A half that is slow and needs nothing costs nothing.
		{"data-d300.data-d300.%s.plain.test.", 2, 0},
	} {
		for i, limit := range []int{tc.cold, tc.warm} {
			label := "t" + strings.Map(letters, tc.name)
			before := len(up.Queries(label))
			if _, _, err := lab.Pair(fmt.Sprintf(tc.name, label)); err != nil {
				t.Fatalf("%s: %v", tc.name, err)
			}
			if got := len(up.Queries(label)) - before; got > limit {
				t.Errorf("%s, lookup %d: %d queries upstream; want at most %d", tc.name, i+1, got, limit)
			}
		}
	}
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r
	}
	return -1
}

// TestThousandLookups has an upstream that drops all AAAA, and a thousand clients at once, several times over: each
// gets its address and its NODATA in time, and afterwards the server has no more goroutines, and holds no more memory
// than after the first time.
func TestThousandLookups(t *testing.T) {
	scripted(t)
	lab.CoreDNS(t, fmt.Sprintf(inFront, "cache 30"), nil)
	const clients, rounds = 1000, 4
	idle := lab.Goroutines(t, "127.0.0.1")
	var live []int // kB
	for range rounds {
		var wg sync.WaitGroup
		for i := range clients {
			wg.Go(func() {
				// All are under way at the same time, but do not overrun the socket of the server by arriving in one burst.
				time.Sleep(time.Duration(i) * 800 * time.Microsecond)
				name := fmt.Sprintf("data.silence.c%d.plain.test.", i)
				answers, took, err := lab.Pair(name)
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if len(answers[0].Answer) != 1 || answers[1].Rcode != dns.RcodeSuccess || took > 2*time.Second {
					t.Errorf("%s: %v after %v; want the address and NODATA within 1.5 s", name, answers, took)
				}
			})
		}
		wg.Wait()
		for deadline := time.Now().Add(20 * time.Second); lab.Goroutines(t, "127.0.0.1") > idle+20; time.Sleep(200 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d goroutines 20 s after the last client; %d when idle", lab.Goroutines(t, "127.0.0.1"), idle)
			}
		}
		live = append(live, lab.LiveHeap(t, "127.0.0.1"))
	}
	t.Logf("live after each round: %d kB", live)
	if first, last := live[0], live[rounds-1]; last > first+first/2 {
		t.Errorf("live after each round: %d kB; want it flat", live)
	}
}
