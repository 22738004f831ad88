package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// components are the programs of a cluster that test/install.sh builds or fetches, and programs those that it installs.
var (
	components = []string{
		"kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl", "metrics-server",
		"cni/ptp", "cni/host-local", "cni/loopback", "containerd/containerd", "containerd/runc",
		"musl-1.2.2/libc.a", "musl-1.2.3/libc.a", "musl-1.2.5/libc.a", "musl-1.2.6/libc.a",
	}
	programs = []string{"etcd", "ip", "nft", "iptables", "busybox", "gcc", "musl-gcc"}
)

// Lacking returns what there is not for a cluster, or nil. Call it in what Enter has called.
func Lacking() error {
	if whyNot != nil {
		return whyNot
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	for _, name := range components {
		if _, err := os.Stat(filepath.Join(cache, "muslsafe", name)); err != nil {
			return fmt.Errorf("test/install.sh builds or fetches it: %w", err)
		}
	}
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("test/install.sh installs it: %w", err)
		}
	}
	return nil
}
