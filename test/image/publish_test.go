package image

import (
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// publish has make push the images of each architecture, which a release would have in one folder, to a registry of this test.
// Each name then stands for both.
func publish(t *testing.T, bins map[string]string) {
	bin := t.TempDir()
	if err := os.Mkdir(filepath.Join(bin, "release"), 0o755); err != nil {
		t.Fatal(err)
	}
	for arch, from := range bins {
		for target := range images {
			archive := filepath.Join(bin, "release", "muslsafe-image-"+target+"-test-linux-"+arch+".tar")
			if err := os.Link(filepath.Join(from, "linux-"+arch, target+".tar"), archive); err != nil {
				t.Fatal(err)
			}
		}
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	to := strings.TrimPrefix(server.URL, "http://") + "/muslsafe-test"
	cmd := exec.Command("make", "-C", "../..", "--silent", "--no-print-directory", "push", "VERSION=test", "BIN="+bin, "REGISTRY="+to)
	var notices strings.Builder
	cmd.Stderr = &notices
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &notices)
	}
	var want []string
	for _, i := range []struct{ name, tag string }{{"coredns", "test"}, {"coredns", "test-slim"}, {"doctor", "test"}} {
		want = append(want, to+"/"+i.name+"@"+published(t, to+"/"+i.name, i.tag))
	}
	if got := strings.Fields(string(out)); !slices.Equal(got, want) {
		t.Errorf("make push prints %q; want %q", got, want)
	}
}

// published returns the digest of an image in the registry, which must be for both architectures, and be there for both.
func published(t *testing.T, base, tag string) string {
	t.Helper()
	body, header := manifest(t, base, tag)
	index, err := v1.ParseIndexManifest(strings.NewReader(body))
	if err != nil {
		t.Fatalf("%s:%s: %v in:\n%s", base, tag, err, body)
	}
	platforms := map[string]bool{}
	for _, m := range index.Manifests {
		platforms[m.Platform.String()] = true
		manifest(t, base, m.Digest.String())
	}
	if want := map[string]bool{"linux/amd64": true, "linux/arm64": true}; !maps.Equal(platforms, want) {
		t.Errorf("%s:%s is for %v; want %v", base, tag, platforms, want)
	}
	return header.Get("Docker-Content-Digest")
}

// manifest gets what a registry has by a tag or digest.
func manifest(t *testing.T, base, reference string) (string, http.Header) {
	t.Helper()
	host, name, _ := strings.Cut(base, "/")
	response, err := http.Get("http://" + host + "/v2/" + name + "/manifests/" + reference)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s of %s: %s, %v", reference, base, response.Status, err)
	}
	return string(body), response.Header
}
