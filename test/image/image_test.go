// Package image builds the container images and runs them on the Docker engine of this machine.
package image

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// image is that of CoreDNS, and doctor the one beside it.
const (
	image  = "muslsafe-test/coredns"
	doctor = "muslsafe-test/doctor"
)

// images are what make image makes, with the target of each.
var images = map[string]string{
	"coredns":      image + ":test",
	"coredns-slim": image + ":test-slim",
	"doctor":       doctor + ":test",
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = exec.Command("docker", append([]string{"rmi", "--force", image + ":client"}, tags()...)...).Run()
	os.Exit(code)
}

// tags are all names of the images.
func tags() (list []string) {
	for _, ref := range images {
		list = append(list, ref, strings.Replace(ref, ":test", ":latest", 1))
	}
	return list
}

func docker(t *testing.T, args ...string) string {
	t.Helper()
	var warnings strings.Builder
	cmd := exec.Command("docker", args...)
	cmd.Stderr = &warnings
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, out, &warnings)
	}
	if args[0] == "logs" {
		return warnings.String() + string(out)
	}
	return strings.TrimSpace(string(out))
}

// needsDocker skips a test where there is no engine.
func needsDocker(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		lab.Skip(t, "needs a Docker engine: "+err.Error()+": "+string(out))
	}
}

// makeImages builds the images for an architecture, in a folder that is as good as new.
func makeImages(t *testing.T, arch string) (bin string) {
	t.Helper()
	bin = t.TempDir()
	cmd := exec.Command("make", "-C", "../..", "image", "IMAGE="+image, "VERSION=test", "ARCH="+arch, "BIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return bin
}

var once sync.Once

// needsImages makes the images for this machine, once.
func needsImages(t *testing.T) {
	t.Helper()
	needsDocker(t)
	once.Do(func() { makeImages(t, "amd64") })
}

// inspected is what the engine knows of an image.
type inspected struct {
	ID           string `json:"Id"`
	Architecture string
	Size         int64
	Config       struct {
		User       string
		Entrypoint []string
		Cmd        []string
		Labels     map[string]string
	}
}

func inspect(t *testing.T, ref string) inspected {
	t.Helper()
	var list []inspected
	if err := json.Unmarshal([]byte(docker(t, "image", "inspect", ref)), &list); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

// TestImages looks at what the images say of themselves.
func TestImages(t *testing.T) {
	needsImages(t)
	for _, tc := range []struct {
		target          string
		entrypoint, cmd []string
		most            int64 // MiB
	}{
		{"coredns", []string{"/coredns"}, []string{"-conf", "/etc/coredns/Corefile"}, 90},
		{"coredns-slim", []string{"/coredns"}, []string{"-conf", "/etc/coredns/Corefile"}, 25},
		{"doctor", []string{"/doctor"}, nil, 14},
	} {
		t.Run(tc.target, func(t *testing.T) {
			i := inspect(t, images[tc.target])
			if i.Config.User != "65532:65532" || !slices.Equal(i.Config.Entrypoint, tc.entrypoint) || !slices.Equal(i.Config.Cmd, tc.cmd) {
				t.Errorf("%+v; want a user without privileges, %v and %v", i.Config, tc.entrypoint, tc.cmd)
			}
			for label, want := range map[string]string{"title": tc.target + "-muslsafe", "version": "test", "licenses": "Apache-2.0"} {
				if got := i.Config.Labels["org.opencontainers.image."+label]; got != want {
					t.Errorf("label %s = %q; want %q", label, got, want)
				}
			}
			if t.Logf("%d bytes", i.Size); i.Size > tc.most<<20 {
				t.Errorf("%d bytes; want at most %d MiB", i.Size, tc.most)
			}
		})
	}
}

// TestSameDigest builds the images again, in another folder and as long after as the first build took.
func TestSameDigest(t *testing.T) {
	needsImages(t)
	first := digests(t)
	docker(t, append([]string{"rmi", "--force"}, tags()...)...)
	makeImages(t, "amd64")
	if again := digests(t); !maps.Equal(again, first) {
		t.Errorf("digests %v; want %v as before", again, first)
	}
}

func digests(t *testing.T) map[string]string {
	t.Helper()
	of := map[string]string{}
	for target, ref := range images {
		of[target] = inspect(t, ref).ID
	}
	return of
}
