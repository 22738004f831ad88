package stub_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// trace writes the steps of a lookup, one packet to a line.
func trace(r stub.Result) string {
	var b strings.Builder
	for _, s := range r.Steps {
		fmt.Fprintf(&b, "%s %v-%v %v %v\n", s.Name, s.Start, s.End, s.Outcome, s.Err)
		for _, p := range s.Packets {
			fmt.Fprintf(&b, "  %v %v %s #%d: %v", p.Query.At, p.Query.Transport, dns.TypeToString[p.Query.Type], p.Query.Attempt, p.Verdict)
			if p.Reply.Fate == stub.Answered {
				fmt.Fprintf(&b, " at %v", p.Arrives())
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// stepsCase is a lookup with a model, and its trace.
type stepsCase struct{ model, name, want string }

func checkSteps(t *testing.T, tests []stepsCase) {
	t.Helper()
	for _, tc := range tests {
		got := trace(lookup(t, model(t, tc.model), twoDomains, stub.Both, tc.name))
		if got != tc.want[1:] {
			t.Errorf("%s: %s =\n%s; want%s", tc.model, tc.name, got, tc.want)
		}
	}
}

func TestStepsOfMusl(t *testing.T) {
	checkSteps(t, []stepsCase{
		{"musl-1.2.5", "nxdomain.nxdomain-d10", `
nxdomain.nxdomain-d10.d1.test. 0s-10ms next OK
  0s udp A #1: accepted at 0s
  0s udp AAAA #1: accepted at 10ms
nxdomain.nxdomain-d10.d2.test. 10ms-10ms found OK
  10ms udp A #1: accepted at 10ms
  10ms udp AAAA #1: accepted at 10ms
`},
		{"musl-1.2.3", "data.servfail-d10", `
data.servfail-d10.d1.test. 0s-5s stop EAI_AGAIN
  0s udp A #1: accepted at 0s
  0s udp AAAA #1: resent at 10ms
  10ms udp AAAA #2: resent at 20ms
  20ms udp AAAA #3: resent at 30ms
  30ms udp AAAA #4: resent at 40ms
  40ms udp AAAA #5: ignored at 50ms
  2.5s udp AAAA #6: resent at 2.51s
  2.51s udp AAAA #7: resent at 2.52s
  2.52s udp AAAA #8: resent at 2.53s
  2.53s udp AAAA #9: resent at 2.54s
  2.54s udp AAAA #10: ignored at 2.55s
`},
		{"musl-1.2.5", "data-d3000.tcempty", `
data-d3000.tcempty.d1.test. 0s-3s found OK
  0s udp A #1: accepted at 3s
  0s udp AAAA #1: to tcp at 0s
  0s tcp AAAA #2: accepted at 0s
  2.5s udp A #2: unheard at 5.5s
`},
		{"musl-1.2.5", "tcempty-d5-xclose.data", `
tcempty-d5-xclose.data.d1.test. 0s-10ms stop EAI_AGAIN
  0s udp A #1: to tcp at 5ms
  0s udp AAAA #1: accepted at 0s
  5ms tcp A #2: broken
`},
	})
}

func TestStepsOfGlibc(t *testing.T) {
	checkSteps(t, []stepsCase{
		{"glibc-2.36", "data.silence-f2silence", `
data.silence-f2silence.d1.test. 0s-15s found OK
  0s udp A #1: accepted at 0s
  0s udp AAAA #1: unheard
  5s udp A #2: accepted at 5s
  5s udp AAAA #2: unheard
  10s udp A #3: accepted at 10s
  10s udp AAAA #3: unheard
`},
		{"glibc-2.36", "servfail.data", `
servfail.data.d1.test. 0s-0s found OK
  0s udp A #1: failed at 0s
  0s udp AAAA #1: accepted at 0s
`},
		{"glibc-2.36", "cnameonly.cnameonly", `
cnameonly.cnameonly.d1.test. 0s-0s stop EAI_NONAME
  0s udp A #1: accepted at 0s
  0s udp AAAA #1: accepted at 0s
`},
	})
}
