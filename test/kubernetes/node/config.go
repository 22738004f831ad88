package node

import (
	"fmt"
	"path/filepath"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/world"
)

// configure writes the configuration of the node.
func (n *Node) configure() error {
	for name, text := range map[string]string{
		"containerd.toml": containerdConfig(n),
		"resolv.conf":     world.NodeResolvConf,
		"cni/pods.conflist": fmt.Sprintf(`{"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": {
  "type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": %q}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
`, n.subnet()),
	} {
		if _, err := n.cluster.write(filepath.Join(n.Name, name), text); err != nil {
			return err
		}
	}
	return nil
}

// containerdConfig keeps the scores by which the kernel kills: to lower one takes CAP_SYS_RESOURCE, which not every root has.
func containerdConfig(n *Node) string {
	return fmt.Sprintf(`version = 2
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = %q
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = %q
conf_dir = %q
`, PauseImage, filepath.Join(n.cluster.cache, "cni"), filepath.Join(n.cluster.dir, n.Name, "cni"))
}

// kubeletConfig sets no limit to the disk, which is not the node's own, and lets the kubelet change no setting of the kernel. An
// edited ConfigMap reaches its pods sooner than after the minute or more of a kubelet as it comes.
func kubeletConfig(n *Node, clusterDNS string) string {
	return fmt.Sprintf(`apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
cgroupDriver: cgroupfs
cgroupRoot: /%s
failCgroupV1: false
failSwapOn: false
syncFrequency: 10s
protectKernelDefaults: true
oomScoreAdj: 0
evictionHard: {memory.available: 50Mi, nodefs.available: 0%%, nodefs.inodesFree: 0%%, imagefs.available: 0%%}
imageGCHighThresholdPercent: 100
resolvConf: %s
clusterDomain: cluster.local
clusterDNS: [%s]
`, n.group(), filepath.Join(n.cluster.dir, n.Name, "resolv.conf"), clusterDNS)
}

// proxyConfig leaves the limits of the connection table alone, which are the whole machine's.
func proxyConfig(n *Node, mode string) string {
	return fmt.Sprintf(`apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: %s
clientConnection: {kubeconfig: %s}
hostnameOverride: %s
clusterCIDR: 10.244.0.0/16
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
`, mode, n.cluster.Kubeconfig, n.Name)
}
