package server

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestMetricsTellNothing has queries with names that occur nowhere else, of every kind: neither they nor the address of the
// client are in the metrics.
func TestMetricsTellNothing(t *testing.T) {
	scripted(t)
	start(t, `. {
		bind 127.0.0.1
		prometheus 127.0.0.1:9153
		muslsafe {
			search d1.test d2.test
			complete
			wildcard
		}
		cache 30
		forward . 127.0.0.2
	}`)
	const secret = "tattletale"
	client := dns.Client{Dialer: &net.Dialer{LocalAddr: &net.UDPAddr{IP: net.IPv4(127, 77, 88, 99)}}}
	for _, name := range []string{
		"data.nxdomain.%s.plain.test.", "data.servfail.%s.plain.test.", "nodata.nodata.%s.d1.test.", "servfail.servfail.%s.d1.test.",
		"web.%s.svc.cluster.local.example.com.", "www.%s.example.default.svc.cluster.local.", "%s.%[1]s.d2.test.",
	} {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			if _, _, err := client.Exchange(new(dns.Msg).SetQuestion(fmt.Sprintf(name, secret), qtype), "127.0.0.1:53"); err != nil {
				t.Fatal(err)
			}
		}
	}
	text := lab.Metrics(t, "127.0.0.1")
	if !strings.Contains(text, `coredns_muslsafe_fixes_total{fix="leak"`) {
		t.Error("no fixes in the metrics; want those of these queries")
	}
	for _, word := range []string{secret, "127.77.88.99"} {
		if strings.Contains(text, word) {
			t.Errorf("%q is in the metrics", word)
		}
	}
}

// TestStuckUpstream has one upstream that never answers, and hundreds of clients that wait for it: names of other upstreams
// are answered meanwhile.
func TestStuckUpstream(t *testing.T) {
	lab.Require(t)
	scripted(t)
	stuck, err := net.ListenPacket("udp", "127.0.0.3:53") // nobody reads from it
	if err != nil {
		t.Fatal(err)
	}
	defer stuck.Close()
	start(t, `. {
		bind 127.0.0.1
		muslsafe {
			search d1.test d2.test
		}
		cache 30
		forward stuck.test 127.0.0.3
		forward . 127.0.0.2
	}`)
	conn, err := dns.Dial("udp", "127.0.0.1:53")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range 300 {
		if err := conn.WriteMsg(new(dns.Msg).SetQuestion(fmt.Sprintf("n%d.stuck.test.", i), dns.TypeA)); err != nil {
			t.Fatal(err)
		}
		if i%10 == 9 { // a burst must not be lost on a busy machine
			time.Sleep(10 * time.Millisecond)
		}
	}
	for i := range 20 {
		answers, took, err := lab.Pair(fmt.Sprintf("data.nxdomain.c%d.plain.test.", i))
		if err != nil {
			t.Fatal(err)
		}
		if len(answers[0].Answer) != 1 || answers[1].Rcode != dns.RcodeSuccess || took > 900*time.Millisecond {
			t.Errorf("%v after %v; want the address and NODATA, which wait for nothing", answers, took)
		}
	}
}
