package kubectl

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// TestClassify has what kubectl 1.32 and 1.36 write before they fail.
func TestClassify(t *testing.T) {
	const log = `E1122 02:10:00.000000   12 memcache.go:265] "Unhandled Error" err="couldn't get current server API group list: dial tcp 127.0.0.1:8080: connect: connection refused"` + "\n"
	tests := []struct {
		about, stderr string
		kind          Kind
		text          string
	}{
		{"a right in the whole cluster", `Error from server (Forbidden): nodes is forbidden: User "system:serviceaccount:dnscheck:poor" cannot list resource "nodes" in API group "" at the cluster scope`,
			Forbidden, "no right to list nodes at the cluster scope"},
		{"a right in a namespace, of a group", `Error from server (Forbidden): deployments.apps is forbidden: User "poor" cannot list resource "deployments" in API group "apps" in the namespace "kube-system"`,
			Forbidden, `no right to list deployments.apps in the namespace "kube-system"`},
		{"a right to one object", `Error from server (Forbidden): configmaps "coredns" is forbidden: User "poor" cannot get resource "configmaps" in API group "" in the namespace "kube-system": RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found`,
			Forbidden, `no right to get configmaps in the namespace "kube-system"`},
		{"a right to a part of an object", `Error from server (Forbidden): pods "web" is forbidden: User "poor" cannot patch resource "pods/ephemeralcontainers" in API group "" in the namespace "dnscheck"`,
			Forbidden, `no right to patch pods/ephemeralcontainers in the namespace "dnscheck"`},
		{"no matter of rights", `Error from server (Forbidden): error when creating "STDIN": pods "doctor" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=5, limited: pods=5`,
			Forbidden, `kubectl: Error from server (Forbidden): error when creating "STDIN": pods "doctor" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=5, limited: pods=5`},
		{"no object", `Error from server (NotFound): pods "nosuch" not found`, NotFound, `kubectl: Error from server (NotFound): pods "nosuch" not found`},
		{"no kind", `error: the server doesn't have a resource type "ciliumnetworkpolicies"`, NotFound, `kubectl: the server doesn't have a resource type "ciliumnetworkpolicies"`},
		{"a kind that goes while it is asked for", `Error from server (NotFound): Unable to list "cilium.io/v2, Resource=ciliumnetworkpolicies": the server could not find the requested resource`, NotFound,
			`kubectl: Error from server (NotFound): Unable to list "cilium.io/v2, Resource=ciliumnetworkpolicies": the server could not find the requested resource`},
		{"no API", log + log + "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n", Other,
			"kubectl: The connection to the server localhost:8080 was refused - did you specify the right host or port?"},
		{"no name of it", log + `Unable to connect to the server: dial tcp: lookup api.example.org: no such host`, Other, "kubectl: Unable to connect to the server: dial tcp: lookup api.example.org: no such host"},
		{"no credentials", log + "error: You must be logged in to the server (Unauthorized)\n", Other, "kubectl: You must be logged in to the server (Unauthorized)"},
		{"no context", `error: context "nope" does not exist`, Other, `kubectl: context "nope" does not exist`},
		{"a plugin for credentials", "please log in: https://example.org\n\ncommand terminated\n", Other, "kubectl: command terminated"},
	}
	for _, tc := range tests {
		if got := classify(tc.stderr); got.Kind != tc.kind || got.Text != tc.text {
			t.Errorf("%s: %d, %q; want %d, %q", tc.about, got.Kind, got.Text, tc.kind, tc.text)
		}
	}
}

func TestFailure(t *testing.T) {
	over, cancel := context.WithCancel(t.Context())
	cancel()
	broken := errors.New("exit status 1")
	tests := []struct {
		about  string
		ctx    context.Context
		err    error
		stderr string
		want   string
	}{
		{"none", t.Context(), nil, "Warning: something is deprecated", ""},
		{"no kubectl", t.Context(), &exec.Error{Name: "kubectl", Err: exec.ErrNotFound}, "", "kubectl is not in the PATH"},
		{"interrupted", over, broken, "error: interrupted", "context canceled"},
		{"without a word", t.Context(), broken, "\n", "kubectl: exit status 1"},
	}
	for _, tc := range tests {
		err := failure(tc.ctx, tc.err, tc.stderr)
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v; want %q", tc.about, err, tc.want)
		}
	}
}
