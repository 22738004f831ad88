package image

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// client makes an image of nothing but musl and a program that looks names up, as in an Alpine container.
func client(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	for name, args := range map[string][]string{
		"program": {"musl-gcc", "-O2", "-o", filepath.Join(dir, "program"), "../lab/client/getaddrinfo.c"},
		"musl":    {"cp", filepath.Join(cache, "muslsafe", "musl-1.2.5", "libc.so"), filepath.Join(dir, "musl")},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	dockerfile := "FROM scratch\nCOPY musl program /\n"
	lab.WriteFile(t, filepath.Join(dir, "Dockerfile"), dockerfile)
	docker(t, "build", "--quiet", "--tag", image+":client", dir)
}

// search are the options of a container that looks names up as a pod does.
func search(server string) []string {
	options := []string{"--dns=" + server, "--dns-option=ndots:5"}
	for _, domain := range []string{"dnscheck.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example.com"} {
		options = append(options, "--dns-search="+domain)
	}
	return options
}

// lookup runs a container that looks a name up with musl, and returns what it says.
func lookup(name string, options ...string) (string, error) {
	args := append([]string{"run", "--rm"}, options...)
	out, err := exec.Command("docker", append(args, image+":client", "/musl", "/program", "0", name)...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

// TestPod has a container with a musl program look names up through another one with the image; without muslsafe in the
// Corefile it must fail, and doctor must say so.
func TestPod(t *testing.T) {
	needsImages(t)
	client(t)
	for _, with := range []bool{false, true} {
		text := corefile
		if !with {
			text = strings.Replace(corefile, "muslsafe {\n        search corp.example.com\n    }", "", 1)
		}
		_, volume := mount(t, text)
		server := address(t, start(t, "test", volume))
		exchange(t, "udp", server+":53", "www.example.org.")
		for name, want := range map[string]string{"httpd": "10.96.7.7", "httpd.dnscheck": "10.96.7.7", "www.example.org": "192.0.2.80"} {
			out, err := lookup(name, search(server)...)
			if found := strings.HasSuffix(out, " "+want); err != nil || found != (with || name != "www.example.org") {
				t.Errorf("with muslsafe %v: %s is %q, %v; want %s", with, name, out, err, want)
			}
		}
		args := append([]string{"run", "--rm", "--read-only", "--cap-drop=ALL"}, search(server)...)
		out, err := exec.Command("docker", append(args, images["doctor"], "httpd", "www.example.org")...).CombinedOutput()
		if healthy := strings.Contains(string(out), "\nwww.example.org: healthy\n"); healthy != with || (err == nil) != with {
			t.Errorf("with muslsafe %v: doctor says, with %v:\n%s", with, err, out)
		}
	}
}

// TestRestart stops the server and starts it again, several times, while programs look names up: the retries of musl, which
// has patience for 5 seconds and asks twice, are all that they need. What takes the engine longer than that is not judged.
func TestRestart(t *testing.T) {
	needsImages(t)
	client(t)
	_, idle := mount(t, ".:5300 {\n whoami\n}\n")
	pod := start(t, "test-slim", append(search("127.0.0.1"), idle)...) // holds the network, as the first container of a pod does
	_, volume := mount(t, corefile)
	server := start(t, "test", volume, "--network=container:"+pod)
	addr := address(t, pod) + ":53"
	exchange(t, "udp", addr, "www.example.org.")

	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var lost atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				switch answer, err := lookup("www.example.org", "--network=container:"+pod); {
				case strings.HasPrefix(answer, "EAI_AGAIN"):
					lost.Add(1)
				case err != nil || !strings.HasSuffix(answer, " 192.0.2.80"):
					t.Errorf("%v: %s", err, answer)
				}
			}
		})
	}
	var longest time.Duration
	for range 3 {
		began := time.Now()
		docker(t, "restart", server)
		exchange(t, "udp", addr, "www.example.org.")
		longest = max(longest, time.Since(began))
	}
	cancel()
	wg.Wait()
	t.Logf("a restart took %v at the longest; %d lookups failed", longest, lost.Load())
	if lost.Load() > 0 && longest < 4*time.Second { // 2 of which are lameduck, when it still serves
		t.Errorf("%d lookups failed", lost.Load())
	}
}
