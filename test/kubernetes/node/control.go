package node

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
)

// startControl starts etcd, the API server, the scheduler and the controllers, of which one user is the administrator, and
// waits for the API.
func (c *Cluster) startControl(ctx context.Context) error {
	if err := c.writeControl(); err != nil {
		return err
	}
	for _, component := range [][]string{
		{"etcd", "--data-dir", filepath.Join(c.dir, "etcd"),
			"--listen-client-urls", "http://127.0.0.1:2379", "--advertise-client-urls", "http://127.0.0.1:2379",
			"--listen-peer-urls", "http://127.0.0.1:2380"},
		c.apiServer(),
	} {
		if err := c.start(component[0], component[1:]...); err != nil {
			return err
		}
	}
	if err := c.awaitAPI(ctx); err != nil {
		return err
	}
	if err := c.start("kube-controller-manager", "--kubeconfig", c.Kubeconfig, "--leader-elect=false",
		"--authentication-skip-lookup", "--service-account-private-key-file", filepath.Join(c.dir, "accounts.key"),
		"--horizontal-pod-autoscaler-sync-period=5s", // in place of 15 s
		"--root-ca-file", filepath.Join(c.dir, "apiserver.crt"), "--cert-dir", filepath.Join(c.dir, "controller")); err != nil {
		return err
	}
	return c.start("kube-scheduler", "--kubeconfig", c.Kubeconfig, "--leader-elect=false",
		"--authentication-skip-lookup", "--cert-dir", filepath.Join(c.dir, "scheduler"))
}

// apiServer is the command of the API server. It asks an API behind it, such as that of metrics-server, on the addresses of
// its pods, and shows it a certificate.
func (c *Cluster) apiServer() []string {
	key, proxy := filepath.Join(c.dir, "accounts.key"), filepath.Join(c.dir, "proxy.crt")
	return []string{"kube-apiserver", "--etcd-servers", "http://127.0.0.1:2379",
		"--bind-address", ControlIP, "--advertise-address", ControlIP,
		"--cert-dir", c.dir, "--token-auth-file", filepath.Join(c.dir, "tokens.csv"),
		"--authorization-mode", "RBAC",
		"--kubelet-preferred-address-types", "InternalIP", // the names of the nodes are in no DNS
		"--service-cluster-ip-range", "10.96.0.0/12",
		"--service-account-issuer", "https://kubernetes.default.svc",
		"--service-account-key-file", key, "--service-account-signing-key-file", key,
		"--enable-aggregator-routing",
		"--proxy-client-cert-file", proxy, "--proxy-client-key-file", key, "--requestheader-client-ca-file", proxy,
		"--requestheader-username-headers", "X-Remote-User", "--requestheader-group-headers", "X-Remote-Group",
		"--requestheader-extra-headers-prefix", "X-Remote-Extra-"}
}

// start starts a component of the control plane.
func (c *Cluster) start(name string, args ...string) error {
	cmd, err := c.command(name+".log", name, args...)
	if err != nil {
		return err
	}
	return cmd.Start()
}

// awaitAPI waits for the certificate that the API server makes, and for its answer.
func (c *Cluster) awaitAPI(ctx context.Context) error {
	return c.eventually(ctx, "the API is ready", func() error {
		if err := c.connect(); err != nil {
			return err
		}
		short := *c.Config
		short.Timeout = time.Second
		client, err := kubernetes.NewForConfig(&short)
		if err != nil {
			return err
		}
		_, err = client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return err
	})
}

func (c *Cluster) writeControl() error {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	der := x509.MarshalPKCS1PrivateKey(key)
	proxy, err := cert.NewSelfSignedCACert(cert.Config{CommonName: "front-proxy"}, key)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"accounts.key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: der})),
		"proxy.crt":    string(pem.EncodeToMemory(&pem.Block{Type: cert.CertificateBlockType, Bytes: proxy.Raw})),
		"tokens.csv":   "admin,admin,admin,system:masters\n",
	} {
		if _, err := c.write(name, text); err != nil {
			return err
		}
	}
	c.Kubeconfig, err = c.write("kubeconfig", `apiVersion: v1
kind: Config
clusters:
- name: cluster
  cluster: {server: "https://`+ControlIP+`:6443", certificate-authority: `+filepath.Join(c.dir, "apiserver.crt")+`}
users:
- name: admin
  user: {token: admin}
contexts:
- name: admin
  context: {cluster: cluster, user: admin}
current-context: admin
`)
	return err
}
