package main

import (
	"embed"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"text/template"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

//go:embed peers
var peerFiles embed.FS

// peer is a server to measure.
type peer struct {
	name    string
	file    string // its configuration, in the folder peers
	program string
	args    []string // nil: those of CoreDNS
	guard   bool     // it answers leaks alone, and is no resolver
}

// peers in the order of the tables; those that are compared take turns. dnsmasq stays the user that it is: with another one it would outlive this process.
var peers = []peer{
	{name: "stock", file: "stock.Corefile", program: "stock"},
	{name: "muslsafe", file: "muslsafe.Corefile", program: "coredns"},
	{name: "complete", file: "complete.Corefile", program: "coredns"},
	{name: "template", file: "template.Corefile", program: "stock"},
	{name: "autopath", file: "autopath.Corefile", program: "stock"},
	{name: "unbound", file: "unbound.conf", program: "unbound", args: []string{"-d", "-p", "-c", "unbound.conf"}},
	{name: "dnsmasq", file: "dnsmasq.conf", program: "dnsmasq", args: []string{"--keep-in-foreground", "--user=root", "--group=root", "--pid-file=", "--conf-file=dnsmasq.conf"}},
	{name: "whoami", file: "whoami.Corefile", program: "stock", guard: true},
	{name: "template alone", file: "template-alone.Corefile", program: "stock", guard: true},
}

// settings are what the configurations of peers have in common.
type settings struct {
	Port, Upstream, Cores int
	Listeners             int // 0: as it is without being told
	Cluster, Search       []string
}

func usual(u *upstream) settings {
	return settings{Upstream: u.port(), Cores: runtime.NumCPU(), Cluster: []string{"cluster.local"}, Search: []string{nodeSearch}}
}

// bench is what a run has at hand.
type bench struct {
	programs map[string]string // name to file
	dir      string            // for configurations; removed at the end
	upstream *upstream
	scale    scale
	results  *results
}

// start runs a peer until its stop, and returns when it answers.
func (b *bench) start(p peer, s settings) (*process, error) {
	dir, err := os.MkdirTemp(b.dir, "peer-")
	if err != nil {
		return nil, err
	}
	if s.Port, err = freePort(); err != nil {
		return nil, err
	}
	if err := furnish(dir, p, s); err != nil {
		return nil, err
	}
	args := p.args
	if args == nil {
		args = []string{"-conf", p.file}
	}
	server, err := startProcess(dir, s.Port, b.programs[p.program], args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := server.await(); err != nil {
		server.stop()
		return nil, fmt.Errorf("%s: %w:\n%s", p.name, err, server.log.String())
	}
	return server, nil
}

// furnish writes the configuration of a peer, and the same cluster zone and resolv.conf for whoever reads them.
func furnish(dir string, p peer, s settings) error {
	join := func(words []string) string { return strings.Join(words, " ") }
	t, err := template.New(p.file).Funcs(template.FuncMap{"join": join}).ParseFS(peerFiles, "peers/"+p.file)
	if err != nil {
		return err
	}
	var config strings.Builder
	if err := t.Execute(&config, s); err != nil {
		return err
	}
	var zone, data, hosts strings.Builder
	zone.WriteString("$ORIGIN cluster.local.\n@ 60 IN SOA ns.example.org. hostmaster.example.org. 1 60 60 60 60\n@ 60 IN NS ns.example.org.\n")
	for n := range services {
		name := serviceName(n)
		v4, v6 := lab.AddressesOf(name)
		fmt.Fprintf(&zone, "%[1]s. 60 IN A %[2]s\n%[1]s. 60 IN AAAA %[3]s\n", name, v4, v6)
		fmt.Fprintf(&data, "local-data: \"%[1]s. 60 IN A %[2]s\"\nlocal-data: \"%[1]s. 60 IN AAAA %[3]s\"\n", name, v4, v6)
		fmt.Fprintf(&hosts, "host-record=%s,%s,%s,60\n", name, v4, v6)
	}
	for file, text := range map[string]string{
		p.file:              config.String(),
		"cluster.zone":      zone.String(),
		"local-data.conf":   data.String(),
		"host-records.conf": hosts.String(),
		"resolv.conf":       "search " + join(resolvConf.Search) + "\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// await returns when the server answers.
func (p *process) await() error {
	c := dns.Client{Timeout: 200 * time.Millisecond}
	r := new(dns.Msg).SetQuestion(serviceName(0)+".", dns.TypeA)
	for range 500 {
		if _, _, err := c.Exchange(r, fmt.Sprintf("127.0.0.1:%d", p.port)); err == nil {
			return nil
		}
		select {
		case <-p.ended:
			return errors.New("ended")
		case <-time.After(20 * time.Millisecond):
		}
	}
	return errors.New("gives no answer")
}

// freePort returns a port that is free for UDP and TCP now.
func freePort() (int, error) {
	udp, tcp, err := lab.Listen("127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	udp.Close()
	tcp.Close()
	return udp.LocalAddr().(*net.UDPAddr).Port, nil
}
