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
	const own = "/usr/lib/systemd/systemd-resolved"
	text := strings.NewReplacer("!!"+own, own, "!!/lib/systemd/systemd-resolved", own).Replace(string(unit))
	text = strings.Replace(text, "ExecStart="+own, "ExecStart="+dir+"/systemd-resolved\nEnvironment=LD_LIBRARY_PATH="+dir, 1)
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
	eventually(t, "the loop is found", func() error {
		_, err := m.try("journalctl --no-pager --unit=muslsafe | grep -q 'plugin/loop: Loop'")
		return err
	})
}
