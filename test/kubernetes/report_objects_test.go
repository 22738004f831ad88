package kubernetes

import "fmt"

// ciliumKinds are those of Cilium without their schema, which doctor does not look at.
func ciliumKinds() string {
	const kind = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.cilium.io}
spec:
  group: cilium.io
  scope: %[3]s
  names: {kind: %[2]s, plural: %[1]s}
  versions: [{name: v2, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]
`
	return fmt.Sprintf(kind, "ciliumnetworkpolicies", "CiliumNetworkPolicy", "Namespaced") + "\n---\n" +
		fmt.Sprintf(kind, "ciliumclusterwidenetworkpolicies", "CiliumClusterwideNetworkPolicy", "Cluster")
}

// everything is a cluster in which each part of the report has something to say.
const everything = `apiVersion: v1
kind: Node
metadata: {name: aks-1, labels: {kubernetes.azure.com/localdns-state: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: dev}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: coredns, namespace: kube-system}
data:
  Corefile: |
    .:53 {
        muslsafe {
            complete
            search corp.example.com
        }
        kubernetes cluster.local
        forward . 192.0.2.53
    }
---
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: cilium, namespace: kube-system, labels: {k8s-app: cilium}}
spec: {selector: {matchLabels: {k8s-app: cilium}}, template: {metadata: {labels: {k8s-app: cilium}}, spec: {containers: [{name: agent, image: registry.example.com/cilium}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cilium-config, namespace: kube-system}
data: {tofqdns-dns-reject-response-code: refused}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: egress, namespace: dnscheck}
spec: {egress: [{toFQDNs: [{matchName: api.example.org}]}, {toPorts: [{rules: {dns: [{matchPattern: "*.example.org"}]}}]}]}
---
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: all}
spec: {egress: [{toFQDNs: [{matchName: api.example.net}]}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: doctor, namespace: dnscheck}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: dnscheck}
spec:
  dnsConfig: {options: [{name: ndots, value: "1"}]}
  containers: [{name: web, image: registry.example.com/web}]`
