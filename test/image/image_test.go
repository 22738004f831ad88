// Package image builds the container images and runs them on the Docker engine of this machine.
package image

import (
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const image = "muslsafe/coredns-test"

func TestMain(m *testing.M) {
	code := m.Run()
	for _, tag := range []string{"test", "latest", "test-slim", "latest-slim", "client"} {
		_ = exec.Command("docker", "rmi", "--force", image+":"+tag).Run()
	}
	os.Exit(code)
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

// makeImages builds both images for an architecture, in a folder that is as good as new.
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

func inspect(t *testing.T, tag string) inspected {
	t.Helper()
	var list []inspected
	if err := json.Unmarshal([]byte(docker(t, "image", "inspect", image+":"+tag)), &list); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	return list[0]
}

// TestImages looks at what the images say of themselves.
func TestImages(t *testing.T) {
	needsImages(t)
	sizes := map[string]int64{}
	for tag, title := range map[string]string{"test": "coredns-muslsafe", "test-slim": "coredns-slim-muslsafe"} {
		i := inspect(t, tag)
		if i.Config.User != "65532:65532" || !slices.Equal(i.Config.Entrypoint, []string{"/coredns"}) || !slices.Equal(i.Config.Cmd, []string{"-conf", "/etc/coredns/Corefile"}) {
			t.Errorf("%s: %+v; want a user without privileges, and the default Corefile", tag, i.Config)
		}
		for label, want := range map[string]string{"title": title, "version": "test", "licenses": "Apache-2.0"} {
			if got := i.Config.Labels["org.opencontainers.image."+label]; got != want {
				t.Errorf("%s: label %s = %q; want %q", tag, label, got, want)
			}
		}
		sizes[tag] = i.Size
		t.Logf("%s: %d bytes", tag, i.Size)
	}
	if sizes["test"] > 90<<20 || sizes["test-slim"] > 25<<20 {
		t.Errorf("sizes %v; want at most 90 and 25 MiB", sizes)
	}
}

// TestSameDigest builds the images again, in another folder and as long after as the first build took.
func TestSameDigest(t *testing.T) {
	needsImages(t)
	first := []string{inspect(t, "test").ID, inspect(t, "test-slim").ID}
	docker(t, "rmi", "--force", image+":test", image+":latest", image+":test-slim", image+":latest-slim")
	makeImages(t, "amd64")
	if again := []string{inspect(t, "test").ID, inspect(t, "test-slim").ID}; !slices.Equal(again, first) {
		t.Errorf("digests %v; want %v as before", again, first)
	}
}

// TestArm64 builds for the other architecture, and looks at what cannot be run here.
func TestArm64(t *testing.T) {
	needsImages(t)
	defer makeImages(t, "amd64")
	bin := makeImages(t, "arm64")
	for name, tag := range map[string]string{"coredns": "test", "coredns-slim": "test-slim"} {
		f, err := elf.Open(filepath.Join(bin, "linux-arm64", name, "coredns"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if libraries, _ := f.ImportedLibraries(); f.Machine != elf.EM_AARCH64 || len(libraries) > 0 {
			t.Errorf("%s is for %v and links %v; want a static binary for arm64", name, f.Machine, libraries)
		}
		if got := inspect(t, tag).Architecture; got != "arm64" {
			t.Errorf("image %s is for %q; want arm64", tag, got)
		}
	}
}
