// Package cluster runs the manifests of build/kustomize on a real cluster, by the commands of their pages, and has pods look
// names up there, before, meanwhile and after.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(node.Enter(m.Run)) }

const (
	// root of the repository.
	root = "../../.."
	// platforms has the pages whose commands are run.
	platforms = root + "/build/kustomize/platforms/"
)

// world is a cluster with the DNS of kubeadm, and pods that look names up.
type world struct {
	*node.Cluster
	victims []node.Victim
}

var shared = sync.OnceValues(func() (*world, error) {
	ctx, began := context.Background(), time.Now()
	c, err := node.Start(ctx, 2, "nftables")
	if err != nil {
		return nil, err
	}
	nodes := time.Since(began)
	if err := c.Furnish(); err != nil {
		return nil, err
	}
	victims, err := c.StartVictims(ctx, "")
	fmt.Printf("the nodes were ready after %v, images and pods after %v\n", nodes, time.Since(began))
	return &world{c, victims}, err
})

// start starts the cluster, once for all tests. Each leaves it as it has found it.
func start(t *testing.T) *world {
	t.Helper()
	if err := node.Lacking(); err != nil {
		lab.Skip(t, "needs root, namespaces and control groups of its own, and the components of Kubernetes: "+err.Error())
	}
	w, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// kubectl runs a command of the administrator.
func (w *world) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := w.Kubectl(args...).CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl %s: %v: %s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// shell runs commands of a page beside the folder build, as a reader does, with further programs in the path.
func (w *world) shell(t *testing.T, script string, programs map[string]string) {
	t.Helper()
	w.shellIn(t, t.TempDir(), script, programs)
}

// shellIn is shell in a folder that keeps what the commands write.
func (w *world) shellIn(t *testing.T, dir, script string, programs map[string]string) {
	t.Helper()
	build, err := filepath.Abs(root + "/build")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(build, filepath.Join(dir, "build")); err != nil && !errors.Is(err, fs.ErrExist) {
		t.Fatal(err)
	}
	cmd := w.Shell(dir, script)
	for name, text := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, "PATH="+dir+":"+w.Path())
	}
	if err := node.Run(cmd); err != nil {
		t.Fatal(err)
	}
}

// section returns the commands below a heading of a page.
func section(t *testing.T, page, heading string) string {
	t.Helper()
	return fenced(t, page, heading, "sh")
}

// fenced returns all that stands below a heading of a page in a language.
func fenced(t *testing.T, page, heading, language string) string {
	t.Helper()
	text := lab.ReadFile(t, platforms+page)
	_, text, found := strings.Cut(text, "\n## "+heading+"\n")
	text, _, _ = strings.Cut(text, "\n## ")
	blocks := lab.Fence(language).FindAllStringSubmatch(text, -1)
	if !found || len(blocks) == 0 {
		t.Fatalf("%s has no %s below %q", page, language, heading)
	}
	var script strings.Builder
	for _, block := range blocks {
		script.WriteString(block[1])
	}
	return script.String()
}

// left waits until no more than some pods are left with labels.
func (w *world) left(t *testing.T, namespace, selector string, most int) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // it is called when a test ends, too
	eventually(t, fmt.Sprintf("%d pods with %s in %s", most, selector, namespace), func() error {
		pods, err := w.Client.CoreV1().Pods(namespace).List(ctx, meta.ListOptions{LabelSelector: selector})
		if err != nil || len(pods.Items) <= most {
			return err
		}
		return fmt.Errorf("%d are left", len(pods.Items))
	})
}

// eventually tries until there is no error.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		err := try()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
	}
}

// looked is what a lookup in a pod came to.
type looked struct {
	text string
	ok   bool // it found the address, and no other
}

var line = regexp.MustCompile(`^(\w+) \d+((?: \S+)*)$`)

// look looks a name up with a program of a pod.
func look(t *testing.T, v node.Victim, program, name, want string) looked {
	t.Helper()
	text, err := v.Look(program, name)
	if err != nil {
		t.Errorf("%s: %v", v.Libc, err)
	}
	m := line.FindStringSubmatch(text)
	if m == nil {
		return looked{text: text}
	}
	addrs := strings.Fields(m[2])
	return looked{text, m[1] == "OK" && slices.Equal(addrs, []string{netip.MustParseAddr(want).String()})}
}
