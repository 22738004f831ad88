// Package host starts the systemd unit of the example for a machine without Kubernetes, with a real systemd and as its document
// says, in front of a real systemd-resolved, of plain resolvers and of a tunnel; and real C libraries look names up there.
package host

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

const (
	root    = "../.."
	example = root + "/corefile-examples/host"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// cache is where test/install.sh puts what is not installed.
func cache(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "muslsafe")
}

// newMachine starts a machine with an /etc/resolv.conf, the C libraries, and this repository in /src, as after "make build".
func newMachine(t *testing.T, resolvConf string) machine {
	t.Helper()
	lab.Require(t)
	lab.Libcs(t) // their programs are in the folder of the lab
	coredns, doctor := lab.Binary(t), lab.Doctor(t)
	examples, err := filepath.Abs(root + "/corefile-examples")
	if err != nil {
		t.Fatal(err)
	}
	m := boot(t, filepath.Dir(coredns), cache(t), examples)
	m.do(t, "mkdir bin; ln -s "+coredns+" bin/coredns; ln -s "+doctor+" bin/doctor; ln -s "+examples+" corefile-examples")
	m.write(t, "/etc/resolv.conf", resolvConf)
	return m
}

// commands are those of the document, by the heading that they are below.
func commands(t *testing.T) map[string]string {
	t.Helper()
	blocks := map[string]string{}
	for section := range strings.SplitSeq(lab.ReadFile(t, example+"/README.md"), "\n#") {
		heading, _, _ := strings.Cut(strings.TrimLeft(section, "# "), "\n")
		var all []string
		for _, m := range lab.Fence("sh").FindAllStringSubmatch(section, -1) {
			all = append(all, m[1])
		}
		if len(all) > 0 {
			blocks[heading] = strings.Join(all, "")
		}
	}
	return blocks
}

// follow runs the commands of the document below some headings. The programs have been built.
func follow(t *testing.T, m machine, headings ...string) {
	t.Helper()
	blocks := commands(t)
	for _, heading := range headings {
		block, ok := blocks[heading]
		if !ok {
			t.Fatalf("no commands below %q; want one of %q", heading, blocks)
		}
		t.Logf("%s\n%s", block, m.do(t, strings.Replace(block, "make build\n", "", 1)))
	}
}

// row is a name, and the libcs that do not find it without muslsafe.
type row struct {
	name, want string
	breaks     func(lab.Libc) bool
}

func musl(l lab.Libc) bool  { return l.Musl() }
func isOld(l lab.Libc) bool { return l.Musl() && l.Name < "musl 1.2.4" }

// check looks names up in the machine with all libcs. With muslsafe all find what there is; without it, those do not which the name
// breaks. What the others find then depends on the resolver: systemd-resolved may keep one libc's NXDOMAIN for another one's A.
func check(t *testing.T, m machine, rows []row, with bool) {
	t.Helper()
	for _, r := range rows {
		libcs := lab.Libcs(t)
		lab.AtOnce(len(libcs), libcs, func(l lab.Libc) {
			a, err := l.Look("0", r.name, func(cmd *exec.Cmd) error { return m.in(cmd).Start() })
			found := err == nil && a.Err == "OK" && strings.HasPrefix(a.Addrs[0], r.want)
			if found != with && (with || r.breaks(l)) {
				t.Errorf("with muslsafe %v: %s: %s = %+v, %v; want %s: %v", with, l.Name, r.name, a, err, r.want, with)
			}
			t.Logf("with muslsafe %v: %s: %s = %+v", with, l.Name, r.name, a)
			if with && a.Took > 2*time.Second {
				t.Errorf("%s: %s took %v", l.Name, r.name, a.Took)
			}
		})
	}
}

// The resolvers of a machine in a hotel: that of its VPN, and the router, which knows nothing of the company.
const plain = "nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch lan corp.example.com\n"

