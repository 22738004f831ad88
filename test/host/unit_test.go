package host

import (
	"strings"
	"testing"
)

// TestUnit has systemd judge the unit, and looks at the rights of the process that it starts.
func TestUnit(t *testing.T) {
	startResolvers(t)
	m := newMachine(t, plain)
	follow(t, m, "Install", "With plain resolvers")
	m.do(t, "systemctl daemon-reload; systemctl start muslsafe")
	const unit = "/etc/systemd/system/muslsafe.service"
	if got := m.do(t, "systemd-analyze verify "+unit); got != "" {
		t.Errorf("systemd-analyze verify says %s; want nothing", got)
	}
	m.do(t, "systemd-analyze security --offline=true --threshold=20 "+unit) // 1.6 of 10 with systemd 252, which is "OK"
	status := m.do(t, "cat /proc/$(systemctl show --property=MainPID --value muslsafe)/status")
	for _, want := range []string{
		"CapEff:\t0000000000000400", // CAP_NET_BIND_SERVICE
		"CapBnd:\t0000000000000400",
		"NoNewPrivs:\t1",
		"Seccomp:\t2",
	} {
		if !strings.Contains(status, want+"\n") {
			t.Errorf("status of the process:\n%s\nwant %q", status, want)
		}
	}
	if strings.Contains(status, "\nUid:\t0\t") {
		t.Errorf("status of the process:\n%s\nwant a user of its own", status)
	}
}
