package docker

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestDocument runs all commands of the document of the example, in their order, in its folder. The images are those of the tests,
// and so are the resolvers of this machine. On the default bridge the programs ask muslsafe itself.
func TestDocument(t *testing.T) {
	needsImages(t)
	dir := root + "/corefile-examples/docker"
	p := newProject(t, "document", dir+"/compose.yaml", strings.NewReplacer("SERVER", server, "VICTIM", victim, "GATEWAY", gateway).Replace(`
services:
  dns: {image: SERVER, dns: GATEWAY}
  app: {image: VICTIM, command: [/idle]}
  other: {image: VICTIM, dns: 172.17.0.1}
`))
	upstream.Start(t, gateway+":53", router)
	t.Cleanup(func() { docker(t, "rm", "--force", "--volumes", prefix+"-bridge") })
	here := strings.NewReplacer(
		"docker compose exec", strings.Join(p.command, " ")+" exec -T",
		"docker compose", strings.Join(p.command, " "),
		"alpine:3.22 ping -c 1", victim+" /musl-1.2.5 /look 0",
		"ping -c 1", "/musl-1.2.5 /look 0",
		"muslsafe/coredns:latest-slim", "--dns "+gateway+" "+server,
		"muslsafe/doctor:latest", doctor,
		"--name muslsafe", "--name "+prefix+"-bridge",
		"rm --force muslsafe", "rm --force "+prefix+"-bridge",
	)
	wants := []string{" 198.18.8.1\n", " 198.18.8.1\n", "\napi.example.org: healthy\n", prefix + "-bridge"}
	blocks := lab.Fenced(t, dir+"/README.md", "sh")
	if len(blocks) != len(wants) {
		t.Fatalf("%d blocks of commands; want %d", len(blocks), len(wants))
	}
	for _, line := range lab.Fenced(t, dir+"/README.md", "yaml") {
		if !strings.Contains(lab.ReadFile(t, dir+"/compose.yaml"), line) {
			t.Errorf("%q is in the document and not in compose.yaml", line)
		}
	}
	for i, block := range blocks {
		cmd := exec.Command("sh", "-euxc", here.Replace(block))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), wants[i]) {
			t.Fatalf("%v\n%s\nwant %q", err, out, wants[i])
		}
		if strings.Contains(block, "--publish") { // on the address that the document says is for all networks
			check(t, p.container(t, "other"), rows, true)
		}
	}
}
