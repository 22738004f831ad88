package muslsafe

import (
	"context"
	"errors"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// TestPluginsEditQueries has a next plugin that changes the query in place, as rewrite does. The client gets an answer to
// what it asked, and the other half is asked for under the name of the client.
func TestPluginsEditQueries(t *testing.T) {
	next := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		q := r.Question[0]
		if q.Name != "www.corp.example.org." && !isRandomName(q.Name) {
			t.Errorf("asked for %s; want the name of the client", q.Name)
		}
		r.Question[0] = dns.Question{Name: "x.io.", Qtype: dns.TypeTXT, Qclass: dns.ClassCHAOS}
		if opt := r.IsEdns0(); opt != nil {
			opt.Option = append(opt.Option, &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "aa"})
		} else {
			r.SetEdns0(4096, true)
		}
		o := data
		if q.Qtype == dns.TypeAAAA {
			o = nxdomain
		}
		asked := newQuery(q.Name, q.Qtype)
		return dns.RcodeSuccess, w.WriteMsg(answer(asked, o))
	})
	for _, edns := range []bool{false, true} {
		r := queryWith("www.corp.example.org.", dns.TypeAAAA, edns)
		m, _, err := exchange(t, testPlugin(next), r)
		if err != nil || verdict.OutcomeOf(m, dns.TypeAAAA) != nodata || m.Question[0].Name != "www.corp.example.org." {
			t.Fatalf("reply = %v, %v; want NODATA for www.corp.example.org.", m, err)
		}
		checkEDE(t, m, edns, "muslsafe pair")
		if opt := r.IsEdns0(); (opt != nil) != edns || edns && len(opt.Option) != 0 {
			t.Errorf("the query of the client became %v", r)
		}
	}
}

// TestRawWrites has a next plugin that packs its messages itself.
func TestRawWrites(t *testing.T) {
	next := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		o := data
		if r.Question[0].Qtype == dns.TypeAAAA {
			o = nxdomain
		}
		wire, err := answer(r, o).Pack()
		if err != nil {
			return 0, err
		}
		_, err = w.Write(wire)
		return dns.RcodeSuccess, err
	})
	if m, _, err := exchange(t, testPlugin(next), newQuery(plainName, dns.TypeAAAA)); err != nil || verdict.OutcomeOf(m, dns.TypeAAAA) != nodata {
		t.Errorf("reply = %v, %v; want NODATA", m, err)
	}
}

// TestWriteErrors checks that an error of the client's connection is returned, unless the chain returned one.
func TestWriteErrors(t *testing.T) {
	broken := errors.New("connection is closed")
	own := errors.New("mine")
	for _, tc := range []struct {
		next plugin.Handler
		want error
	}{
		{answers(data, data), broken},
		{test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			_ = w.WriteMsg(answer(r, data))
			return dns.RcodeSuccess, own
		}), own},
	} {
		if _, err := testPlugin(tc.next).ServeDNS(t.Context(), &brokenWriter{err: broken}, newQuery(plainName, dns.TypeA)); !errors.Is(err, tc.want) {
			t.Errorf("error = %v; want %v", err, tc.want)
		}
	}
	rcode, err := testPlugin(nil).ServeDNS(t.Context(), &brokenWriter{err: broken}, newQuery(leaked, dns.TypeA))
	if rcode != dns.RcodeSuccess || !errors.Is(err, broken) {
		t.Errorf("leak: %d, %v; want 0, as the message counts as written, and %v", rcode, err, broken)
	}
}

type brokenWriter struct {
	test.ResponseWriter
	err error
}

func (w *brokenWriter) WriteMsg(*dns.Msg) error { return w.err }

// TestNextPluginMisbehaves has the ways in which plugins fail, or do not keep to the contract of the chain.
func TestNextPluginMisbehaves(t *testing.T) {
	down := errors.New("upstream is down")
	tests := []struct {
		about string
		next  test.HandlerFunc
		wrote bool
		rcode int
		err   error
	}{
		{"failure returned, nothing written", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
			return dns.RcodeServerFailure, down
		}, false, dns.RcodeServerFailure, down},
		{"failure written, as from a cache", func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			return dns.RcodeSuccess, w.WriteMsg(answer(r, failure))
		}, true, dns.RcodeSuccess, nil},
		{"success returned, nothing written", func(context.Context, dns.ResponseWriter, *dns.Msg) (int, error) {
			return dns.RcodeSuccess, nil
		}, false, dns.RcodeSuccess, nil},
		{"nil written", func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) {
			return dns.RcodeSuccess, w.WriteMsg(nil)
		}, false, dns.RcodeSuccess, nil},
		{"written twice", func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			_ = w.WriteMsg(answer(r, data))
			return dns.RcodeSuccess, w.WriteMsg(answer(r, nodata))
		}, true, dns.RcodeSuccess, nil},
		{"written, and failure returned", func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			_ = w.WriteMsg(answer(r, data))
			return dns.RcodeServerFailure, down
		}, true, dns.RcodeSuccess, down},
		{"NXDOMAIN returned as template does", func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
			return dns.RcodeNameError, w.WriteMsg(answer(r, nxdomain))
		}, true, dns.RcodeNameError, nil},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			m, rcode, err := exchange(t, testPlugin(tc.next), newQuery(plainName, dns.TypeA))
			if tc.about == "written twice" && verdict.OutcomeOf(m, dns.TypeA) != data {
				t.Errorf("reply = %v; want the first message, as a client would take it", m)
			}
			if (m != nil) != tc.wrote || rcode != tc.rcode || !errors.Is(err, tc.err) {
				t.Errorf("ServeDNS = %v, %d, %v; want written %v, %d, %v", m, rcode, err, tc.wrote, tc.rcode, tc.err)
			}
		})
	}
	t.Run("no next plugin", func(t *testing.T) {
		if m, rcode, err := exchange(t, testPlugin(nil), newQuery(plainName, dns.TypeA)); m != nil || rcode != dns.RcodeServerFailure || err == nil {
			t.Errorf("ServeDNS = %v, %d, %v; want SERVFAIL and an error", m, rcode, err)
		}
	})
}

// TestFailuresPass checks that the client gets a failure that a plugin wrote as it is, whatever records it has.
func TestFailuresPass(t *testing.T) {
	odd := test.CAA("www.example.com. 60 IN CAA 0 issue \"ca.example.net\"")
	var wrote *dns.Msg
	p := testPlugin(writes(func(r *dns.Msg, _ bool) *dns.Msg {
		m := answer(r, failure)
		m.Answer = []dns.RR{odd}
		if r.Question[0].Qtype == dns.TypeA {
			wrote = m
		}
		return m
	}))
	before := fixCounts()
	if m, _, _ := exchange(t, p, newQuery(plainName, dns.TypeA)); m != wrote || len(m.Answer) != 1 {
		t.Errorf("reply = %v; want the failure as it was written", m)
	}
	if got := fixesSince(before); got != "" {
		t.Errorf("counted %q; want nothing", got)
	}
}
