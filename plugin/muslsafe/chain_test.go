package muslsafe

import (
	"context"
	"errors"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// TestPluginsEditQueries has a next plugin that changes the query in place, as rewrite does: the answer is to what the
// client asked, and so is the question about the other half.
func TestPluginsEditQueries(t *testing.T) {
	next := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		q := r.Question[0]
		if q.Name != "www.corp.example.org." {
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
		asked := query(q.Name, q.Qtype)
		return dns.RcodeSuccess, w.WriteMsg(answer(asked, o))
	})
	for _, edns := range []bool{false, true} {
		r := query("www.corp.example.org.", dns.TypeAAAA)
		if edns {
			r.SetEdns0(1232, false)
		}
		m, _, err := exchange(t, testPlugin(next), r)
		if err != nil || outcomeOf(m, dns.TypeAAAA) != nodata || m.Question[0].Name != "www.corp.example.org." {
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
	if m, _, err := exchange(t, testPlugin(next), query("www.example.com.", dns.TypeAAAA)); err != nil || outcomeOf(m, dns.TypeAAAA) != nodata {
		t.Errorf("reply = %v, %v; want NODATA", m, err)
	}
}

// TestWriteErrors checks that the error of the chain wins over that of the client's connection, and none is lost.
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
		if _, err := testPlugin(tc.next).ServeDNS(t.Context(), &brokenWriter{err: broken}, query("www.example.com.", dns.TypeA)); !errors.Is(err, tc.want) {
			t.Errorf("error = %v; want %v", err, tc.want)
		}
	}
	rcode, err := testPlugin(nil).ServeDNS(t.Context(), &brokenWriter{err: broken}, query(leaked, dns.TypeA))
	if rcode != dns.RcodeSuccess || !errors.Is(err, broken) {
		t.Errorf("leak: %d, %v; want 0, as the message counts as written, and %v", rcode, err, broken)
	}
}

type brokenWriter struct {
	test.ResponseWriter
	err error
}

func (w *brokenWriter) WriteMsg(*dns.Msg) error { return w.err }

// TestNextPluginMisbehaves covers the shapes of failure that plugins show.
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
			m, rcode, err := exchange(t, testPlugin(tc.next), query("www.example.com.", dns.TypeA))
			if tc.about == "written twice" && outcomeOf(m, dns.TypeA) != data {
				t.Errorf("reply = %v; want the first message, as a client would take it", m)
			}
			if (m != nil) != tc.wrote || rcode != tc.rcode || !errors.Is(err, tc.err) {
				t.Errorf("ServeDNS = %v, %d, %v; want written %v, %d, %v", m, rcode, err, tc.wrote, tc.rcode, tc.err)
			}
		})
	}
	t.Run("no next plugin", func(t *testing.T) {
		if m, rcode, err := exchange(t, testPlugin(nil), query("www.example.com.", dns.TypeA)); m != nil || rcode != dns.RcodeServerFailure || err == nil {
			t.Errorf("ServeDNS = %v, %d, %v; want SERVFAIL and an error", m, rcode, err)
		}
	})
}

// TestReentry checks that lookups which a plugin further down sends through the whole server, as kubernetes does
// for an ExternalName, pass: in the client's own query and in the one for the sibling.
func TestReentry(t *testing.T) {
	var p *Muslsafe
	inner := 0
	p = testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if r.Question[0].Name == "target.example.com." {
			inner++
			return dns.RcodeSuccess, w.WriteMsg(answer(r, nxdomain))
		}
		m, _, _ := exchangeContext(ctx, t, p, query("target.example.com.", r.Question[0].Qtype))
		if outcomeOf(m, r.Question[0].Qtype) != nxdomain {
			t.Errorf("lookup of the target = %v; want it untouched", m)
		}
		return dns.RcodeSuccess, w.WriteMsg(answer(r, nxdomain))
	}))
	if m, _, _ := exchange(t, p, query("db.default.svc.cluster.local.", dns.TypeA)); outcomeOf(m, dns.TypeA) != nxdomain {
		t.Errorf("reply = %v; want NXDOMAIN", m)
	}
	if inner != 2 {
		t.Errorf("%d lookups of the target; want 2, one for each half of the pair", inner)
	}
}

// TestReentryOfUntouched has plugins that look up other names to answer for one that must pass untouched: those lookups
// are part of it.
func TestReentryOfUntouched(t *testing.T) {
	for _, tc := range []struct{ about, name string }{
		{"excepted name", "legacy.example.net."},
		{"outside of the zones", "www.example.com."},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var p *Muslsafe
			p = testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.Question[0].Name == nodeName {
					return dns.RcodeSuccess, w.WriteMsg(answer(r, nodata)) // search would deny it
				}
				inner, _, _ := exchangeContext(ctx, t, p, query(nodeName, r.Question[0].Qtype))
				m := answer(r, nodata)
				m.Rcode = inner.Rcode
				return dns.RcodeSuccess, w.WriteMsg(m)
			}), func(cfg *config) {
				cfg.zones, cfg.except = []domain{"example.net.", "example.org."}, []domain{"legacy.example.net."}
			})
			if m, _, _ := exchange(t, p, query(tc.name, dns.TypeA)); outcomeOf(m, dns.TypeA) != nodata {
				t.Errorf("reply = %v; want NODATA, as the target has it", m)
			}
			if m, _, _ := exchange(t, p, query(nodeName, dns.TypeA)); outcomeOf(m, dns.TypeA) != nxdomain {
				t.Errorf("reply about the target = %v; want NXDOMAIN", m)
			}
		})
	}
}

// TestMetadataOfSubquery checks that what plugins note about the sibling does not replace what they noted about the
// query of the client.
func TestMetadataOfSubquery(t *testing.T) {
	p := testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		qtype := dns.TypeToString[r.Question[0].Qtype]
		if f := metadata.ValueFunc(ctx, "client/id"); f == nil || f() != "7" {
			t.Errorf("%s: metadata of the client is lost", qtype)
		}
		metadata.SetValueFunc(ctx, "test/type", func() string { return qtype })
		return dns.RcodeSuccess, w.WriteMsg(answer(r, nxdomain))
	}))
	ctx := metadata.ContextWithMetadata(t.Context())
	metadata.SetValueFunc(ctx, "client/id", func() string { return "7" })
	if _, _, err := exchangeContext(ctx, t, p, query("www.example.com.", dns.TypeA)); err != nil {
		t.Fatal(err)
	}
	if got := metadata.ValueFunc(ctx, "test/type")(); got != "A" {
		t.Errorf("test/type = %q after the query; want A", got)
	}
	if metadata.ValueFunc(ctx, "muslsafe/fix") != nil {
		t.Error("muslsafe/fix is set without a fix")
	}
}
