// Package docker has programs in real containers look names up, on networks of their own and on the default bridge of the Docker
// engine of this machine: as Docker does it, and through the examples for machines without Kubernetes.
package docker

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const root = "../.."

// prefix begins the names of all that the tests make on the engine, which others use as well.
var prefix = fmt.Sprintf("muslsafe-test-%d", os.Getpid())

func TestMain(m *testing.M) {
	code := m.Run()
	removeImages()
	os.Exit(code)
}

// run runs a program, and returns what it wrote to its output.
func run(name string, args ...string) (string, error) {
	var warnings strings.Builder
	cmd := exec.Command(name, args...)
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", cmd, err, out, &warnings)
	}
	return strings.TrimSpace(string(out)), nil
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := run("docker", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// composeCommand returns what starts Compose: the plugin of the engine's client, or the program of its own that came before.
func composeCommand(t *testing.T) []string {
	t.Helper()
	if _, err := run("docker", "compose", "version"); err == nil {
		return []string{"docker", "compose"}
	}
	path, err := exec.LookPath("docker-compose")
	if err != nil {
		lab.Skip(t, "needs Compose, as a plugin of docker or as docker-compose: "+err.Error())
	}
	return []string{path}
}

// project is a Compose project of the tests.
type project struct {
	command []string
}

// newProject makes a project of a Compose file and of what a test has in place of parts of it. Nothing is started.
func newProject(t *testing.T, name, file, instead string) project {
	t.Helper()
	override := t.TempDir() + "/override.yaml"
	lab.WriteFile(t, override, instead)
	p := project{append(composeCommand(t), "--project-name", prefix+"-"+name, "--file", file, "--file", override)}
	t.Cleanup(func() { p.do(t, "down", "--volumes", "--timeout", "0") })
	p.do(t, "up", "--no-start")
	return p
}

func (p project) do(t *testing.T, args ...string) string {
	t.Helper()
	all := append(p.command[1:len(p.command):len(p.command)], args...)
	out, err := run(p.command[0], all...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// container returns the container of a service.
func (p project) container(t *testing.T, service string) string {
	t.Helper()
	id := p.do(t, "ps", "--quiet", service)
	if id == "" {
		t.Fatalf("no container of service %s:\n%s", service, p.do(t, "ps"))
	}
	return id
}
