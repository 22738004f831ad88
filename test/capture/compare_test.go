package capture

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/capture"
	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// compare holds each prediction against the libc.
func compare(t *testing.T, cells []*cell, report *capture.Report) {
	t.Helper()
	traces := byTag(report)
	equal, stalled := 0, 0
	for _, c := range cells {
		trace, ok := traces[c.tag]
		if diff := c.diff(trace); !ok {
			t.Errorf("%s: %s: not in the report", c.libc.Name, c.name)
		} else if diff != "" {
			t.Errorf("%s: %s = %v after %v; doctor predicts %s", c.libc.Name, c.name, c.got, c.got.Took, diff)
		} else {
			equal++
			if (c.got.Took-trace.Asked.Result.Elapsed).Abs() > slack && c.got.Err != lab.Hang {
				stalled++
			}
		}
	}
	t.Logf("%d of %d lookups as predicted, %d of them late as the machine was busy", equal, len(cells), stalled)
	if stalled > len(cells)/50 {
		t.Errorf("%d of %d lookups are later than predicted; want at most 2 %%", stalled, len(cells))
	}
}

// diff describes the prediction if it was wrong.
func (c *cell) diff(trace capture.Trace) string {
	if c.err != nil {
		return c.err.Error()
	}
	o := c.predicted(trace)
	if o == nil {
		return "nothing: the resolver is " + trace.Resolver.Name
	}
	r := o.Result
	want := fmt.Sprintf("%v %v after %v (%s)", r.Err, append(slices.Clone(r.V4), r.V6...), r.Elapsed, o.Model.Name)
	if o.Unknown != "" {
		return want + " unknown: " + o.Unknown
	}
	if c.got.Err != r.Err.String() {
		return want
	}
	if r.Err == stub.Hang {
		return ""
	}
	var addrs []string
	for _, addr := range append(slices.Clone(r.V4), r.V6...) {
		addrs = append(addrs, addr.String())
	}
	got := slices.Clone(c.got.Addrs)
	slices.Sort(addrs)
	slices.Sort(got)
	if !slices.Equal(addrs, got) || (c.got.Took-r.Elapsed).Abs() > slack && !c.stalled(trace) {
		return want
	}
	return ""
}

// predicted returns the outcome of the model that doctor takes for the libc. Where it names a range, as few lookups do not show
// the generation, that is the one of this libc, which must be in the range.
func (c *cell) predicted(trace capture.Trace) *capture.Outcome {
	if len(trace.Resolver.Range) < 2 {
		return trace.Asked
	}
	m, ok := stub.Find(strings.ReplaceAll(c.libc.Name, " ", "-"))
	if !ok || !slices.Contains(trace.Resolver.Range, m) {
		return nil
	}
	i := slices.IndexFunc(trace.Outcomes, func(o capture.Outcome) bool { return o.Model == m })
	return &trace.Outcomes[i]
}

// stalled reports whether the machine was late, and not the libc: so were the packets.
func (c *cell) stalled(trace capture.Trace) bool {
	return c.got.Took > trace.Asked.Result.Elapsed && (c.got.Took-trace.Took).Abs() < slack
}

// covered are the versions that a name may stand for.
var covered = map[string][]string{
	"glibc":      {"glibc"},
	"Go":         {"Go"},
	"c-ares":     {"c-ares"},
	"Node.js":    {"glibc"}, // dns.lookup is getaddrinfo
	"Python":     {"glibc"},
	"musl 1.2.2": {"musl 1.2.1 to 1.2.3"},
	"musl 1.2.3": {"musl 1.2.1 to 1.2.3"},
	"musl 1.2.5": {"musl from 1.2.4"}, // which asks alike
	"musl 1.2.6": {"musl from 1.2.4"},
}

// resolvers holds the name of each client's resolver against its libc.
func resolvers(t *testing.T, cells []*cell, report *capture.Report) {
	t.Helper()
	libcs := make(map[netip.Addr]string)
	for _, c := range cells {
		libcs[c.client] = c.libc.Name
	}
	for _, c := range report.Clients {
		libc := libcs[c.Address]
		t.Logf("%s, %s: %s, %.3f, %d lookups, %q", c.Address, libc, c.Resolver.Name, c.Resolver.Sure, c.Lookups, c.Resolver.Why)
		if c.Lookups < 12 {
			continue // too few for the generation
		}
		if !slices.Contains(covered[libc], c.Resolver.Name) {
			t.Errorf("%s: the resolver is %s; want one of %q", libc, c.Resolver.Name, covered[libc])
		}
	}
}
