// Package image runs the container image on the Docker engine of this machine.
package image

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const image = "muslsafe/coredns-test"

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestImage builds the image and asks a container of it, which listens on port 53 as a user without privileges.
func TestImage(t *testing.T) {
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		lab.Skip(t, "needs a Docker engine: "+err.Error()+": "+string(out))
	}
	if out, err := exec.Command("make", "-C", "../..", "image", "IMAGE="+image, "VERSION=test", "BIN="+t.TempDir()).CombinedOutput(); err != nil {
		t.Fatalf("make image: %v\n%s", err, out)
	}
	t.Cleanup(func() { docker(t, "rmi", image+":test", image+":latest") })

	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // the user of the image must reach it
		t.Fatal(err)
	}
	corefile := []byte(". {\n muslsafe\n errors\n}\n")
	if err := os.WriteFile(filepath.Join(dir, "Corefile"), corefile, 0o644); err != nil {
		t.Fatal(err)
	}
	id := docker(t, "run", "--detach", "--read-only", "--publish", "127.0.0.1::53/udp", "--publish", "127.0.0.1::53/tcp",
		"--volume", dir+":/etc/coredns:ro", image+":test")
	t.Cleanup(func() { docker(t, "rm", "--force", id) })

	for _, network := range []string{"udp", "tcp"} {
		addr := strings.Fields(docker(t, "port", id, "53/"+network))[0]
		m := exchange(t, network, addr)
		if m.Rcode != dns.RcodeNameError || !m.Authoritative || len(m.Ns) != 1 {
			t.Errorf("%s: %v; want an authoritative NXDOMAIN", network, m)
		}
	}
	if user := docker(t, "inspect", "--format", "{{.Config.User}}", id); user != "65532:65532" {
		t.Errorf("user = %q; want one without privileges", user)
	}
}

// exchange asks for a leak until the container is up.
func exchange(t *testing.T, network, addr string) *dns.Msg {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := new(dns.Msg).SetQuestion("web.default.svc.cluster.local.example.com.", dns.TypeA)
	for {
		c := dns.Client{Net: network, Timeout: time.Second, Dialer: &net.Dialer{Timeout: time.Second}}
		m, _, err := c.ExchangeContext(ctx, r, addr)
		if err == nil {
			return m
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}
