package host

import (
	"testing"
	"time"
)

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
	began := time.Now()
	if out, err := m.try("systemctl start muslsafe"); err == nil || time.Since(began) > 10*time.Second {
		t.Errorf("with a mistake it starts after %v: %s, %v; want a failure at once", time.Since(began), out, err)
	}
	m.do(t, `journalctl --no-pager --unit=muslsafe | grep 'unknown property "serach"'`)
	m.do(t, mended+"; systemctl reset-failed muslsafe; systemctl start muslsafe")
	m.do(t, broken+"; systemctl reload muslsafe")
	m.do(t, "doctor --server 127.0.0.55 api.example.org")
}