// startResolvers starts both, and returns the one of the VPN.
func startResolvers(t *testing.T) *upstream.Server {
	t.Helper()
	none := upstream.Behaviour{Answer: upstream.NoData}
	host := func(name string, net byte, aaaa upstream.Answer) upstream.Zone {
		return upstream.Zone{Name: name, Net: net, Host: true, AAAA: upstream.Behaviour{Answer: aaaa}}
	}
	zones := []upstream.Zone{
		host("api.example.org.", 2, upstream.NXDomain),
		host("refused.example.org.", 3, upstream.Refused),
		{Name: "big.example.org.", Net: 6, Host: true, A: upstream.Behaviour{Count: 30, Links: 10, LinkSize: 60}, AAAA: none},
		{Name: "lan.", A: none, AAAA: none},
		{Name: upstream.LinkZone, Net: 9},
	}
	slow := func(b upstream.Behaviour) upstream.Behaviour { b.Delay = 100 * time.Millisecond; return b }
	upstream.Start(t, "192.0.2.54:53", &upstream.Script{Zones: zones})
	return upstream.Start(t, "192.0.2.53:53", &upstream.Script{Zones: append(slices.Clone(zones),
		upstream.Zone{Name: "gitlab.corp.example.com.", Net: 1, Host: true, A: slow(upstream.Behaviour{}), AAAA: slow(none)})})
}

var rows = []row{
	{"api.example.org", "198.18.8.1", musl},
	{"refused.example.org", "198.18.12.1", musl},
	{"big.example.org", "198.18.24.", isOld},
}

// ofSeveral are names where there are several resolvers and search domains.
var ofSeveral = []row{
	{"gitlab.corp.example.com", "198.18.4.1", musl},
	{"gitlab", "198.18.4.1", musl}, // "lan", which has NODATA for all names, comes first
}

// TestPlainResolvers follows the document on a machine with plain resolvers, and goes back.
func TestPlainResolvers(t *testing.T) {
	startResolvers(t)
	m := newMachine(t, plain)
	all := append(slices.Clone(rows), ofSeveral...)
	check(t, m, all, false)
	follow(t, m, "Install", "With plain resolvers", "Start it, and look before you switch", "Switch")
	check(t, m, all, true)
	if got := m.do(t, "cat /etc/resolv.conf"); got != "nameserver 127.0.0.55\nsearch lan corp.example.com\n" {
		t.Errorf("resolv.conf = %q; want our server, and the search domains as they were", got)
	}
	m.do(t, "for i in 1 2 3 4 5 6 7; do echo >>/etc/muslsafe/upstream.conf; sleep 0.7; done")
	m.do(t, "sed -i 's/search lan/search home.arpa/' /etc/muslsafe/upstream.conf")
	knows(t, m, "home.arpa. corp.example.com.")
	m.do(t, "systemctl kill --signal=KILL muslsafe")
	eventually(t, "muslsafe is back", func() error { _, err := m.try("doctor api.example.org"); return err })
	goBack(t, m, "With systemd-resolved, also")
	if got := m.do(t, "cat /etc/resolv.conf"); got != plain {
		t.Errorf("resolv.conf = %q; want it as it was", got)
	}
	if got, err := m.try("systemctl is-active muslsafe"); err == nil {
		t.Errorf("muslsafe is %s; want it gone", got)
	}
}

// knows waits until muslsafe has said that it knows these search domains.
func knows(t *testing.T, m machine, domains string) {
	t.Helper()
	eventually(t, "muslsafe has read the search domains", func() error {
		_, err := m.try("journalctl --no-pager --unit=muslsafe | grep -F 'search domains [" + domains + "]'")
		return err
	})
}

// goBack runs the commands for the way back, up to a text.
func goBack(t *testing.T, m machine, end string) {
	t.Helper()
	_, section, _ := strings.Cut(lab.ReadFile(t, example+"/README.md"), "\n## Go back\n")
	section, _, found := strings.Cut(section, end)
	if !found {
		t.Fatal(errors.New("the way back has no " + end))
	}
	for _, block := range lab.Fence("sh").FindAllStringSubmatch(section, -1) {
		m.do(t, block[1])
	}
}
