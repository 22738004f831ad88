package kubernetes

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	authentication "k8s.io/api/authentication/v1"
	rbac "k8s.io/api/rbac/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// clusterPage shows doctor cluster, and the rights that it needs.
const clusterPage = root + "/build/doctor/cluster/README.md"

// startReported starts an API with all that, and returns the kubeconfig of the administrator.
func startReported(t *testing.T) (*cluster, string) {
	t.Helper()
	c := startCluster(t)
	c.apply(t, parse(t, ciliumKinds()))
	eventually(t, "the kinds of Cilium are there", func() error {
		c.mapper.Reset()
		list, err := c.client.Discovery().ServerResourcesForGroupVersion("cilium.io/v2")
		if err == nil && len(list.APIResources) < 2 {
			err = errors.New("one of them is not")
		}
		return err
	})
	c.apply(t, parse(t, world.Manifests+defaultAccount+"\n---\n"+world.CoreDNS))
	c.apply(t, parse(t, everything))
	return c, c.kubeconfig(t, "admin")
}

// kubeconfig writes one for a token.
func (c *cluster) kubeconfig(t *testing.T, token string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	lab.WriteFile(t, file, fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: test, cluster: {server: "https://%s:%s", certificate-authority: %s}}]
users: [{name: test, user: {token: %s}}]
contexts: [{name: test, context: {cluster: test, user: test, namespace: dnscheck}}]
current-context: test
`, apiHost, apiPort, c.ca, token))
	return file
}

// reportCommand is doctor cluster with the kubectl of the tests, in a process group of its own.
func reportCommand(t *testing.T, kubeconfig string, args ...string) *exec.Cmd {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "muslsafe")
	if _, err := os.Stat(filepath.Join(dir, "kubectl")); err != nil {
		lab.Skip(t, "needs kubectl (test/install.sh builds it): "+err.Error())
	}
	cmd := exec.Command(lab.Doctor(t), append([]string{"cluster", "--kubeconfig", kubeconfig}, args...)...)
	cmd.Env = append(os.Environ(), "PATH="+dir, "HOME="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// report is what the tests read of doctor cluster --json.
type report struct {
	DNS      struct{ Service, Muslsafe string }
	InFront  []struct{ Kind string }
	Pods     []struct{ Pods int }
	Findings []struct{ Level, Rule, Where string }
	Probes   []struct{ Node, Error string }
	Lacking  []struct{ What, Why string }
}

// rules returns the rules that found something.
func (r report) rules() (all []string) {
	for _, f := range r.Findings {
		all = append(all, f.Rule)
	}
	return all
}

// reported runs doctor cluster.
func reported(t *testing.T, kubeconfig string, args ...string) (status int, r report, errs string) {
	t.Helper()
	cmd := reportCommand(t, kubeconfig, append([]string{"--json"}, args...)...)
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil && out.Len() > 0 {
		t.Fatalf("%v in:\n%s", err, &out)
	}
	return cmd.ProcessState.ExitCode(), r, stderr.String()
}

// TestReport reads a cluster by a real kubectl.
func TestReport(t *testing.T) {
	_, kubeconfig := startReported(t)
	status, r, errs := reported(t, kubeconfig)
	want := []string{"ndots", "cilium-refused", "tofqdns", "tofqdns", "top-level"}
	if got := r.rules(); status != 1 || !slices.Equal(got, want) || len(r.Lacking) > 0 || errs != "" {
		t.Errorf("status %d, found %q, lacking %v, %s; want 1, %q", status, got, r.Lacking, errs, want)
	}
	if r.DNS.Service != "kube-system/kube-dns" || r.DNS.Muslsafe != "yes" || len(r.InFront) != 2 {
		t.Errorf("DNS %+v, in front %+v; want kube-dns with muslsafe, Cilium and LocalDNS", r.DNS, r.InFront)
	}
	if _, r, _ := reported(t, kubeconfig, "-n", "dev"); len(r.Pods) > 0 || len(r.Findings) != 4 {
		t.Errorf("in a namespace without pods: %+v, %q; want all but those of pods", r.Pods, r.rules())
	}
	if _, r, _ := reported(t, kubeconfig, "--context", "test", "-n", "dnscheck"); len(r.Pods) != 1 {
		t.Errorf("in a namespace with a pod: %+v", r.Pods)
	}
}

// TestReportRights takes the rights of the page away, one at a time: doctor names it, and reports the rest.
func TestReportRights(t *testing.T) {
	c, admin := startReported(t)
	role := pick[rbac.ClusterRole](t, parse(t, lab.Fenced(t, clusterPage, "yaml")[0]), "ClusterRole", "")
	binding := &rbac.ClusterRoleBinding{
		TypeMeta: meta.TypeMeta{APIVersion: "rbac.authorization.k8s.io/v1", Kind: "ClusterRoleBinding"}, ObjectMeta: meta.ObjectMeta{Name: "doctor"},
		RoleRef:  rbac.RoleRef{APIGroup: "rbac.authorization.k8s.io", Kind: "ClusterRole", Name: role.Name},
		Subjects: []rbac.Subject{{Kind: "ServiceAccount", Name: "doctor", Namespace: "dnscheck"}},
	}
	if _, err := c.client.RbacV1().ClusterRoleBindings().Create(t.Context(), binding, meta.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	token, err := c.client.CoreV1().ServiceAccounts("dnscheck").CreateToken(t.Context(), "doctor", &authentication.TokenRequest{}, meta.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := c.kubeconfig(t, token.Status.Token)
	_, all, _ := reported(t, admin)
	c.grant(t, &role)
	eventually(t, "the rights of the page are enough", func() error {
		status, r, errs := reported(t, kubeconfig)
		if status != 1 || len(r.Lacking) > 0 || !slices.Equal(r.rules(), all.rules()) {
			return fmt.Errorf("status %d, %q, lacking %v, %s", status, r.rules(), r.Lacking, errs)
		}
		return nil
	})
	for _, lacking := range rights(role) {
		t.Run(lacking.verb+" "+lacking.resource, func(t *testing.T) {
			c.grant(t, without(role, lacking))
			name := strings.TrimSuffix(lacking.resource+"."+lacking.group, ".")
			eventually(t, "doctor says that it lacks "+name, func() error {
				_, r, errs := reported(t, kubeconfig)
				if len(r.Lacking) == 0 || !strings.Contains(r.Lacking[0].Why, "no right to "+lacking.verb+" "+name) {
					return fmt.Errorf("lacking %v, %s", r.Lacking, errs)
				}
				for _, l := range r.Lacking {
					if !strings.Contains(l.Why, name) {
						return fmt.Errorf("lacking %v", r.Lacking)
					}
				}
				return nil
			})
		})
	}
}

// grant gives a role its rights.
func (c *cluster) grant(t *testing.T, role *rbac.ClusterRole) {
	t.Helper()
	roles := c.client.RbacV1().ClusterRoles()
	_, err := roles.Update(t.Context(), role, meta.UpdateOptions{})
	if err != nil {
		_, err = roles.Create(t.Context(), role, meta.CreateOptions{})
	}
	if err != nil {
		t.Fatal(err)
	}
}
