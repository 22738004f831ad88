package docker

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const devcontainer = root + "/corefile-examples/devcontainer/"

// TestDevcontainer starts what devcontainer.json names, as an editor does, behind a tunnel.
func TestDevcontainer(t *testing.T) {
	needsImages(t)
	var d struct{ DockerComposeFile, Service, WorkspaceFolder string }
	if err := json.Unmarshal([]byte(lab.ReadFile(t, devcontainer+"devcontainer.json")), &d); err != nil {
		t.Fatal(err)
	}
	const gateway = "172.30.54.1"
	p := newProject(t, "devcontainer", devcontainer+d.DockerComposeFile, fmt.Sprintf(`
services:
  dns: {image: "%[1]s", dns: "%[3]s"}
  %[4]s: {image: "%[2]s", command: [/idle]}
  stock: {image: "%[2]s", dns: "%[3]s"}
`, server, victim, gateway, d.Service))
	lab.Tunnel(t, gateway+":53")
	p.do(t, "up", "--detach")
	rows := []row{
		{"vpnkit", "api.vpnkit.example.org", "192.0.2.90", musl},
		{"the tunnel of WSL2", "api.example.org", "192.0.2.90", musl},
		{"a container", "dns", "172.30.54.53", nobody},
	}
	for service, with := range map[string]bool{"stock": false, d.Service: true} {
		t.Run(service, func(t *testing.T) { check(t, p.container(t, service), rows, with) })
	}
	if got := docker(t, "inspect", "--format={{range .Mounts}}{{.Destination}} {{end}}", p.container(t, d.Service)); got != d.WorkspaceFolder {
		t.Errorf("the dev container has %q; want its workspace at %s", got, d.WorkspaceFolder)
	}
}
