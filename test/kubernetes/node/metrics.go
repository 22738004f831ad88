package node

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// metricsServer adds the image of metrics-server, and returns its manifests: those of its release, with what a cluster needs
// whose kubelets have signed their certificates themselves.
func (c *Cluster) metricsServer(images map[string]v1.Image) (manifests string, err error) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.Dir}}", "sigs.k8s.io/metrics-server")
	if list.Dir, err = repository("test", "kubernetes", "metrics"); err != nil {
		return "", err
	}
	out, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", list, err)
	}
	version, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	b := &builder{}
	images["registry.k8s.io/metrics-server/metrics-server:"+version] = b.pack(
		map[string]file{"/metrics-server": {from: filepath.Join(c.cache, "metrics-server")}},
		v1.Config{User: "65534", Entrypoint: []string{"/metrics-server"}})
	if b.err != nil {
		return "", b.err
	}
	out, err = c.Kubectl("kustomize", filepath.Join(dir, "manifests", "overlays", "release")).Output()
	return strings.Replace(string(out), "- --metric-resolution=15s", "- --metric-resolution=10s\n        - --kubelet-request-timeout=5s\n        - --kubelet-insecure-tls", 1), err
}
