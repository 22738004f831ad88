package node

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// Namespace is where the victims are.
const Namespace = "dnscheck"

// Furnish builds the images, and starts what is there before muslsafe is: the DNS of the company, that of the cluster, and
// the pods that look names up.
func (c *Cluster) Furnish(ctx context.Context) error {
	images, err := c.Images()
	if err != nil {
		return err
	}
	if err := c.Import(images); err != nil {
		return err
	}
	if err := c.startCompany(); err != nil {
		return err
	}
	manifests := world.Manifests + "\n---\n" + world.CoreDNS
	for i, libc := range Libcs {
		manifests += victim(libc, c.Nodes[i%len(c.Nodes)].Name)
	}
	if err := c.Apply(manifests); err != nil {
		return err
	}
	return c.eventually(ctx, "the pods are ready", func() error { return c.podsReady(ctx) })
}

// startCompany starts the DNS of the nodes, with the program that is in the image.
func (c *Cluster) startCompany() error {
	for name, text := range map[string]string{"Corefile": world.Company, "example.org.zone": world.CompanyZone} {
		if _, err := c.write("company/"+name, text); err != nil {
			return err
		}
	}
	cmd, err := c.command("company.log", "coredns", "-conf", "Corefile")
	if err != nil {
		return err
	}
	cmd.Path, cmd.Dir = filepath.Join(c.dir, "images", "coredns"), filepath.Join(c.dir, "company")
	cmd.Err = nil // it is in no path
	return cmd.Start()
}

// PodName is that of the victim with a C library.
func PodName(libc string) string { return strings.ReplaceAll(libc, ".", "-") }

// victim is the manifest of a victim.
func victim(libc, node string) string {
	return fmt.Sprintf(`
---
apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s, labels: {app: victim}}
spec:
  nodeName: %s
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 0
  containers:
  - {name: victim, image: %q, imagePullPolicy: Never, readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}}
`, PodName(libc), Namespace, node, VictimImage(libc))
}

// Apply applies manifests.
func (c *Cluster) Apply(manifests string) error {
	cmd := c.Kubectl("apply", "--server-side", "-f", "-")
	cmd.Stdin = strings.NewReader(manifests)
	return Run(cmd)
}

// Run runs a command, whose output is in the error if it fails.
func Run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
	return nil
}

// podsReady returns an error if a pod is not ready.
func (c *Cluster) podsReady(ctx context.Context) error {
	pods, err := c.Client.CoreV1().Pods("").List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	if len(pods.Items) < len(Libcs) {
		return fmt.Errorf("%d pods", len(pods.Items))
	}
	for _, p := range pods.Items {
		if !Ready(&p) {
			return fmt.Errorf("pod %s is not ready: %v", p.Name, p.Status.ContainerStatuses)
		}
	}
	return nil
}

// Ready reports whether a pod is ready.
func Ready(p *core.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == core.PodReady {
			return c.Status == core.ConditionTrue
		}
	}
	return false
}

// Help says how to use the cluster from another terminal.
func (c *Cluster) Help() string {
	enter := fmt.Sprintf("nsenter --target %s --all env KUBECONFIG=%s PATH=%s:$PATH", outsidePID, c.Kubeconfig, c.cache)
	return fmt.Sprintf(`cluster: ready. As root, in another terminal:
  %[1]s sh                              # then: kubectl get pods -A
  %[1]s kubectl -n %[2]s exec musl-1-2-5 -- /look 0 httpd.dnscheck
  %[1]s kubectl apply -k build/kustomize/overlays/replace
Logs are in %[3]s there. Interrupt this program to end it all.
`, enter, Namespace, c.dir)
}
