package image

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// corefile is a small cluster: a service, an external name, and a search domain that never says NXDOMAIN.
const corefile = `. {
    errors
    health {
        lameduck 2s
    }
    ready
    muslsafe {
        search corp.example.com
    }
    template IN A . {
        match ^httpd[.]dnscheck[.]svc[.]cluster[.]local[.]$
        answer "{{ .Name }} 60 IN A 10.96.7.7"
        fallthrough
    }
    template IN A . {
        match ^www[.]example[.]org[.]$
        answer "{{ .Name }} 60 IN A 192.0.2.80"
        fallthrough
    }
    template IN AAAA . {
        match ^(httpd[.]dnscheck[.]svc[.]cluster[.]local|www[.]example[.]org)[.]$
        authority ". 60 IN SOA ns.example. hostmaster.example. 1 7200 1800 86400 60"
        fallthrough
    }
    template IN ANY corp.example.com {
        authority "corp.example.com. 60 IN SOA ns.corp.example.com. hostmaster.corp.example.com. 1 7200 1800 86400 60"
    }
    template IN ANY . {
        rcode NXDOMAIN
        authority ". 60 IN SOA ns.example. hostmaster.example. 1 7200 1800 86400 60"
    }
}
`

// mount writes a Corefile that the user of the image can read, and returns the option that mounts it.
func mount(t *testing.T, text string) (file, option string) {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	file = filepath.Join(dir, "Corefile")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file, "--volume=" + dir + ":/etc/coredns:ro"
}

// start runs an image until the end of the test.
func start(t *testing.T, tag string, options ...string) (id string) {
	t.Helper()
	args := append([]string{"run", "--detach", "--read-only"}, options...)
	id = docker(t, append(args, image+":"+tag)...)
	t.Cleanup(func() { docker(t, "rm", "--force", id) })
	return id
}

// exchange asks at an address until somebody answers.
func exchange(t *testing.T, network, addr, name string) *dns.Msg {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := new(dns.Msg).SetQuestion(name, dns.TypeA)
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

// TestPrivileges starts the images with the rights that orchestrators give, and asks on port 53.
func TestPrivileges(t *testing.T) {
	needsImages(t)
	_, volume := mount(t, corefile)
	const node = "--sysctl=net.ipv4.ip_unprivileged_port_start=1024" // the default of a kernel, and of containerd before 2.0
	tests := []struct {
		about   string
		options []string
	}{
		{"as the engine does it", nil},
		{"another user", []string{"--user=1234:1234"}},
		{"NET_BIND_SERVICE alone", []string{node, "--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE"}},
		{"NET_BIND_SERVICE alone, and no new privileges", []string{node, "--cap-drop=ALL", "--cap-add=NET_BIND_SERVICE", "--security-opt=no-new-privileges", "--user=0:0"}},
		{"no capability where every port is free", []string{"--sysctl=net.ipv4.ip_unprivileged_port_start=0", "--cap-drop=ALL", "--security-opt=no-new-privileges"}},
	}
	for _, tag := range []string{"test", "test-slim"} {
		for _, tc := range tests {
			t.Run(tag+", "+tc.about, func(t *testing.T) {
				id := start(t, tag, append(tc.options, volume, "--publish=127.0.0.1::53/udp", "--publish=127.0.0.1::53/tcp")...)
				for _, network := range []string{"udp", "tcp"} {
					addr := strings.Fields(docker(t, "port", id, "53/"+network))[0]
					m := exchange(t, network, addr, "web.default.svc.cluster.local.example.com.")
					if m.Rcode != dns.RcodeNameError || !m.Authoritative || len(m.Ns) != 1 {
						t.Errorf("%s: %v; want the denial of a leak", network, m)
					}
				}
			})
		}
	}
}

// TestBuiltInCorefile starts the image with nothing mounted: it stands before the resolvers of the container.
func TestBuiltInCorefile(t *testing.T) {
	needsImages(t)
	_, volume := mount(t, corefile)
	resolver := address(t, start(t, "test", volume))
	id := start(t, "test-slim", "--dns="+resolver, "--dns-search=corp.example.com")
	m := exchange(t, "udp", address(t, id)+":53", "www.example.org.")
	if len(m.Answer) != 1 {
		t.Errorf("reply = %v; want the address", m)
	}
	m = exchange(t, "udp", address(t, id)+":53", "www.example.org.corp.example.com.")
	if m.Rcode != dns.RcodeNameError {
		t.Errorf("reply = %v; want NXDOMAIN for a step of a search, by the search list of the container", m)
	}
}

func address(t *testing.T, id string) string {
	t.Helper()
	return docker(t, "inspect", "--format={{.NetworkSettings.IPAddress}}", id)
}

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
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(dockerfile), 0o644); err != nil {
		t.Fatal(err)
	}
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
// Corefile it must fail.
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

// TestDrains ends the server while it is asked: it goes on for as long as lameduck says, and ends well.
func TestDrains(t *testing.T) {
	needsImages(t)
	_, volume := mount(t, corefile)
	id := start(t, "test", volume)
	addr := address(t, id) + ":53"
	exchange(t, "udp", addr, "www.example.org.")
	docker(t, "kill", "--signal=TERM", id)
	awaitLog(t, id, "Going into lameduck mode")
	if m, err := dns.Exchange(new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA), addr); err != nil || len(m.Answer) != 1 {
		t.Errorf("after SIGTERM: %v, %v; want the answer", m, err)
	}
	if code := docker(t, "wait", id); code != "0" {
		t.Errorf("exit status %s; want 0", code)
	}
}

// TestBrokenReload breaks the Corefile of a running server, which goes on with the old one and says so.
func TestBrokenReload(t *testing.T) {
	needsImages(t)
	file, volume := mount(t, strings.Replace(corefile, "errors", "errors\n    reload 2s 1s", 1))
	id := start(t, "test", volume)
	addr := address(t, id) + ":53"
	exchange(t, "udp", addr, "www.example.org.")
	if err := os.WriteFile(file, []byte(strings.Replace(corefile, "search corp", "serach corp", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, id, `unknown property "serach"`)
	if m, err := dns.Exchange(new(dns.Msg).SetQuestion("www.example.org.", dns.TypeA), addr); err != nil || len(m.Answer) != 1 {
		t.Errorf("with a broken Corefile: %v, %v; want the answer", m, err)
	}
}

// awaitLog waits until a container has written text.
func awaitLog(t *testing.T, id, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(docker(t, "logs", id), text); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not say %q:\n%s", id, text, docker(t, "logs", id))
		}
	}
}
