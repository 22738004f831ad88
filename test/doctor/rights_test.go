package doctor

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// nobody is a user without any rights.
const nobody = 65534

// TestMissingRight runs doctor as a user who may not read a file.
func TestMissingRight(t *testing.T) {
	if os.Geteuid() != 0 {
		lab.Skip(t, "needs root, to be another user")
	}
	dir, err := os.MkdirTemp("", "muslsafe-rights-") // that of the test is closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	program, secret := filepath.Join(dir, "doctor"), filepath.Join(dir, "secret")
	binary := lab.ReadFile(t, lab.Doctor(t))
	for _, err := range []error{os.Chmod(dir, 0o755), os.WriteFile(program, []byte(binary), 0o755), os.WriteFile(secret, nil, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	const file = "expect a file that can be read, or - for standard input"
	for _, tc := range []struct{ args, want string }{
		{"log " + secret, file},
		{"corefile " + secret, file},
		{"configmap " + secret, file},
		{"log --resolv-conf " + secret + " -", "expect the resolv.conf of the nodes"},
		{"--resolv-conf " + secret + " www.example.org", "expect a resolv.conf, by --resolv-conf FILE"},
		{"trace --resolv-conf " + secret + " www.example.org", "expect a resolv.conf, by --resolv-conf FILE"},
		{"nameservers --resolv-conf " + secret + " www.example.org", "expect a resolv.conf, by --resolv-conf FILE"},
	} {
		cmd := exec.Command(program, strings.Fields(tc.args)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		want := "doctor: open " + secret + ": permission denied; " + tc.want + "\n"
		if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 2 || string(out) != want {
			t.Errorf("doctor %s: %v\n%swant 2 and\n%s", tc.args, err, out, want)
		}
	}
}
