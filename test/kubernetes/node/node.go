package node

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// Node is a node of the cluster: kubelet, kube-proxy and containerd in namespaces of their own, beside those of the control
// plane, which routes between the nodes.
type Node struct {
	Name, IP string
	PID      int // of the first process in its namespaces, with which all others end

	cluster *Cluster
	number  int
	place   *place
	kubelet *exec.Cmd
	proxy   *exec.Cmd
}

// addNode starts a node. It becomes ready some time later.
func (c *Cluster) addNode(number int, proxyMode string) (*Node, error) {
	n := &Node{Name: fmt.Sprintf("node-%d", number), IP: fmt.Sprintf("192.0.2.%d", 10+number), cluster: c, number: number}
	// The shell adopts what loses its parent, and buries it.
	first := exec.Command("sh", "-c", "sleep infinity & wait")
	first.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := first.Start(); err != nil {
		return nil, err
	}
	n.PID = first.Process.Pid
	if err := makeGroup(n.group()); err != nil {
		return nil, fmt.Errorf("control groups: %w", err)
	}
	var err error
	if n.place, err = enterPlace(n.PID); err != nil {
		return nil, err
	}
	if err := n.furnish(); err != nil {
		return nil, err
	}
	return n, n.startComponents(proxyMode)
}

// group is the control group of the pods.
func (n *Node) group() string { return os.Getenv(groupVar) + "/" + n.Name }

// subnet is the network of the pods.
func (n *Node) subnet() string { return fmt.Sprintf("10.244.%d.0/24", n.number) }

// tunables are what a kubelet wants of a kernel. They hold for the whole machine, so the node sees files in their place,
// with the values that the kubelet looks for.
const tunables = "vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000"

// furnish gives the node its network and its view of the file system.
func (n *Node) furnish() error {
	dir := filepath.Join(n.cluster.dir, n.Name)
	if err := os.MkdirAll(filepath.Join(dir, "sysctl"), 0o755); err != nil {
		return err
	}
	if err := shell(fmt.Sprintf(`
		ip link add %[1]s type veth peer name eth0 netns %[2]d
		ip link set %[1]s up
		ip route add %[3]s dev %[1]s src %[4]s
		ip route add %[5]s via %[3]s dev %[1]s src %[4]s`,
		n.Name, n.PID, n.IP, ControlIP, n.subnet())).Run(); err != nil {
		return err
	}
	return n.place.run(shell(fmt.Sprintf(`
		mount --make-rprivate /
		mount -t proc proc /proc
		for tunable in %[1]s; do
			file=%[2]s/sysctl/$(echo ${tunable%%=*} | tr / .)
			echo ${tunable#*=} >$file
			mount --bind $file /proc/sys/${tunable%%=*}
		done
		for dir in /run /var/lib /var/log /opt; do mount -t tmpfs -o mode=755 tmpfs $dir; done
		mount --make-rshared /
		hostname %[3]s
		ip link set lo up
		ip addr add %[4]s/32 dev eth0
		ip link set eth0 up
		ip route add %[5]s dev eth0
		ip route add default via %[5]s
		echo 1 >/proc/sys/net/ipv4/ip_forward`,
		tunables, dir, n.Name, n.IP, ControlIP)))
}

// startComponents starts what makes a node of it.
func (n *Node) startComponents(proxyMode string) error {
	if err := n.configure(); err != nil {
		return err
	}
	dir := filepath.Join(n.cluster.dir, n.Name)
	if _, err := n.start("containerd/containerd", "--config", filepath.Join(dir, "containerd.toml")); err != nil {
		return err
	}
	if err := n.awaitContainerd(); err != nil {
		return err
	}
	if err := n.Kubelet(world.ClusterDNS); err != nil {
		return err
	}
	return n.Proxy(proxyMode)
}

// Kubelet runs a kubelet that gives pods a name server, in the place of the one that runs. The pods go on.
func (n *Node) Kubelet(clusterDNS string) error {
	end(n.kubelet)
	config, err := n.cluster.write(n.Name+"/kubelet.yaml", kubeletConfig(n, clusterDNS))
	if err != nil {
		return err
	}
	n.kubelet, err = n.start("kubelet", "--config", config, "--kubeconfig", n.cluster.Kubeconfig,
		"--hostname-override", n.Name, "--node-ip", n.IP)
	return err
}

// end ends a process, if there is one.
func end(cmd *exec.Cmd) {
	if cmd != nil {
		_ = cmd.Process.Kill() // it may have ended already
		_ = cmd.Wait()
	}
}

// Proxy runs kube-proxy in a mode, in the place of the one that runs, whose rules it removes.
func (n *Node) Proxy(mode string) error {
	end(n.proxy)
	config, err := n.cluster.write(n.Name+"/kube-proxy.yaml", proxyConfig(n, mode))
	if err != nil {
		return err
	}
	n.proxy, err = n.start("kube-proxy", "--config", config, "--v=4")
	return err
}

// start starts a process on the node.
func (n *Node) start(name string, args ...string) (*exec.Cmd, error) {
	cmd, err := n.cluster.command(filepath.Join(n.Name, filepath.Base(name)+".log"), name, args...)
	if err != nil {
		return nil, err
	}
	// Beside containerd lie runc and what starts it.
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(n.cluster.cache, "containerd")+":"+os.Getenv("PATH"))
	return cmd, n.place.start(cmd)
}

func (n *Node) awaitContainerd() error {
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		err := n.ctr("version")
		if err == nil || time.Now().After(deadline) {
			return err
		}
	}
}

// ctr runs a command of containerd's own client.
func (n *Node) ctr(args ...string) error {
	cmd := exec.Command(filepath.Join(n.cluster.cache, "containerd", "ctr"), append([]string{"--namespace", "k8s.io"}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := n.place.run(cmd); err != nil {
		return fmt.Errorf("ctr %v: %w: %s", args, err, &out)
	}
	return nil
}
