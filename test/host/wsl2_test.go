package host

import (
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestWSL2 follows the document where something writes /etc/resolv.conf at every start, and names a tunnel in it.
func TestWSL2(t *testing.T) {
	lab.Require(t)
	lab.Tunnel(t, "192.0.2.53:53")
	m := newMachine(t, "")
	m.write(t, "/mnt/wsl/resolv.conf", "nameserver 192.0.2.53\nsearch "+lab.TunnelDomain+"\n")
	const start = "ln -sf /mnt/wsl/resolv.conf /etc/resolv.conf"
	m.do(t, start)
	rows := []row{{"api.vpnkit.example.org", "192.0.2.90", musl}, {"api.example.org", "192.0.2.90", musl}}
	check(t, m, rows, false)
	follow(t, m, "Install", "WSL2", "Start it, and look before you switch")
	check(t, m, rows, true)
	m.do(t, start+"; systemctl restart muslsafe")
	if got, want := m.do(t, "cat /etc/resolv.conf"), "nameserver 127.0.0.55\nsearch "+lab.TunnelDomain+"\n"; got != want {
		t.Errorf("after another start, resolv.conf = %q; want %q", got, want)
	}
	check(t, m, rows, true)
}
