package e2e

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestMailThroughCaches has a host with MX and TXT alone, in a search domain that says NXDOMAIN to other names. A cache
// between the clients and the server may hold an NXDOMAIN against every type, so that the mail would not be found.
func TestMailThroughCaches(t *testing.T) {
	lab.Require(t)
	const mail = "mail.corp.example.org"
	caches := []struct {
		name  string
		start func(t *testing.T)
	}{
		{"dnsmasq", func(t *testing.T) { lab.Dnsmasq(t, "listen-address=127.0.0.1\nserver=127.0.0.8\n") }},
		{"unbound", func(t *testing.T) {
			lab.Unbound(t, "interface: 127.0.0.1\nforward-zone:\nname: .\nforward-addr: 127.0.0.8\n")
		}},
	}
	lab.Dnsmasq(t, "listen-address=127.0.0.2\nlocal=/org/\nlocal=/com/\nmx-host="+mail+",mx.example.com\ntxt-record="+mail+",v=spf1\n")
	for _, with := range []bool{false, true} {
		for _, cache := range caches {
			t.Run(fmt.Sprintf("%s, muslsafe=%v", cache.name, with), func(t *testing.T) {
				startServer(t, block("127.0.0.8", with, "127.0.0.2"))
				cache.start(t)
				for _, tc := range []struct {
					qtype   uint16
					records int
				}{{dns.TypeA, 0}, {dns.TypeAAAA, 0}, {dns.TypeMX, 1}, {dns.TypeTXT, 1}} {
					m := lab.Query(t, mail+".", tc.qtype)
					if m.Rcode != dns.RcodeSuccess || len(m.Answer) != tc.records {
						t.Errorf("%s %s = %s, %v; want NOERROR and %d records", mail, dns.TypeToString[tc.qtype],
							dns.RcodeToString[m.Rcode], m.Answer, tc.records)
					}
				}
			})
		}
	}
}

// TestOutageOfQuickNames has an upstream that falls silent after it has answered. Nothing holds the clients up, who ask for
// one family, two of them for each name.
func TestOutageOfQuickNames(t *testing.T) {
	lab.Require(t)
	const clients = 10
	script := new(upstream.Script)
	for i := range clients / 2 {
		script.Zones = append(script.Zones, upstream.Zone{Name: quick(i), Host: true})
	}
	silence := upstream.Behaviour{Answer: upstream.Silence}
	sides := serveSides(t, script, 1)
	libcs := lab.Libcs(t)
	var wg sync.WaitGroup
	var waits [2][clients]lab.Answer
	for nr, s := range sides {
		for i := range clients / 2 {
			if m, _ := askAt(s, quick(i), dns.TypeA); m == nil || len(m.Answer) != 1 {
				t.Fatalf("%s = %v before the outage; want an address", quick(i), m)
			}
		}
		s.upstream.Play(&upstream.Script{Zones: []upstream.Zone{{Name: ".", A: silence, AAAA: silence}}})
		jail := lab.NewJail(t, "nameserver "+s.addr+"\n")
		for i := range clients {
			wg.Go(func() {
				a, err := libcs[i%len(libcs)].Look("4", quick(i/2), jail.Start)
				if err != nil {
					t.Error(err)
				}
				waits[nr][i] = a
			})
		}
	}
	wg.Wait()
	for i := range clients {
		stock, safe := waits[0][i], waits[1][i]
		if safe.Took > stock.Took+time.Second || safe.Err != stock.Err {
			t.Errorf("%s: %s %s after %v; want %s after %v, as without muslsafe, or a second later", libcs[i%len(libcs)].Name,
				quick(i/2), safe.Err, safe.Took, stock.Err, stock.Took)
		}
	}
}

// quick is a name that is quick before the outage.
func quick(i int) string { return fmt.Sprintf("db%d.corp.example.org.", i) }

// TestLostForAnother has two clients behind one address, as behind a node's own cache. The question of the first one is
// lost on its way to the upstream; the second one, who asks the same a little later, must not wait for that one's fate.
func TestLostForAnother(t *testing.T) {
	lab.Require(t)
	const name, later, soon = "db.corp.example.org.", 300 * time.Millisecond, time.Second
	script := &upstream.Script{Zones: []upstream.Zone{
		{Name: name, Host: true, A: behaviour("data-f1silence"), AAAA: behaviour("data-f1silence")},
	}}
	qtypes := []uint16{dns.TypeA, dns.TypeAAAA}
	var wg sync.WaitGroup
	for i, s := range serveSides(t, script, len(qtypes)) {
		ask := func(client string, soon time.Duration) {
			qtype := qtypes[i%len(qtypes)]
			m, took := askAt(s, name, qtype)
			if m == nil || len(m.Answer) != 1 || took > soon {
				t.Errorf("the %s client: %s after %v: %v; want an address within %v (muslsafe: %v)", client,
					dns.TypeToString[qtype], took, m, soon, s.safe)
			}
		}
		wg.Go(func() { ask("first", 3*time.Second) })
		wg.Go(func() {
			time.Sleep(later)
			ask("second", soon)
		})
	}
	wg.Wait()
}

// askAt asks a server from a port of its own. The message is nil if there is no answer.
func askAt(s side, name string, qtype uint16) (*dns.Msg, time.Duration) {
	client := &dns.Client{Timeout: 10 * time.Second}
	began := time.Now()
	m, _, err := client.Exchange(new(dns.Msg).SetQuestion(name, qtype), s.addr+":53")
	if err != nil {
		m = nil
	}
	return m, time.Since(began)
}
