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

// TestAsksItself starts the service where upstream.conf was copied after the switch: it says so, and does not run.
func TestAsksItself(t *testing.T) {
	m := newMachine(t, "nameserver 127.0.0.55\n")
	follow(t, m, "Install", "With plain resolvers")
	m.do(t, "systemctl daemon-reload; systemctl start muslsafe || true")
	eventually(t, "the loop is found", func() error {
		_, err := m.try("journalctl --no-pager --unit=muslsafe | grep 'plugin/loop: Loop'")
		return err
	})
}

// TestMistake starts the service with a Corefile that is wrong, and reloads it with one: the former fails at once and says why, the
// latter changes nothing.
func TestMistake(t *testing.T) {
	startResolvers(t)
	m := newMachine(t, plain)
	follow(t, m, "Install", "With plain resolvers")
	const broken, mended = "sed -i s/search/serach/ /etc/muslsafe/Corefile", "sed -i s/serach/search/ /etc/muslsafe/Corefile"
	m.do(t, broken+"; systemctl daemon-reload")
	if out, err := m.try("systemctl start muslsafe"); err == nil {
		t.Errorf("it starts with a mistake: %s", out)
	}
	m.do(t, `journalctl --no-pager --unit=muslsafe | grep 'unknown property "serach"'`)
	m.do(t, mended+"; systemctl reset-failed muslsafe; systemctl start muslsafe")
	m.do(t, broken+"; systemctl reload muslsafe")
	m.do(t, "doctor --server 127.0.0.55 api.example.org")
}
