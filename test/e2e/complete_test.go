package e2e

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// relay hands what clients ask at 127.0.0.1 to the server at 127.0.0.8, and counts it.
func relay(t *testing.T) *atomic.Int64 {
	t.Helper()
	var asked atomic.Int64
	started := make(chan struct{})
	server := &dns.Server{Addr: "127.0.0.1:53", Net: "udp", NotifyStartedFunc: func() { close(started) }}
	server.Handler = dns.HandlerFunc(func(w dns.ResponseWriter, r *dns.Msg) {
		asked.Add(1)
		if m, err := dns.Exchange(r, "127.0.0.8:53"); err == nil {
			_ = w.WriteMsg(m)
		}
	})
	done := make(chan error, 1)
	go func() { done <- server.ListenAndServe() }()
	<-started
	t.Cleanup(func() {
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return &asked
}

// TestComplete looks up names with every libc and with programs that have resolvers of their own: with complete each
// gets the addresses that it gets without, by two queries in place of ten.
func TestComplete(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/example.com/\nhost-record=a.b.c.example.com,192.0.2.81\n")
	lab.Dnsmasq(t, public+"host-record=six.www.example.org,2001:db8::6\nhost-record=both.www.example.org,192.0.2.82,2001:db8::82\n"+
		"host-record=example.org,192.0.2.83\nlocal=/dnscheck/\n")
	asked := relay(t)

	names := []struct {
		name    string
		want    []string
		without int64 // queries
	}{
		{"www.example.org", []string{web}, 10},
		{"six.www.example.org", []string{"2001:db8::6"}, 10},
		{"both.www.example.org", []string{"192.0.2.82", "2001:db8::82"}, 10},
		{"a.b.c", []string{"192.0.2.81"}, 8},
		{"example.org", []string{"192.0.2.83"}, 10},
		{"httpd.dnscheck", []string{service}, 4},
		{"httpd.dnscheck.svc", []string{service}, 6},
		{"httpd.dnscheck.svc.cluster.local", []string{service}, 10},
	}
	corefile := strings.ReplaceAll(inCluster, "bind 127.0.0.1", "bind 127.0.0.8")
	for _, with := range []bool{false, true} {
		t.Run(fmt.Sprintf("complete=%v", with), func(t *testing.T) {
			serve(t, corefile, "muslsafe {\n search example.com\n "+when(with, "complete")+"\n }")
			for _, libc := range slices.Concat(lab.Libcs(t), lab.Programs(t)) {
				for _, n := range names {
					asked.Store(0)
					got, took := libc.Lookup(t, n.name)
					if !slices.Equal(got, n.want) || took > patience {
						t.Errorf("%s: %s = %v after %v; want %v", libc.Name, n.name, got, took, n.want)
					}
					want := n.without
					if with {
						want = 2
					}
					if asked.Load() != want {
						t.Errorf("%s: %s took %d queries; want %d", libc.Name, n.name, asked.Load(), want)
					}
				}
			}
		})
	}
}

// TestCompleteAbsent has names that do not exist: every resolver searches on by itself, and finds nothing.
func TestCompleteAbsent(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, resolvConf)
	lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/example.com/\n")
	lab.Dnsmasq(t, public)
	serve(t, inCluster, "muslsafe {\n search example.com\n complete\n }")
	resolvers := slices.Concat(lab.Libcs(t), lab.Programs(t))
	lab.AtOnce(len(resolvers), resolvers, func(r lab.Libc) {
		if got, _ := r.Lookup(t, "nope.www.example.org"); !slices.Contains([]string{"EAI_NONAME", "EAI_NODATA"}, got[0]) {
			t.Errorf("%s: %v; want nothing", r.Name, got)
		}
	})
}
