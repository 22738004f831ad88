package release

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// TestSums makes the checksums of a release, and verifies some of its files as SECURITY.md says: as they are, and with one that was
// changed.
func TestSums(t *testing.T) {
	bin := t.TempDir()
	dir := filepath.Join(bin, "release")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	files := []string{"muslsafe-doctor-v0.1.0-linux-amd64", "kubectl-muslsafe-v0.1.0-linux-amd64.tar.gz", "muslsafe.yaml"}
	for _, file := range files {
		lab.WriteFile(t, filepath.Join(dir, file), "this is "+file)
	}
	if out, err := exec.Command("make", "-C", root, "release-sums", "BIN="+bin).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if sums := lab.ReadFile(t, filepath.Join(dir, "SHA256SUMS")); strings.Count(sums, "\n") != len(files) {
		t.Errorf("checksums:\n%s\nwant those of %q", sums, files)
	}
	if err := os.Remove(filepath.Join(dir, files[2])); err != nil { // which was not downloaded
		t.Fatal(err)
	}
	script := lab.Fenced(t, root+"/.github/SECURITY.md", "sh")[0]
	verify := func() (string, error) {
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := verify(); err != nil || strings.Count(out, ": OK\n") != 2 {
		t.Errorf("as they are: %v\n%s", err, out)
	}
	lab.WriteFile(t, filepath.Join(dir, files[0]), "this is something else")
	if out, err := verify(); err == nil || !strings.Contains(out, files[0]+": FAILED") {
		t.Errorf("with a changed file: %v\n%s", err, out)
	}
}
