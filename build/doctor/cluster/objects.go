// Package cluster judges what was read of a Kubernetes cluster: which DNS its pods ask, what stands in front of it, and
// which of its settings break lookups on musl. It decides and does not ask: package kubectl reads the cluster.
package cluster

// The objects have those fields that are looked at, as the API of Kubernetes names them (encoding/json ignores case).
type (
	// Meta is the metadata of an object.
	Meta struct {
		Name, Namespace     string
		Labels, Annotations map[string]string
		OwnerReferences     []struct{ Kind, Name string }
		DeletionTimestamp   string
	}
	// Node is a node of the cluster.
	Node struct {
		Metadata Meta
		Status   struct {
			Conditions []Condition
			NodeInfo   struct{ OperatingSystem string }
		}
	}
	// Condition is what is said of an object.
	Condition struct{ Type, Status, Message string }
	// Namespace is a namespace.
	Namespace struct{ Metadata Meta }
	// Service is a Service.
	Service struct {
		Metadata Meta
		Spec     struct {
			ClusterIP  string
			ClusterIPs []string
			Selector   map[string]string
			Ports      []struct{ Port int }
		}
	}
	// Workload is a Deployment or a DaemonSet.
	Workload struct {
		Kind     string
		Metadata Meta
		Spec     struct {
			Replicas *int
			Template struct {
				Metadata Meta
				Spec     PodSpec
			}
		}
		Status struct{ ReadyReplicas, DesiredNumberScheduled, NumberReady int }
	}
	// ConfigMap is a ConfigMap.
	ConfigMap struct {
		Metadata Meta
		Data     map[string]string
	}
	// Policy is a CiliumNetworkPolicy or a CiliumClusterwideNetworkPolicy.
	Policy struct {
		Kind     string
		Metadata Meta
		Spec     *PolicyRule
		Specs    []PolicyRule
	}
	// PolicyRule says where pods may connect to.
	PolicyRule struct {
		Egress []struct {
			ToFQDNs []FQDN
			ToPorts []struct{ Rules struct{ DNS []FQDN } }
		}
	}
	// FQDN selects names.
	FQDN struct{ MatchName, MatchPattern string }
)

// The objects of pods.
type (
	// Pod is a pod.
	Pod struct {
		Metadata Meta
		Spec     PodSpec
		Status   PodStatus
	}
	// PodSpec is what a pod should be.
	PodSpec struct {
		NodeName        string
		HostNetwork     bool
		DNSPolicy       string
		DNSConfig       DNSConfig
		Containers      []struct{ Image string }
		Volumes         []Volume
		SecurityContext struct {
			RunAsUser    *int64
			RunAsNonRoot bool
		}
	}
	// DNSConfig is what a pod says of its resolv.conf.
	DNSConfig struct {
		Nameservers, Searches []string
		Options               []struct{ Name, Value string }
	}
	// Volume is a volume that may hold ConfigMaps.
	Volume struct {
		ConfigMap struct{ Name string }
		Projected struct {
			Sources []struct{ ConfigMap struct{ Name string } }
		}
	}
	// PodStatus is what has become of a pod.
	PodStatus struct {
		Phase, Reason, Message                        string
		Conditions                                    []Condition
		ContainerStatuses, EphemeralContainerStatuses []ContainerStatus
	}
	// ContainerStatus is what has become of a container.
	ContainerStatus struct {
		Name  string
		State struct {
			Waiting    *struct{ Reason, Message string }
			Terminated *struct {
				ExitCode        int
				Reason, Message string
			}
		}
	}
)

// name returns the kind, namespace and name of an object.
func (w Workload) name() string { return w.Kind + " " + w.Metadata.path() }

// path returns namespace and name.
func (m Meta) path() string {
	if m.Namespace == "" {
		return m.Name
	}
	return m.Namespace + "/" + m.Name
}

// desired returns how many pods a workload should have, and ready how many are ready.
func (w Workload) desired() int {
	switch {
	case w.Kind == "DaemonSet":
		return w.Status.DesiredNumberScheduled
	case w.Spec.Replicas == nil:
		return 1 // as the API says
	}
	return *w.Spec.Replicas
}

func (w Workload) ready() int {
	if w.Kind == "DaemonSet" {
		return w.Status.NumberReady
	}
	return w.Status.ReadyReplicas
}

// images returns those of the containers.
func (w Workload) images() (all []string) {
	for _, c := range w.Spec.Template.Spec.Containers {
		all = append(all, c.Image)
	}
	return all
}

// configMaps returns the names of the ConfigMaps that the pods mount.
func (w Workload) configMaps() (names []string) {
	for _, v := range w.Spec.Template.Spec.Volumes {
		if v.ConfigMap.Name != "" {
			names = append(names, v.ConfigMap.Name)
		}
		for _, s := range v.Projected.Sources {
			if s.ConfigMap.Name != "" {
				names = append(names, s.ConfigMap.Name)
			}
		}
	}
	return names
}

// isLinux reports whether a pod of doctor can run on a node.
func (n Node) isLinux() bool {
	return (n.Status.NodeInfo.OperatingSystem == "linux" || n.Status.NodeInfo.OperatingSystem == "") &&
		n.Metadata.Labels["type"] != "virtual-kubelet"
}

func (n Node) isReady() bool {
	for _, c := range n.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}
