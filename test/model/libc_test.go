package model

import (
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// A libc is a real one, with its model.
type libc struct {
	lab.Libc
	model *stub.Model
}

// libcs returns the libcs of this machine that are modelled.
func libcs(t *testing.T) (all []libc) {
	t.Helper()
	for _, l := range lab.Libcs(t) {
		name := strings.ReplaceAll(l.Name, " ", "-")
		if !l.Musl() {
			name = hostLibc(t)
		}
		m, ok := stub.Find(name)
		if !ok {
			lab.Skip(t, "needs a libc that is modelled, not "+name)
		}
		all = append(all, libc{l, m})
	}
	return all
}

// hostLibc names the glibc of this machine, as "glibc-2.36".
func hostLibc(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("getconf", "GNU_LIBC_VERSION").Output()
	if err != nil {
		t.Fatalf("getconf GNU_LIBC_VERSION: %v", err)
	}
	return strings.Replace(strings.TrimSpace(string(out)), " ", "-", 1)
}

// outcome is what can be seen of a lookup from outside.
type outcome struct {
	err     string
	elapsed time.Duration
	addrs   []netip.Addr
}

// lookup runs one real getaddrinfo.
func (c libc) lookup(j *lab.Jail, f stub.Family, name string) (o outcome, err error) {
	family := map[stub.Family]string{stub.Both: "0", stub.V4: "4", stub.V6: "6"}[f]
	a, err := c.Look(family, name, j.Start)
	if err != nil {
		return o, err
	}
	o.err, o.elapsed = a.Err, a.Took
	for _, text := range a.Addrs {
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return o, err
		}
		o.addrs = append(o.addrs, addr)
	}
	return o, nil
}
