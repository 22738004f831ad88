package image

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
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
	lab.WriteFile(t, file, text)
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
	lab.WriteFile(t, file, strings.Replace(corefile, "search corp", "serach corp", 1))
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
