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

// victims are images of nothing but programs that look names up with a C library, and one that lets them do so from outside.
// With musl there are two: /look is static, as programs in Rust are, and /look-shared finds in its image the one file that musl
// is in an Alpine image.
func (b *builder) victims(images map[string]v1.Image) {
	b.run("gcc", "-Wall", "-Werror", "-O2", "-o", b.out("look-glibc"), client)
	b.run("musl-gcc", "-Wall", "-Werror", "-O2", "-o", b.out("look-shared"), client)
	b.run("go", "-C", "test/kubernetes", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.out("victim"), "./node/victim")
	for _, libc := range Libcs {
		files := map[string]file{"/victim": {from: b.out("victim")}}
		if strings.HasPrefix(libc, "musl-") {
			files["/look"] = file{from: b.static(libc)}
			files["/look-shared"] = file{from: b.out("look-shared")}
			files["/lib/ld-musl-"+arch[runtime.GOARCH]+".so.1"] = file{from: filepath.Join(b.cache, libc, "libc.so")}
		} else if b.err == nil {
			files["/look"] = file{from: b.out("look-glibc")}
			b.libraries(b.out("look-glibc"), files)
		}
		images[VictimImage(libc)] = b.pack(files, v1.Config{User: "65532:65532", Entrypoint: []string{"/victim"}})
	}
}

// client is the source of the program that looks names up.
const client = "test/lab/client/getaddrinfo.c"

// static links the client with a version of musl, and with the text that says which version that is.
func (b *builder) static(libc string) string {
	dir, out := filepath.Join(b.cache, libc), b.out("look-"+libc)
	b.run("gcc", "-Wall", "-Werror", "-O2", "-static-pie", "-nostdinc", "-isystem", dir+"/include", "-nostdlib",
		"-Wl,--undefined="+versionSymbol, "-o", out, dir+"/rcrt1.o", dir+"/crti.o", client, dir+"/libc.a", "-lgcc", dir+"/crtn.o")
	return out
}

// versionSymbol is that text in musl.
const versionSymbol = "__libc_version"

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

// Programs are those in the pod that look names up.
func (v Victim) Programs() []string {
	if v.Musl() {
		return []string{"/look", "/look-shared"}
	}
	return []string{"/look"}
}

// Look looks a name up in the pod, and returns what the program said: the name of the error, milliseconds, addresses.
func (v Victim) Look(program, name string) (string, error) {
	return body(http.Get("http://" + v.IP + ":8000" + program + "?name=" + url.QueryEscape(name)))
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
