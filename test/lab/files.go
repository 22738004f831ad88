package lab

import (
	"os"
	"os/exec"
	"testing"
)

// ReadFile returns the text of a file.
func ReadFile(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// WriteFile writes a file that everybody may read.
func WriteFile(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// LookPath returns the path of a program. It skips the test if the program is not installed.
func LookPath(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		Skip(t, "needs "+program+" (test/install.sh installs it): "+err.Error())
	}
	return path
}
