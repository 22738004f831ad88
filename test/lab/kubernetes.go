package lab

import (
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// object is a Kubernetes object as its manifest has it.
type object = map[string]any

// resources are the collections that the kubernetes plugin watches, by path, with the kind of their objects.
var resources = map[string]string{
	"/api/v1/namespaces":                       "Namespace",
	"/api/v1/services":                         "Service",
	"/apis/discovery.k8s.io/v1/endpointslices": "EndpointSlice",
}

// Kubernetes serves the objects of manifests, documents in YAML, to programs that find their cluster as a pod does.
// It knows lists and watches and nothing else of an API server, and its objects never change.
func Kubernetes(t *testing.T, manifests string) {
	t.Helper()
	var objects []object
	for doc := range strings.SplitSeq(manifests, "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatalf("%v in:\n%s", err, doc)
		}
		o["metadata"].(object)["resourceVersion"] = "1"
		objects = append(objects, o)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind, ok := resources[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		serve(w, r, kind, slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return o["kind"] != kind }))
	}))
	t.Cleanup(server.CloseClientConnections)

	host, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	account := "/run/secrets/kubernetes.io/serviceaccount"
	if err := os.MkdirAll(account, 0o755); err != nil {
		t.Fatal(err)
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	writeFile(t, filepath.Join(account, "ca.crt"), string(ca))
	writeFile(t, filepath.Join(account, "token"), "secret")
}

// serve answers a list, or a watch that begins with the objects there are and then goes on without news.
func serve(w http.ResponseWriter, r *http.Request, kind string, objects []object) {
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	version := "v1"
	if kind == "EndpointSlice" {
		version = "discovery.k8s.io/v1"
	}
	if r.URL.Query().Get("watch") == "" {
		_ = enc.Encode(object{"kind": kind + "List", "apiVersion": version, "metadata": object{"resourceVersion": "1"}, "items": objects})
		return
	}
	if r.URL.Query().Get("sendInitialEvents") == "true" {
		for _, o := range objects {
			_ = enc.Encode(object{"type": "ADDED", "object": o})
		}
		_ = enc.Encode(object{"type": "BOOKMARK", "object": object{"kind": kind, "apiVersion": version, "metadata": object{
			"resourceVersion": "1", "annotations": object{"k8s.io/initial-events-end": "true"},
		}}})
	}
	_ = http.NewResponseController(w).Flush() // a client that is gone needs no answer
	<-r.Context().Done()
}
