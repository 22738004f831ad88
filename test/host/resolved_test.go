package host

import (
	"os"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// withResolved starts a real systemd-resolved in a machine. It has no server from a network, but a fallback.
func withResolved(t *testing.T) machine {
	t.Helper()
	dir := cache(t) + "/systemd"
	unit, err := os.ReadFile(dir + "/systemd-resolved.service")
	if err != nil {
		lab.Skip(t, "needs systemd-resolved (test/install.sh fetches it): "+err.Error())
	}
	m := newMachine(t, "")
	// It asks nobody while the machine has no network.
	m.do(t, "ip link add eth0 type veth peer name eth1; ip address add 10.0.0.2/24 dev eth0; ip link set eth0 up; ip link set eth1 up")
	t.Cleanup(func() { m.do(t, "ip link delete eth0") })
	// Its unit hides the home of root, where the cache may be.
	m.do(t, "mkdir /opt/resolved; cp "+dir+"/* /opt/resolved")
	text := strings.Replace(string(unit), "=!!/lib/systemd/", "=/opt/resolved/", 1)
	text = strings.Replace(text, "[Service]", "[Service]\nEnvironment=LD_LIBRARY_PATH=/opt/resolved", 1)
	m.write(t, "/etc/systemd/system/systemd-resolved.service", text)
	m.write(t, "/etc/systemd/resolved.conf.d/fallback.conf", "[Resolve]\nFallbackDNS=192.0.2.53\nLLMNR=no\nMulticastDNS=no\n")
	m.do(t, "systemctl daemon-reload; systemctl start systemd-resolved; ln -sf /run/systemd/resolve/stub-resolv.conf /etc/resolv.conf")
	return m
}

// TestResolved follows the document on a machine with systemd-resolved, and goes back.
func TestResolved(t *testing.T) {
	startResolvers(t)
	m := withResolved(t)
	check(t, m, rows, false)
	follow(t, m, "Install", "With systemd-resolved", "Start it, and look before you switch", "Switch")
	check(t, m, rows, true)
	m.do(t, "echo Domains=lan >>/etc/systemd/resolved.conf.d/fallback.conf; systemctl restart systemd-resolved")
	knows(t, m, "lan.")
	goBack(t, m, "In WSL2")
	if got := m.do(t, "readlink /etc/resolv.conf; ls /etc/systemd/resolved.conf.d"); got != "/run/systemd/resolve/stub-resolv.conf\nfallback.conf\n" {
		t.Errorf("%q; want the link as it was, and nothing of ours", got)
	}
}

// TestResolvedLoops shows what the drop-in for systemd-resolved is for: without it, that reads our resolv.conf, and each of both
// asks the other.
func TestResolvedLoops(t *testing.T) {
	startResolvers(t)
	m := withResolved(t)
	follow(t, m, "Install", "With systemd-resolved")
	m.do(t, "rm /etc/systemd/resolved.conf.d/muslsafe.conf")
	follow(t, m, "Switch")
	m.do(t, "systemctl restart systemd-resolved; systemctl daemon-reload; systemctl enable --now muslsafe")
	m.do(t, "grep -x 'nameserver 127.0.0.55' /run/systemd/resolve/resolv.conf")
	if out, err := m.try("doctor --timeout 1s --server 127.0.0.55 api.example.org"); err == nil {
		t.Errorf("doctor says\n%s\nwant nobody to answer", out)
	}
}
