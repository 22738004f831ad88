// Package node runs a real Kubernetes cluster on one machine: the control plane, and nodes with kubelet, kube-proxy and
// containerd, in namespaces of their own. Nothing of it is left on the machine when the process that started it has ended,
// however it ended.
package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// The environment of the processes that Enter starts from the same binary: which of them it is, and the name of the
// control groups of the cluster.
const (
	roleVar, groupVar = "MUSLSAFE_NODE_ROLE", "MUSLSAFE_NODE_CGROUP"
	roleInside        = "inside"
	roleKeeper        = "keeper"
)

// whyNot is why there can be no cluster in this process, if so.
var whyNot error

// Enter starts this binary again as the first process of new namespaces, and calls run there. It returns its exit code. With
// that process everything in them ends, and all that was mounted there goes; it ends with this one. Where there can be no
// such namespaces, run is called outside.
func Enter(run func() int) int {
	switch os.Getenv(roleVar) {
	case roleKeeper:
		return keep()
	case roleInside:
		if err := furnish(); err != nil {
			fmt.Fprintln(os.Stderr, "node:", err)
			return 1
		}
		return run()
	}
	if os.Geteuid() != 0 {
		whyNot = errors.New("needs root")
		return run()
	}
	code, err := again()
	if err != nil {
		whyNot = err
		return run()
	}
	return code
}

// role returns a command that runs this binary once more.
func role(name, group string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), roleVar+"="+name, groupVar+"="+group)
	return cmd
}

// again runs the same arguments inside, and a keeper beside it.
func again() (code int, err error) {
	group := groupPrefix + strconv.Itoa(os.Getpid())
	release, err := startKeeper(group)
	if err != nil {
		return 0, err
	}
	defer release()
	cmd := role(roleInside, group)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	return lab.RunToEnd(cmd)
}

// namespaces are those of the cluster, and once more those of each node.
const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS

// outsidePID is the number of this process outside of its namespaces.
var outsidePID string

// furnish sets up the namespaces of the control plane: what is written to /run and /tmp goes with them.
func furnish() error {
	var err error
	if outsidePID, err = os.Readlink("/proc/self"); err != nil { // before it is mounted anew
		return err
	}
	return shell(`
		mount --make-rprivate /
		mount -t proc proc /proc
		mount -t tmpfs -o mode=755 tmpfs /run
		case $PWD in
		/tmp/*) # the repository is below, and stays where it is
			kept=${PWD#/tmp/}
			kept=/tmp/${kept%%/*}
			mkdir /run/kept
			mount --bind "$kept" /run/kept
			mount -t tmpfs -o mode=1777 tmpfs /tmp
			mkdir "$kept"
			mount --move /run/kept "$kept" ;;
		*) mount -t tmpfs -o mode=1777 tmpfs /tmp ;;
		esac
		ip link set lo up
		ip addr add ` + ControlIP + `/32 dev lo
		ip addr add ` + world.CompanyIP + `/32 dev lo
		echo 1 >/proc/sys/net/ipv4/ip_forward`).Run()
}

// shell returns a command that runs a script, which ends with the first command that fails, and says which.
func shell(script string) *exec.Cmd {
	cmd := exec.Command("sh", "-euc", script)
	cmd.Stderr = os.Stderr
	return cmd
}
