package docker

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// instead is what the tests have in place of images from a registry and of the resolvers of this machine, and services beside
// that of the example: one that Docker serves alone, and two that search.
const instead = `
services:
  dns: {image: "%[1]s", dns: "%[3]s", dns_search: [lan, corp.example.com]}
  app: {image: "%[2]s", command: [/idle]}
  stock: {image: "%[2]s", dns: "%[3]s"}
  app-searching: {image: "%[2]s", dns: "%[4]s", dns_search: [lan, corp.example.com], dns_opt: ["ndots:1"]}
  stock-searching: {image: "%[2]s", dns: "%[3]s", dns_search: [lan, corp.example.com], dns_opt: ["ndots:1"]}
  absolute:
    image: "%[1]s"
    dns: "%[3]s"
    dns_search: [lan, corp.example.com]
    volumes: ["%[5]s:/etc/coredns/Corefile:ro"]
    networks: {default: {ipv4_address: %[6]s}}
  app-ndots0: {image: "%[2]s", dns: "%[6]s", dns_search: [lan, corp.example.com]}
  stock-ndots0: {image: "%[2]s", dns: "%[3]s", dns_search: [lan, corp.example.com]}
`

// TestCompose starts the Compose file of the example as it stands, on a network where Docker's embedded DNS is asked first.
func TestCompose(t *testing.T) {
	needsImages(t)
	p := newProject(t, "compose", root+"/corefile-examples/docker/compose.yaml",
		fmt.Sprintf(instead, server, victim, gateway, own, withAbsolute(t), absolute))
	resolver := upstream.Start(t, gateway+":53", router) // the network is there by now
	p.do(t, "up", "--detach")
	containers := []row{
		{"a container", "dns", own, nobody},
		{"an absent name", "nope.example.org", "EAI_NONAME", nobody},
	}
	// As the document says, the names of containers are Docker's own affair, and a server that is down takes no names of containers away.
	defer func() {
		p.do(t, "stop", "--timeout", "0", "dns")
		down := []row{{"a container", "stock", "172.30.53.", nobody}, {"another name", "www.example.org", "EAI_AGAIN", nobody}}
		check(t, p.container(t, "app"), down, true)
		for _, q := range resolver.Queries("dns") {
			if q.Name == "dns." {
				t.Errorf("%+v was asked; want the name of a container to stay with Docker", q)
			}
		}
	}()
	for _, with := range []bool{false, true} {
		service := map[bool]string{false: "stock", true: "app"}[with]
		t.Run(service, func(t *testing.T) {
			check(t, p.container(t, service), append(containers, rows...), with)
		})
		t.Run(service+"-searching", func(t *testing.T) {
			check(t, p.container(t, service+"-searching"), searches, with)
		})
		t.Run(service+"-ndots0", func(t *testing.T) {
			check(t, p.container(t, service+"-ndots0"), relative, with)
		})
	}
}

// absolute is the address of a server with the fix of that name.
const absolute = "172.30.53.54"

// withAbsolute writes the Corefile of that server, as the document of the example has it, and returns where.
func withAbsolute(t *testing.T) string {
	t.Helper()
	blocks := lab.Fenced(t, root+"/corefile-examples/docker/README.md", "corefile")
	if len(blocks) != 1 {
		t.Fatalf("%d Corefiles in the document; want 1", len(blocks))
	}
	file := t.TempDir() + "/Corefile"
	lab.WriteFile(t, file, blocks[0])
	if err := os.Chmod(filepath.Dir(file), 0o755); err != nil { // the server is another user
		t.Fatal(err)
	}
	return file
}

// TestStartUp looks at what the server of the example says when it starts: nothing about a cluster.
func TestStartUp(t *testing.T) {
	needsImages(t)
	id := docker(t, "run", "--detach", "--name", prefix+"-startup", "--dns=192.0.2.53", "--dns-search=lan",
		"--volume="+corefile(t)+":/etc/coredns/Corefile:ro", server)
	t.Cleanup(func() { docker(t, "rm", "--force", id) })
	awaitLog(t, id, "CoreDNS-")
	log := logs(t, id)
	if want := "plugin/muslsafe: dns://.:53: cluster domains []; search domains [lan.] from /etc/resolv.conf"; !strings.Contains(log, want) {
		t.Errorf("log:\n%s\nwant %q in it", log, want)
	}
	if strings.Contains(log, "WARNING") || strings.Contains(log, "cluster.local") {
		t.Errorf("log:\n%s\nwant no warning, and nothing about a cluster", log)
	}
}

// corefile returns where the Corefile of the example is.
func corefile(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(root + "/corefile-examples/docker/Corefile")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// logs returns what a container has written.
func logs(t *testing.T, id string) string {
	t.Helper()
	out, err := exec.Command("docker", "logs", id).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// awaitLog waits until a container has written text.
func awaitLog(t *testing.T, id, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(logs(t, id), text); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not say %q:\n%s", id, text, logs(t, id))
		}
	}
}
