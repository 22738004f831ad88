// Package kubernetes runs the manifests of build/kustomize and the examples that need a cluster against a real
// Kubernetes API: kube-apiserver with etcd behind it. What a kubelet makes of a pod is in pod_test.go.
package kubernetes

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

const (
	// root of the repository.
	root = "../.."
	// patience bounds how long anything may take to come true.
	patience = 2 * time.Minute
	// The API server and its port, which pods reach too.
	apiHost, apiPort = "192.0.2.1", "6443"
)

// cluster is a Kubernetes API that lives as long as the test.
type cluster struct {
	ca      string // file with the certificate of the server
	client  kubernetes.Interface
	objects dynamic.Interface
	mapper  *restmapper.DeferredDiscoveryRESTMapper
}

// startCluster starts an API server that knows one user, an administrator, and no objects but its own.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	lab.Require(t)
	dir := t.TempDir()
	startEtcd(t, dir)
	startAPI(t, dir)
	c := &cluster{ca: filepath.Join(dir, "apiserver.crt")}
	config := &rest.Config{
		Host:            "https://" + net.JoinHostPort(apiHost, apiPort),
		BearerToken:     "admin",
		TLSClientConfig: rest.TLSClientConfig{CAFile: c.ca},
		QPS:             1000, Burst: 1000,
	}
	var err error
	if c.client, err = kubernetes.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	if c.objects, err = dynamic.NewForConfig(config); err != nil {
		t.Fatal(err)
	}
	c.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(c.client.Discovery()))
	eventually(t, "the API is ready", func() error {
		if _, err := c.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(t.Context()); err != nil {
			return err
		}
		_, err := c.client.CoreV1().Namespaces().Get(t.Context(), meta.NamespaceSystem, meta.GetOptions{})
		return err
	})
	return c
}

func startEtcd(t *testing.T, dir string) {
	t.Helper()
	lab.Start(t, "serving insecure client requests", exec.Command(lab.LookPath(t, "etcd"),
		"--data-dir", filepath.Join(dir, "etcd"),
		"--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
		"--listen-peer-urls", "http://127.0.0.1:2380"))
}

func startAPI(t *testing.T, dir string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(cache, "muslsafe", "kube-apiserver")
	if _, err := os.Stat(binary); err != nil {
		lab.Skip(t, "needs kube-apiserver (test/install.sh builds it): "+err.Error())
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der := x509.MarshalPKCS1PrivateKey(key)
	lab.WriteFile(t, filepath.Join(dir, "accounts.key"), string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})))
	lab.WriteFile(t, filepath.Join(dir, "tokens.csv"), "admin,admin,admin,system:masters\n")
	lab.WriteFile(t, filepath.Join(dir, "admission.yaml"), admission)
	lab.Start(t, "Serving securely", exec.Command(binary,
		"--etcd-servers", "http://127.0.0.1:2379",
		"--bind-address", apiHost, "--advertise-address", apiHost, "--secure-port", apiPort,
		"--cert-dir", dir,
		"--token-auth-file", filepath.Join(dir, "tokens.csv"),
		"--authorization-mode", "RBAC",
		"--admission-control-config-file", filepath.Join(dir, "admission.yaml"),
		"--service-cluster-ip-range", "10.96.0.0/12",
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", filepath.Join(dir, "accounts.key"),
		"--service-account-signing-key-file", filepath.Join(dir, "accounts.key")))
}

// admission admits critical pods only where a quota is for them, as GKE does.
const admission = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources:
    - resource: pods
      matchScopes:
      - scopeName: PriorityClass
        operator: In
        values: [system-node-critical, system-cluster-critical]
`

// eventually tries until there is no error.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 50*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = try()
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("%s: %v, %v", what, err, last)
	}
}
