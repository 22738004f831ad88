package docker

import (
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// newNetwork makes a network for an address of this machine that is no one else's: its gateway.
func newNetwork(t *testing.T, name, subnet string) {
	t.Helper()
	name = prefix + "-" + name
	docker(t, "network", "create", "--subnet="+subnet, name)
	t.Cleanup(func() { docker(t, "network", "rm", name) })
}

// start starts a container on the default bridge, which has the search domains of the machine as all have there.
func start(t *testing.T, name string, options ...string) (id string) {
	t.Helper()
	args := []string{"run", "--detach", "--name", prefix + "-" + name, "--dns-search=lan", "--dns-search=corp.example.com"}
	id = docker(t, append(args, options...)...)
	t.Cleanup(func() { docker(t, "rm", "--force", "--volumes", id) })
	return id
}

// startServer starts the server of the example on the default bridge, and returns its address there.
func startServer(t *testing.T, options ...string) string {
	t.Helper()
	id := start(t, "server", append(options, "--volume="+corefile(t)+":/etc/coredns/Corefile:ro", server)...)
	awaitLog(t, id, "CoreDNS-")
	return docker(t, "inspect", "--format={{.NetworkSettings.IPAddress}}", id)
}

// TestBridge has containers on the default bridge, which has no DNS of its own, look names up.
func TestBridge(t *testing.T) {
	needsImages(t)
	newNetwork(t, "router", "172.30.53.0/24")
	upstream.Start(t, gateway+":53", router)
	bridge := append(searches[:1:1], rows...) // with ndots:1, as nobody says otherwise there
	for name, dns := range map[string]string{"stock": gateway, "app": startServer(t, "--dns="+gateway)} {
		check(t, start(t, name, "--dns="+dns, victim), bridge, name == "app")
	}
}

// TestSeveralResolvers has a machine with two resolvers: that of the VPN, which is the first one, and a router, which does not know
// the names of the company. musl asks both at once, and the router is faster to deny than the VPN is to answer.
func TestSeveralResolvers(t *testing.T) {
	needsImages(t)
	const vpn, router = "172.30.53.1", "172.30.54.1"
	newNetwork(t, "vpn", "172.30.53.0/24")
	newNetwork(t, "router", "172.30.54.0/24")
	slow := upstream.Behaviour{Delay: 100 * time.Millisecond}
	none := upstream.Behaviour{Answer: upstream.NoData, Delay: slow.Delay}
	upstream.Start(t, vpn+":53", &upstream.Script{Zones: []upstream.Zone{
		{Name: "gitlab.corp.example.com.", Net: 1, Host: true, A: slow, AAAA: none},
	}})
	upstream.Start(t, router+":53", &upstream.Script{})
	rows := []row{{"a name of the VPN", "gitlab.corp.example.com", "198.18.4.1", musl}}
	check(t, start(t, "stock", "--dns="+vpn, "--dns="+router, victim), rows, false)
	check(t, start(t, "app", "--dns="+startServer(t, "--dns="+vpn, "--dns="+router), victim), rows, true)
}
