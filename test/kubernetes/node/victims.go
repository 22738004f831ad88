package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/muslsafe/coredns-muslsafe/test/kubernetes/node/victim/load"
)

// victims are images of nothing but a C library, a program that looks names up with it, and one that lets it do so from
// outside. A version of musl is the one file that it is in an Alpine image; the program is linked with it at run time, as
// programs there are.
func (b *builder) victims(images map[string]v1.Image) {
	const source = "test/lab/client/getaddrinfo.c"
	b.run("gcc", "-Wall", "-Werror", "-O2", "-o", b.out("look-glibc"), source)
	b.run("musl-gcc", "-Wall", "-Werror", "-O2", "-o", b.out("look-musl"), source)
	b.run("go", "-C", "test/kubernetes", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.out("victim"), "./node/victim")
	for _, libc := range Libcs {
		files := map[string]file{"/victim": {from: b.out("victim")}, "/look": {from: b.out("look-glibc")}}
		if strings.HasPrefix(libc, "musl-") {
			files["/look"] = file{from: b.out("look-musl")}
			files["/lib/ld-musl-"+arch[runtime.GOARCH]+".so.1"] = file{from: filepath.Join(b.cache, libc, "libc.so")}
		} else if b.err == nil {
			b.libraries(b.out("look-glibc"), files)
		}
		images[VictimImage(libc)] = b.pack(files, v1.Config{User: "65532:65532", Entrypoint: []string{"/victim"}})
	}
}

// arch is what musl calls an architecture.
var arch = map[string]string{"amd64": "x86_64", "arm64": "aarch64"}

// Namespace is where the victims are.
const Namespace = "dnscheck"

// Victim is a pod that looks names up with a C library.
type Victim struct{ Libc, Pod, IP string }

// Musl reports whether its C library is a version of musl.
func (v Victim) Musl() bool { return v.Libc != "glibc" }

// StartVictims starts a pod for each C library, with a name that begins as said, by turns on the nodes.
func (c *Cluster) StartVictims(ctx context.Context, prefix string) ([]Victim, error) {
	var victims []Victim
	var manifests []string
	for i, libc := range Libcs {
		v := Victim{Libc: libc, Pod: prefix + strings.ReplaceAll(libc, ".", "-")}
		victims = append(victims, v)
		manifests = append(manifests, v.manifest(c.Nodes[i%len(c.Nodes)].Name))
	}
	if err := c.Apply(strings.Join(manifests, "---\n")); err != nil {
		return nil, err
	}
	for i, v := range victims {
		err := c.eventually(ctx, v.Pod+" is ready", func() error {
			p, err := c.Client.CoreV1().Pods(Namespace).Get(ctx, v.Pod, meta.GetOptions{})
			if err != nil {
				return err
			}
			if !Ready(p) {
				return fmt.Errorf("%v", p.Status.ContainerStatuses)
			}
			victims[i].IP = p.Status.PodIP
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return victims, nil
}

func (v Victim) manifest(node string) string {
	return fmt.Sprintf(`apiVersion: v1
kind: Pod
metadata: {name: %s, namespace: %s, labels: {app: victim}}
spec:
  nodeName: %s
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 0
  containers:
  - {name: victim, image: %q, imagePullPolicy: Never, readinessProbe: {tcpSocket: {port: 8000}, periodSeconds: 1}}
`, v.Pod, Namespace, node, VictimImage(v.Libc))
}

// Ready reports whether a pod is ready.
func Ready(p *core.Pod) bool {
	for _, c := range p.Status.Conditions {
		if c.Type == core.PodReady {
			return c.Status == core.ConditionTrue
		}
	}
	return false
}

// Look looks a name up in the pod, and returns what the client said: the name of the error, milliseconds, addresses.
func (v Victim) Look(name string) (string, error) {
	resp, err := http.Get("http://" + v.IP + ":8000/look?name=" + url.QueryEscape(name))
	return body(resp, err)
}

// Begin begins a load in the pod.
func (v Victim) Begin(l load.Load) error {
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	_, err = body(http.Post("http://"+v.IP+":8000/load", "application/json", bytes.NewReader(text)))
	return err
}

// End ends the load.
func (v Victim) End() (result load.Result, err error) {
	text, err := body(http.Get("http://" + v.IP + ":8000/load"))
	if err != nil {
		return result, err
	}
	return result, json.Unmarshal([]byte(text), &result)
}

// body returns the body of a response that says that all is well.
func body(resp *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", resp.Status, text)
	}
	return strings.TrimSpace(string(text)), err
}
