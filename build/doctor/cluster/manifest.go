package cluster

import (
	"encoding/json"
	"fmt"
)

// RunLabel is the label of the pods of one run of doctor, by which they are found and removed.
const RunLabel = "muslsafe-doctor/run"

// ContainerName is the name of the container in them.
const ContainerName = "doctor"

// lifetime is how long a pod of doctor lives at most, in seconds, should doctor itself be killed and not remove it.
const lifetime = 600

// Manifest returns a list of pods, one for each node, which run doctor with arguments. They satisfy the Pod Security
// Standard restricted, tolerate every taint, and have the DNS of any new pod of their namespace.
func Manifest(run, image string, nodes, args []string) []byte {
	var pods []any
	for i, node := range nodes {
		pods = append(pods, pod(run, fmt.Sprintf("muslsafe-doctor-%s-%d", run, i), image, node, args))
	}
	text, _ := json.Marshal(object{"apiVersion": "v1", "kind": "List", "items": pods}) // strings cannot fail
	return text
}

type object map[string]any

func pod(run, name, image, node string, args []string) object {
	return object{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": object{"name": name, "labels": object{RunLabel: run, "app.kubernetes.io/name": "muslsafe-doctor"}},
		"spec": object{
			"restartPolicy":                 "Never",
			"activeDeadlineSeconds":         lifetime,
			"terminationGracePeriodSeconds": 0,
			"automountServiceAccountToken":  false,
			"enableServiceLinks":            false,
			"tolerations":                   []object{{"operator": "Exists"}},
			"affinity":                      onNode(node),
			"securityContext":               object{"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": object{"type": "RuntimeDefault"}},
			"containers": []object{{
				"name": ContainerName, "image": image, "imagePullPolicy": "IfNotPresent", "args": args,
				"resources": object{
					"requests": object{"cpu": "10m", "memory": "32Mi"}, "limits": object{"cpu": "1", "memory": "128Mi"},
				},
				"securityContext": object{
					"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": object{"drop": []string{"ALL"}},
				},
			}},
		},
	}
}

// onNode lets the scheduler put a pod on one node only, as those of a DaemonSet.
func onNode(node string) object {
	return object{"nodeAffinity": object{"requiredDuringSchedulingIgnoredDuringExecution": object{
		"nodeSelectorTerms": []object{{"matchFields": []object{{"key": "metadata.name", "operator": "In", "values": []string{node}}}}},
	}}}
}

// An Outcome is what has become of a container of doctor.
type Outcome struct {
	Ended bool   // its log is complete
	Stuck string // why it never starts, empty if it may
}

// OutcomeOf says what has become of a container in a pod, ephemeral or not. In time reasons to wait for more go away by
// themselves, such as a failed pull: the second one counts.
func OutcomeOf(p Pod, container string) (o Outcome) {
	for _, c := range append(p.Status.ContainerStatuses, p.Status.EphemeralContainerStatuses...) {
		if c.Name != container {
			continue
		}
		if t := c.State.Terminated; t != nil {
			if t.Reason == "StartError" || t.Reason == "ContainerCannotRun" || t.Reason == "OOMKilled" {
				return Outcome{Stuck: t.Reason + ": " + t.Message}
			}
			return Outcome{Ended: true}
		}
		if w := c.State.Waiting; w != nil && hopeless[w.Reason] {
			return Outcome{Stuck: w.Reason + ": " + w.Message}
		}
	}
	if p.Status.Phase == "Failed" {
		return Outcome{Stuck: p.Status.Reason + ": " + p.Status.Message}
	}
	return Outcome{}
}

// hopeless are the reasons for which a container waits in vain.
var hopeless = map[string]bool{
	"ImagePullBackOff": true, "InvalidImageName": true, "ErrImageNeverPull": true,
	"CreateContainerConfigError": true, "CreateContainerError": true, "RunContainerError": true,
}

// Waiting says what a pod waits for that has not ended.
func Waiting(p Pod, container string) string {
	for _, c := range append(p.Status.ContainerStatuses, p.Status.EphemeralContainerStatuses...) {
		if c.Name == container && c.State.Waiting != nil {
			return c.State.Waiting.Reason + " " + c.State.Waiting.Message
		}
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "PodScheduled" && c.Status == "False" {
			return "it is not scheduled: " + c.Message
		}
	}
	return "its container still runs, or has not started"
}

// Profile returns the profile of kubectl debug for a container in a pod: the strictest one, but for pods that run as
// root, in which that would not start.
func Profile(p Pod) string {
	if s := p.Spec.SecurityContext; s.RunAsUser != nil && *s.RunAsUser == 0 && !s.RunAsNonRoot {
		return "baseline"
	}
	return "restricted"
}
