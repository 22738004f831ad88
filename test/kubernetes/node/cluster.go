package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// ControlIP is the address of the control plane.
const ControlIP = "192.0.2.1"

// patience bounds how long anything may take to come true.
const patience = 2 * time.Minute

// Cluster is a Kubernetes cluster that lives as long as this process.
type Cluster struct {
	Client     kubernetes.Interface
	Config     *rest.Config
	Kubeconfig string
	Nodes      []*Node

	cache string // where the components are
	dir   string // configuration and logs
}

// Start starts a control plane and nodes, and waits until they are ready. It needs the namespaces of Enter.
func Start(ctx context.Context, nodes int, proxyMode string) (*Cluster, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	c := &Cluster{cache: filepath.Join(cache, "muslsafe"), dir: "/tmp/cluster"}
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return nil, err
	}
	if err := c.startControl(ctx); err != nil {
		return nil, err
	}
	for i := range nodes {
		n, err := c.addNode(i+1, proxyMode)
		if err != nil {
			return nil, fmt.Errorf("node %d: %w", i+1, err)
		}
		c.Nodes = append(c.Nodes, n)
	}
	return c, c.eventually(ctx, "the nodes are ready", func() error { return c.ready(ctx) })
}

// ready returns an error unless all nodes are ready and pods can be made.
func (c *Cluster) ready(ctx context.Context) error {
	list, err := c.Client.CoreV1().Nodes().List(ctx, meta.ListOptions{})
	if err != nil {
		return err
	}
	ready := 0
	for _, n := range list.Items {
		for _, condition := range n.Status.Conditions {
			if condition.Type == core.NodeReady && condition.Status == core.ConditionTrue {
				ready++
			}
		}
	}
	if ready != len(c.Nodes) {
		return fmt.Errorf("%d of %d nodes are ready", ready, len(c.Nodes))
	}
	// The API admits no pod before its account is there.
	_, err = c.Client.CoreV1().ServiceAccounts(meta.NamespaceDefault).Get(ctx, "default", meta.GetOptions{})
	return err
}

// eventually tries until there is no error.
func (c *Cluster) eventually(ctx context.Context, what string, try func() error) error {
	var last error
	err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = try()
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w, %w (logs are in %s)", what, err, last, c.dir)
	}
	return nil
}

// command returns a component of the cluster, whose output goes to a file.
func (c *Cluster) command(log, name string, args ...string) (*exec.Cmd, error) {
	binary := filepath.Join(c.cache, name)
	if !strings.Contains(name, "/") {
		if _, err := os.Stat(binary); errors.Is(err, os.ErrNotExist) {
			binary = name // of the system
		}
	}
	f, err := os.OpenFile(filepath.Join(c.dir, log), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, args...)
	cmd.Stdout, cmd.Stderr = f, f
	return cmd, nil
}

// write writes a configuration file, and returns its path.
func (c *Cluster) write(name, text string) (string, error) {
	file := filepath.Join(c.dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	return file, os.WriteFile(file, []byte(text), 0o644)
}

// connect makes a client of the administrator.
func (c *Cluster) connect() error {
	var err error
	if c.Config, err = clientcmd.BuildConfigFromFlags("", c.Kubeconfig); err != nil {
		return err
	}
	c.Config.QPS, c.Config.Burst = 1000, 1000
	c.Client, err = kubernetes.NewForConfig(c.Config)
	return err
}

// Kubectl returns a command of the administrator.
func (c *Cluster) Kubectl(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(c.cache, "kubectl"), args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.Kubeconfig)
	return cmd
}

// Shell returns a script with kubectl in its path, which runs in the folder.
func (c *Cluster) Shell(dir, script string) *exec.Cmd {
	cmd := exec.Command("sh", "-euxc", script)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "KUBECONFIG="+c.Kubeconfig, "PATH="+c.Path())
	return cmd
}

// Path is a search path of programs, in which kubectl is that of the cluster.
func (c *Cluster) Path() string { return c.cache + ":" + os.Getenv("PATH") }
