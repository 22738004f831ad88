package muslsafe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestIPv4only checks that AAAA follows from A, is never asked for, and costs no second query for A.
func TestIPv4only(t *testing.T) {
	tests := []struct {
		name string
		a    outcome
		want [2]outcome
	}{
		{plainName, data, [2]outcome{data, nodata}},
		{plainName, nodata, [2]outcome{nodata, nodata}},
		{plainName, nxdomain, [2]outcome{nxdomain, nxdomain}},
		{plainName, failure, [2]outcome{failure, failure}},
		{plainName, unknown, [2]outcome{failure, failure}},
		{nodeName, data, [2]outcome{data, nodata}},
		{nodeName, nodata, [2]outcome{nxdomain, nxdomain}},
		{nodeName, failure, [2]outcome{nxdomain, nxdomain}}, // the domain is dead, and there is an address ahead
		{clusterName, nodata, [2]outcome{nxdomain, nxdomain}},
		{clusterName, failure, [2]outcome{failure, failure}},
	}
	for _, tc := range tests {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: pairScript(tc.name, step{outcome: tc.a, delay: 10 * ms}, exists)}
			u.script[nextName+" A"], u.script["* A"] = exists, step{outcome: tc.a}
			got := lookUp(t, testPlugin(u, with(verdict.IPv4Only)), tc.name)
			if pair := outcomesOf(got); pair != tc.want {
				t.Errorf("%s A %s: %v; want %v", tc.name, tc.a, pair, tc.want)
			}
			if slices.ContainsFunc(u.log(), isAAAA) {
				t.Errorf("%s A %s: asked %q; want no AAAA", tc.name, tc.a, u.log())
			}
			if tc.a == data && len(u.log()) != 1 {
				t.Errorf("%s: asked %q; want A once", tc.name, u.log())
			}
		})
	}
}

// isAAAA reports whether a key of the log is a question for AAAA.
func isAAAA(key string) bool { return strings.HasSuffix(key, " AAAA") }

// TestFailureOfDerived has an A half that fails in the ways in which plugins fail. With ipv4only, AAAA gets the same failure:
// in a message that can be packed if one was written, and in none otherwise.
func TestFailureOfDerived(t *testing.T) {
	down := errors.New("upstream is down")
	written := func(rcode int) test.HandlerFunc {
		return writes(func(r *dns.Msg, _ bool) *dns.Msg { return new(dns.Msg).SetRcode(r, rcode) })
	}
	tests := []struct {
		about   string
		next    test.HandlerFunc
		written bool
		rcode   int // of the message, or that is returned
		err     error
	}{
		{"SERVFAIL returned", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeServerFailure, down }, false, dns.RcodeServerFailure, down},
		{"REFUSED returned", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) { return dns.RcodeRefused, nil }, false, dns.RcodeRefused, nil},
		{"SERVFAIL written", written(dns.RcodeServerFailure), true, dns.RcodeServerFailure, nil},
		{"REFUSED written", written(dns.RcodeRefused), true, dns.RcodeRefused, nil},
		{"NOTIMP written", written(dns.RcodeNotImplemented), true, dns.RcodeNotImplemented, nil},
		{"BADVERS written, whose lower bits say NOERROR", written(dns.RcodeBadVers), true, dns.RcodeServerFailure, nil},
		{"BADCOOKIE written, which needs an OPT record", written(dns.RcodeBadCookie), true, dns.RcodeBadCookie & 0xF, nil},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			before := fixCounts()
			m, rcode, err := exchange(t, testPlugin(tc.next, with(verdict.IPv4Only)), newQuery(plainName, dns.TypeAAAA))
			if (m != nil) != tc.written || !errors.Is(err, tc.err) {
				t.Fatalf("reply = %v, %v; want written %v, %v", m, err, tc.written, tc.err)
			}
			if m != nil {
				rcode = m.Rcode
			}
			if rcode != tc.rcode {
				t.Errorf("return code %d; want %d", rcode, tc.rcode)
			}
			if got := fixesSince(before); got != "" {
				t.Errorf("counted %q; want nothing", got)
			}
		})
	}
}
