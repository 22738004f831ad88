package image

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// emulator returns qemu for programs of arm64. It is the entrypoint of the containers below, so that nothing on this machine
// has to know how to run them.
func emulator(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	qemu := filepath.Join(cache, "muslsafe", "qemu-aarch64")
	if _, err := os.Stat(qemu); err != nil {
		lab.Skip(t, "needs qemu (test/install.sh fetches it): "+err.Error())
	}
	return qemu
}

// TestArm64 builds the images for the other architecture, runs them, and publishes them together with those of this one.
func TestArm64(t *testing.T) {
	needsImages(t)
	arm := makeImages(t, "arm64")
	isAmd64 := false
	defer func() {
		if !isAmd64 { // the other tests run what has these names
			makeImages(t, "amd64")
		}
	}()
	t.Run("binaries", func(t *testing.T) { runBinaries(t, arm) })
	t.Run("servers", serveArm64)
	t.Run("doctor", examineArm64)
	amd := makeImages(t, "amd64")
	isAmd64 = true
	t.Run("publish", func(t *testing.T) { publish(t, map[string]string{"amd64": amd, "arm64": arm}) })
}

// runBinaries looks at what has been built, and starts it.
func runBinaries(t *testing.T, bin string) {
	qemu := emulator(t)
	for target, tc := range map[string]struct{ file, flag, want string }{
		"coredns":      {"coredns", "-version", "linux/arm64, go1."},
		"coredns-slim": {"coredns", "-version", "linux/arm64, go1."},
		"doctor":       {"doctor", "--version", "doctor version test"},
	} {
		file := filepath.Join(bin, "linux-arm64", target, tc.file)
		f, err := elf.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if libraries, _ := f.ImportedLibraries(); f.Machine != elf.EM_AARCH64 || len(libraries) > 0 {
			t.Errorf("%s is for %v and links %v; want a static binary for arm64", target, f.Machine, libraries)
		}
		if out, err := exec.Command(qemu, file, tc.flag).CombinedOutput(); err != nil || !strings.Contains(string(out), tc.want) {
			t.Errorf("%s %s = %q, %v; want %q in it", target, tc.flag, out, err, tc.want)
		}
		if i := inspect(t, images[target]); i.Architecture != "arm64" {
			t.Errorf("image %s is for %q; want arm64", images[target], i.Architecture)
		}
	}
}

// startArm64 runs a server from its image, and returns its address.
func startArm64(t *testing.T, tag string, options ...string) string {
	t.Helper()
	args := append([]string{"run", "--detach", "--read-only", "--volume=" + emulator(t) + ":/qemu:ro", "--entrypoint=/qemu"}, options...)
	id := docker(t, append(args, image+":"+tag, "/coredns", "-conf", "/etc/coredns/Corefile")...)
	t.Cleanup(func() { docker(t, "rm", "--force", id) })
	return address(t, id)
}

// serveArm64 asks both servers, over UDP and TCP, for a leak and for what exists.
func serveArm64(t *testing.T) {
	_, volume := mount(t, corefile)
	for _, tag := range []string{"test", "test-slim"} {
		addr := startArm64(t, tag, volume) + ":53"
		for _, network := range []string{"udp", "tcp"} {
			m := exchange(t, network, addr, "web.default.svc.cluster.local.example.com.")
			if m.Rcode != dns.RcodeNameError || !m.Authoritative || len(m.Ns) != 1 {
				t.Errorf("%s, %s: %v; want the denial of a leak", tag, network, m)
			}
			m = exchange(t, network, addr, "www.example.org.corp.example.com.")
			if m.Rcode != dns.RcodeNameError {
				t.Errorf("%s, %s: %v; want NXDOMAIN for a step of a search", tag, network, m)
			}
			m = exchange(t, network, addr, "www.example.org.")
			if len(m.Answer) != 1 || !strings.HasSuffix(m.Answer[0].String(), "\t192.0.2.80") {
				t.Errorf("%s, %s: %v; want the address", tag, network, m)
			}
		}
	}
}

// examineArm64 runs doctor in front of a server with muslsafe, and of one without.
func examineArm64(t *testing.T) {
	for with, want := range map[bool]string{
		true:  "\nwww.example.org: healthy\n",
		false: "\nwww.example.org: 1 hazard\n",
	} {
		text := corefile
		if !with {
			text = strings.Replace(corefile, "muslsafe {\n        search corp.example.com\n    }", "", 1)
		}
		_, volume := mount(t, text)
		server := startArm64(t, "test", volume)
		exchange(t, "udp", server+":53", "www.example.org.")
		args := append([]string{"run", "--rm", "--read-only", "--cap-drop=ALL", "--volume=" + emulator(t) + ":/qemu:ro", "--entrypoint=/qemu"}, search(server)...)
		out, err := exec.Command("docker", append(args, images["doctor"], "/doctor", "www.example.org")...).CombinedOutput()
		if !strings.Contains(string(out), want) || (err == nil) != with {
			t.Errorf("with muslsafe %v: doctor says, with %v:\n%s\nwant %q", with, err, out, want)
		}
	}
}
