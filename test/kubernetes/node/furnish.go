package node

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// Furnish builds the images, and starts what is there before muslsafe is: the DNS of the company, that of the cluster, and
// metrics-server, which has no figures before half a minute.
func (c *Cluster) Furnish() error {
	images, err := c.Images()
	if err != nil {
		return err
	}
	metrics, err := c.metricsServer(images)
	if err != nil {
		return err
	}
	if err := c.Import(images); err != nil {
		return err
	}
	if err := c.startCompany(); err != nil {
		return err
	}
	if err := c.Apply(world.Manifests + "\n---\n" + world.CoreDNS + "\n---\n" + metrics); err != nil {
		return err
	}
	return Run(c.Kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns"))
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

// Apply applies manifests.
func (c *Cluster) Apply(manifests string) error {
	cmd := c.Kubectl("apply", "--server-side", "--force-conflicts", "-f", "-")
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

// Help says how to use the cluster from another terminal.
func (c *Cluster) Help() string {
	enter := fmt.Sprintf("nsenter --target %s --all --wd=$PWD env KUBECONFIG=%s PATH=%s:$PATH", outsidePID, c.Kubeconfig, c.cache)
	return fmt.Sprintf(`cluster: ready. As root, in another terminal:
  %[1]s sh                              # then: kubectl get pods -A
  %[1]s kubectl -n %[2]s exec musl-1-2-5 -- /look 0 httpd.dnscheck
  %[1]s kubectl apply -k build/kustomize/overlays/replace
Logs are in %[3]s there. Interrupt this program to end it all.
`, enter, Namespace, c.dir)
}
