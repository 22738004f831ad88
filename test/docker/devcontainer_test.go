package docker

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const devcontainer = root + "/corefile-examples/devcontainer/"

// tunnel answers A for all names below example.org, and AAAA as the resolvers behind the containers of Docker Desktop and WSL2 are
// reported to: for names below vpnkit.example.org with NXDOMAIN, for others with a denial of another name, below a search domain.
func tunnel(w dns.ResponseWriter, r *dns.Msg) {
	m := new(dns.Msg).SetReply(r)
	q := &m.Question[0]
	switch {
	case !dns.IsSubDomain("example.org.", q.Name):
		m.Rcode = dns.RcodeNameError
	case q.Qtype == dns.TypeA:
		header := dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 30}
		m.Answer = []dns.RR{&dns.A{Hdr: header, A: net.IPv4(192, 0, 2, 90)}}
	default:
		m.Rcode = dns.RcodeNameError
		if !dns.IsSubDomain("vpnkit.example.org.", q.Name) {
			q.Name += "corp.example.net."
		}
	}
	_ = w.WriteMsg(m) // the client asks again
}

// serve starts a server that answers as a function does, until the end of the test.
func serve(t *testing.T, addr string, answer dns.HandlerFunc) {
	t.Helper()
	udp, tcp, err := lab.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: answer}, {Listener: tcp, Handler: answer}} {
		go func() { _ = s.ActivateAndServe() }() // it ends with its socket
	}
	t.Cleanup(func() {
		udp.Close()
		tcp.Close()
	})
}

// TestDevcontainer starts what devcontainer.json names, as an editor does, behind a tunnel.
func TestDevcontainer(t *testing.T) {
	needsImages(t)
	var d struct{ DockerComposeFile, Service, WorkspaceFolder string }
	if err := json.Unmarshal([]byte(lab.ReadFile(t, devcontainer+"devcontainer.json")), &d); err != nil {
		t.Fatal(err)
	}
	const gateway = "172.30.54.1"
	p := newProject(t, "devcontainer", devcontainer+d.DockerComposeFile, fmt.Sprintf(`
services:
  dns: {image: "%[1]s", dns: "%[3]s"}
  %[4]s: {image: "%[2]s", command: [/idle]}
  stock: {image: "%[2]s", dns: "%[3]s"}
`, server, victim, gateway, d.Service))
	serve(t, gateway+":53", tunnel)
	p.do(t, "up", "--detach")
	rows := []row{
		{"vpnkit", "api.vpnkit.example.org", "192.0.2.90", musl},
		{"the tunnel of WSL2", "api.example.org", "192.0.2.90", musl},
		{"a container", "dns", "172.30.54.53", nobody},
	}
	for service, with := range map[string]bool{"stock": false, d.Service: true} {
		t.Run(service, func(t *testing.T) { check(t, p.container(t, service), rows, with) })
	}
	if got := docker(t, "inspect", "--format={{range .Mounts}}{{.Destination}} {{end}}", p.container(t, d.Service)); got != d.WorkspaceFolder {
		t.Errorf("the dev container has %q; want its workspace at %s", got, d.WorkspaceFolder)
	}
}
