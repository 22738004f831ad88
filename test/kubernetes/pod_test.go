package kubernetes

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// run starts the container of a pod as a kubelet does: with the files of its ConfigMaps, its environment and arguments,
// the token of its account, its sysctls, its user and its capabilities. The image is the binary of this repository.
func (c *cluster) run(t *testing.T, p *pod, namespace string, spec core.PodSpec) *lab.Process {
	t.Helper()
	container := spec.Containers[0]
	args := c.mount(t, namespace, spec, container)
	if spec.AutomountServiceAccountToken == nil || *spec.AutomountServiceAccountToken {
		c.credentials(t, p.secrets, namespace, spec.ServiceAccountName)
	}
	cmd := exec.Command("setpriv", slices.Concat(privileges(spec, container), []string{lab.Binary(t)}, args)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, c.environment(t, p, namespace, spec, container)...)
	if spec.HostNetwork {
		return lab.Start(t, "CoreDNS-", cmd)
	}
	p.enter(cmd, sysctls(spec))
	return lab.Start(t, "CoreDNS-", cmd)
}

// initialize runs the init containers of a pod in the network of the node, with the programs of busybox.
func initialize(t *testing.T, spec core.PodSpec) {
	t.Helper()
	busybox := lab.LookPath(t, "busybox")
	dir := t.TempDir()
	for _, name := range []string{"sh", "ip", "grep"} {
		if err := os.Symlink(busybox, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, container := range spec.InitContainers {
		if container.Image != "busybox" {
			t.Fatalf("image %s; want busybox", container.Image)
		}
		command := slices.Concat(container.Command, container.Args)
		command[0] = filepath.Join(dir, command[0])
		cmd := exec.Command("setpriv", slices.Concat(privileges(spec, container), command)...)
		cmd.Env = []string{"PATH=" + dir}
		for _, e := range container.Env {
			cmd.Env = append(cmd.Env, e.Name+"="+e.Value)
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", container.Name, err, out)
		}
	}
}

// mount writes the ConfigMaps of the container to folders, and returns its arguments with these for the mount points.
func (c *cluster) mount(t *testing.T, namespace string, spec core.PodSpec, container core.Container) []string {
	t.Helper()
	args := slices.Clone(container.Args)
	for _, v := range spec.Volumes {
		config, err := c.client.CoreV1().ConfigMaps(namespace).Get(t.Context(), v.ConfigMap.Name, meta.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		dir, err := os.MkdirTemp("/run", "config-") // which the user of the pod can reach
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, item := range v.ConfigMap.Items {
			lab.WriteFile(t, filepath.Join(dir, item.Path), config.Data[item.Key])
		}
		i := slices.IndexFunc(container.VolumeMounts, func(m core.VolumeMount) bool { return m.Name == v.Name })
		for j := range args {
			args[j] = strings.Replace(args[j], container.VolumeMounts[i].MountPath+"/", dir+"/", 1)
		}
	}
	return args
}

// credentials puts the certificate of the API and a token of the account where a pod finds them.
func (c *cluster) credentials(t *testing.T, secrets, namespace, account string) {
	t.Helper()
	token, err := c.client.CoreV1().ServiceAccounts(namespace).
		CreateToken(t.Context(), account, new(authentication.TokenRequest), meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(secrets, "kubernetes.io", "serviceaccount")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lab.WriteFile(t, filepath.Join(dir, "token"), token.Status.Token)
	lab.WriteFile(t, filepath.Join(dir, "ca.crt"), lab.ReadFile(t, c.ca))
}

// environment returns the variables of the container: where the API is, the Services beside it, and its own.
func (c *cluster) environment(t *testing.T, p *pod, namespace string, spec core.PodSpec, container core.Container) []string {
	t.Helper()
	env := map[string]string{"KUBERNETES_SERVICE_HOST": apiHost, "KUBERNETES_SERVICE_PORT": apiPort}
	if spec.EnableServiceLinks == nil || *spec.EnableServiceLinks {
		services, err := c.client.CoreV1().Services(namespace).List(t.Context(), meta.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range services.Items {
			env[strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))+"_SERVICE_HOST"] = s.Spec.ClusterIP
		}
	}
	for _, e := range container.Env {
		env[e.Name] = e.Value
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil && e.ValueFrom.FieldRef.FieldPath == "status.podIP" {
			env[e.Name] = p.addr
		}
	}
	var list []string
	for _, name := range slices.Sorted(maps.Keys(env)) {
		list = append(list, name+"="+env[name])
	}
	return list
}

// sysctls is a script that sets those of the pod.
func sysctls(spec core.PodSpec) string {
	var script strings.Builder
	for _, s := range spec.SecurityContext.Sysctls {
		fmt.Fprintf(&script, "echo %s > /proc/sys/%s && ", s.Value, strings.ReplaceAll(s.Name, ".", "/"))
	}
	return script.String()
}

// privileges returns the arguments by which setpriv gives the container its user and capabilities, and nothing else. A user
// keeps those by being told to, as the program of the image keeps its own by a file capability.
func privileges(spec core.PodSpec, container core.Container) []string {
	user := spec.SecurityContext.RunAsUser
	if own := container.SecurityContext.RunAsUser; own != nil {
		user = own
	}
	id := strconv.FormatInt(*user, 10)
	caps := "-all"
	for _, capability := range container.SecurityContext.Capabilities.Add {
		caps += ",+" + strings.ToLower(string(capability))
	}
	return []string{"--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs", "--inh-caps", caps,
		"--ambient-caps", caps, "--bounding-set", caps, "--pdeathsig", "KILL"}
}

// ask asks a probe of a container, at the address of the pod unless it names one.
func ask(p *pod, container core.Container, probe *core.Probe) error {
	get := probe.HTTPGet
	host, port := get.Host, get.Port.String()
	if host == "" {
		host = p.addr
	}
	for _, named := range container.Ports {
		if named.Name == port {
			port = strconv.Itoa(int(named.ContainerPort))
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}
	resp, err := client.Get("http://" + net.JoinHostPort(host, port) + get.Path)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", get.Path, resp.Status)
	}
	return nil
}
