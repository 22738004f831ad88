package packets

import (
	"os/exec"
	"slices"
	"strings"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// libraries looks up names as programs do, on nodes with different search domains.
func (rec *recorder) libraries() {
	few := []string{"www.example.org", "web.dnscheck.svc.cluster.local", "nope.example.org"}
	many := append([]string{"web", "web.dnscheck", "web.dnscheck.svc.cluster.local.", "redis", "db", "db.example.com", "six.example.org", "both.example.org",
		"v4only.example.org", "old.example.org", "alias-of-alias.example.org", "chain.example.net", "many.example.net", "lb.test", "nowhere.test"}, few...)
	for _, node := range []struct {
		search string
		names  []string
	}{
		{"example.com", many},
		{"corp.example.com example.com", few},
		{"wild.example.com", few},
		{"refused.example.com", few[:1]},
		{"broken.test", few[:1]},
		{"", few[:2]},
	} {
		search := "search dnscheck.svc.cluster.local svc.cluster.local cluster.local " + node.search
		if node.search == "" {
			search = "search ."
		}
		lab.ResolvConf(rec.t, "nameserver 127.0.0.1\n"+search+"\noptions ndots:5\n")
		for _, libc := range slices.Concat(lab.Libcs(rec.t), lab.Programs(rec.t)) {
			rec.as(strings.ReplaceAll(libc.Name, " ", "-"), func() error {
				for _, name := range node.names {
					if _, err := libc.Look("0", name, (*exec.Cmd).Start); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
}

// questions are for dig, which asks them in one go.
const questions = `
www.example.org A
www.example.org AAAA +dnssec
www.example.org AAAA +noedns
WWW.eXample.ORG A +noedns
v4only.example.org AAAA +cdflag
v4only.example.org AAAA +noadflag +nocookie
v4only.example.org AAAA +nsid +expire +padding=64
v4only.example.org AAAA +norecurse +zflag
lb.test A +subnet=198.51.100.0/24
lb.test AAAA +subnet=2001:db8::/32
lb.test AAAA +dnssec +cdflag
lb.test AAAA +bufsize=512
many.example.net A +noedns +ignore
many.example.net A +bufsize=512 +ignore
many.example.net A +bufsize=4096
many.example.net A +tcp +noedns
chain.example.net A +noedns +ignore
chain.example.net AAAA +bufsize=4096
chain.example.net ANY +noedns +ignore
example.org MX
example.org TXT
example.org NS
example.org SOA +noedns
example.org CAA
example.org NAPTR
example.org DS +dnssec
example.org DNSKEY +dnssec
example.org ANY
example.org HTTPS
example.org TYPE65
_sip._tcp.example.org SRV
_443._tcp.example.org TLSA
example.org TYPE65534
example.org AXFR +tcp
example.org IXFR=1
alias.example.org CNAME
alias-of-alias.example.org HTTPS
old.example.org A
old.example.org TXT
_http._tcp.web.dnscheck.svc.cluster.local SRV
_http._tcp.web.dnscheck.svc.cluster.local.example.com SRV
web.dnscheck.svc.cluster.local.example.com A
web.dnscheck.svc.cluster.local.example.com TXT
web.dnscheck.svc.cluster.local.example.com ANY
web.dnscheck.svc.cluster.local.example.com A +dnssec
web.dnscheck.svc.cluster.local.example.com AAAA +cdflag
web.dnscheck.svc.cluster.local.example.com A +tcp
www.example.org.dnscheck.svc.cluster.local A
www.example.org.dnscheck.svc.cluster.local AAAA +dnssec
www.example.org.dnscheck.svc.cluster.local HTTPS
www.example.org.corp.example.com AAAA
www.example.org.corp.example.com MX
www.example.org.wild.example.com A
www.example.org.refused.example.com A
www.example.org.broken.test AAAA
_acme-challenge.corp.example.com TXT
-x 192.0.2.80
-x 2001:db8::6
80.2.0.192.in-addr.arpa.example.com PTR
. NS
. A
com A
version.bind TXT CH
www.example.org A CH
hostname.bind TXT CH +noedns
www.example.org A HS
www.example.org ANY ANY
nowhere.test A
nowhere.test AAAA +noedns
www.example.org A +opcode=notify
example.org SOA +opcode=notify +noedns
www.example.org A +opcode=status
www.example.org A +opcode=iquery
www.example.org A +opcode=15
example.org SOA +opcode=update
www.example.org A +edns=1
www.example.org A +ednsflags=0x40
www.example.org A +ednsopt=65001:c0ffee
www.example.org AAAA +keepalive +tcp
www.example.org A +aaflag +tcflag +raflag
www.example.org A +header-only
www.example.org A +cookie=0011223344556677
*.example.org A
a\.b.example.org A
\000\255.example.org AAAA
`

// tools asks with programs for people.
func (rec *recorder) tools() {
	lab.ResolvConf(rec.t, "nameserver 127.0.0.1\nsearch dnscheck.svc.cluster.local svc.cluster.local cluster.local example.com\noptions ndots:5\n")
	run := func(args ...string) {
		rec.as(args[0], func() error { return exec.Command(args[0], args[1:]...).Run() })
	}
	for line := range strings.Lines(strings.TrimSpace(questions)) {
		run(append([]string{"dig", "+tries=1", "+time=3", "@127.0.0.1"}, strings.Fields(line)...)...)
	}
	for _, name := range []string{"www.example.org", "web.dnscheck", "v4only.example.org", "192.0.2.80"} {
		run("host", "-W", "3", name)
		run("nslookup", "-timeout=3", name)
		run("busybox", "nslookup", name, "127.0.0.1")
	}
	run("host", "-a", "example.org")
	run("host", "-C", "example.org")
	run("host", "-l", "example.org")
	run("delv", "@127.0.0.1", "+noroot", "www.example.org", "AAAA")
	run("delv", "@127.0.0.1", "-i", "web.dnscheck.svc.cluster.local.example.com")
	rec.as("nsupdate", func() error {
		cmd := exec.Command("nsupdate", "-t", "3")
		cmd.Stdin = strings.NewReader("server 127.0.0.1\nzone example.org\nupdate add new.example.org 60 A 192.0.2.86\nsend\n")
		return cmd.Run()
	})
}

// forwarders asks through other servers: one that draws lots for the case of letters, and one that hands queries on as they are.
func (rec *recorder) forwarders() {
	for _, f := range []struct {
		client string
		start  func() *lab.Process
	}{
		{"unbound", func() *lab.Process {
			return lab.Unbound(rec.t, "interface: 127.0.0.9\nuse-caps-for-id: yes\nforward-zone:\n name: \".\"\n forward-addr: 127.0.0.1\n")
		}},
		{"dnsmasq", func() *lab.Process { return lab.Dnsmasq(rec.t, "listen-address=127.0.0.9\nserver=127.0.0.1\n") }},
	} {
		rec.as(f.client, func() error {
			server := f.start()
			defer server.Stop()
			for _, name := range []string{"www.example.org.", "v4only.example.org.", "lb.test.", "web.dnscheck.svc.cluster.local.example.com.",
				"www.example.org.corp.example.com.", "www.example.org.dnscheck.svc.cluster.local.", "many.example.net."} {
				for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeHTTPS} {
					wire, err := new(dns.Msg).SetQuestion(name, qtype).Pack()
					if err != nil {
						return err
					}
					if _, err := exchange("udp", "127.0.0.9:53", wire); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
}
