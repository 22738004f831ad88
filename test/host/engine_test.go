package host

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// engine is a Docker engine in the network of the lab, so that it is the tests that say what the /etc/resolv.conf of its machine
// and its own settings are.
type engine struct{ socket string }

// newEngine starts an engine with settings, as they are in /etc/docker/daemon.json.
func newEngine(t *testing.T, settings string) engine {
	t.Helper()
	lab.Require(t)
	if os.Geteuid() != 0 {
		lab.Skip(t, "needs root, for a Docker engine of its own")
	}
	dockerd, err := exec.LookPath("dockerd")
	if err != nil {
		lab.Skip(t, "needs a Docker engine: "+err.Error())
	}
	dir := t.TempDir()
	lab.WriteFile(t, dir+"/daemon.json", settings)
	group := fmt.Sprintf("muslsafe-engine-%d", os.Getpid())
	t.Cleanup(func() { removeAllCgroups(t, group) })
	// What it starts ends with it: all of it is in a PID namespace.
	lab.Start(t, "API listen on", exec.Command("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child",
		dockerd, "--config-file", dir+"/daemon.json", "--data-root", dir+"/data", "--exec-root", dir+"/run", "--pidfile", dir+"/pid",
		"--host", "unix://"+dir+"/socket", "--storage-driver", "vfs", "--cgroup-parent", group))
	return engine{"unix://" + dir + "/socket"}
}

// removeAllCgroups removes the cgroups of an engine, in each hierarchy.
func removeAllCgroups(t *testing.T, group string) {
	t.Helper()
	for _, pattern := range []string{"/sys/fs/cgroup/", "/sys/fs/cgroup/*/"} {
		dirs, err := filepath.Glob(pattern + group)
		if err != nil {
			t.Error(err)
		}
		for _, dir := range dirs {
			removeCgroups(t, dir)
		}
	}
}

func (e engine) docker(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("docker", append([]string{"--host", e.socket}, args...)...)
	var warnings strings.Builder
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, &warnings)
	}
	return strings.TrimSpace(string(out))
}

// build makes an image of files, by their name in it.
func (e engine) build(t *testing.T, name string, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for to, from := range files {
		if out, err := exec.Command("cp", from, dir+"/"+to).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	lab.WriteFile(t, dir+"/Dockerfile", "FROM scratch\nCOPY . /\n")
	e.docker(t, "build", "--quiet", "--tag", name, dir)
}

// look looks a name up with musl 1.2.5 in a new container, and returns what the program says.
func (e engine) look(t *testing.T, name string, options ...string) string {
	t.Helper()
	args := append([]string{"run", "--rm"}, options...)
	return e.docker(t, append(args, "victim", "/musl", "/look", "0", name)...)
}

// TestEngineBehindHost has a Docker engine on a machine whose /etc/resolv.conf names muslsafe, as the document of the host says. On
// a network of their own, containers are cured by that; on the default bridge they are given servers on the internet.
func TestEngineBehindHost(t *testing.T) {
	startResolvers(t)
	lab.CoreDNS(t, lab.ReadFile(t, example+"/Corefile"), map[string]string{"upstream.conf": plain})
	lab.ResolvConf(t, "nameserver 127.0.0.55\nsearch lan corp.example.com\n")
	e := newEngine(t, "{}")
	e.victim(t)
	e.docker(t, "network", "create", "own")
	if got := e.look(t, "api.example.org", "--network=own"); !strings.HasSuffix(got, " 198.18.8.1") {
		t.Errorf("on a network of its own: %s; want the address", got)
	}
	id := e.docker(t, "run", "--detach", "victim", "/musl", "/look", "4", "localhost")
	file := e.docker(t, "inspect", "--format={{.ResolvConfPath}}", id)
	if got := lab.ReadFile(t, file); !strings.Contains(got, "nameserver 8.8.8.8\n") || strings.Contains(got, "127.0.0.55") {
		t.Errorf("on the default bridge, resolv.conf = %q; want the servers that the document warns of", got)
	}
}

// TestEngineWithSettings gives an engine a muslsafe for all containers, as the document for Docker says.
func TestEngineWithSettings(t *testing.T) {
	startResolvers(t)
	lab.ResolvConf(t, plain)
	e := newEngine(t, `{"dns": ["172.17.0.1"]}`)
	e.victim(t)
	e.build(t, "coredns", map[string]string{"coredns": lab.Binary(t), "Corefile": root + "/corefile-examples/docker/Corefile"})
	e.docker(t, "run", "--detach", "--name=muslsafe", "--publish=172.17.0.1:53:53/udp", "--publish=172.17.0.1:53:53/tcp",
		"--dns=192.0.2.53", "--dns=192.0.2.54", "coredns", "/coredns", "-conf", "/Corefile")
	e.docker(t, "network", "create", "own")
	for _, network := range []string{"bridge", "own"} {
		if got := e.look(t, "api.example.org", "--network="+network); !strings.HasSuffix(got, " 198.18.8.1") {
			t.Errorf("on network %s: %s; want the address", network, got)
		}
	}
	if got := e.look(t, "api.example.org", "--dns=192.0.2.53"); !strings.HasPrefix(got, "EAI_") {
		t.Errorf("without muslsafe: %s; want a failure", got)
	}
}

// victim makes the image of that name.
func (e engine) victim(t *testing.T) {
	t.Helper()
	look := t.TempDir() + "/look"
	lab.LookPath(t, "musl-gcc")
	if out, err := exec.Command("musl-gcc", "-O2", "-o", look, root+"/test/lab/client/getaddrinfo.c").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	e.build(t, "victim", map[string]string{"look": look, "musl": cache(t) + "/musl-1.2.5/libc.so"})
}
