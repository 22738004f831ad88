// Package doctor runs build/doctor against real servers, and compares what it predicts with what real libcs then do.
package doctor

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

func TestMain(m *testing.M) { os.Exit(lab.Main(m)) }

// report is what the tests read of doctor -json.
type report struct {
	Names []name
}

type name struct {
	Name, Status, Unclear string
	Lookups               []lookup
	Hazards               []hazard
	Tools                 []tool
}

// tool is what doctor says that another program shows.
type tool struct {
	Tool      string
	Works     bool
	Addresses []string
	Status    int
}

type lookup struct {
	Libc, Error string
	Addresses   []string
	Seconds     *float64 // nil: never
	Queries     int
}

type hazard struct {
	Kind, Question, Fix string
	Answers             []struct{ Type, Answer string }
	Harms               []struct{ Libc, Effect string }
}

// doctor runs the program and returns its exit status and what it writes.
func doctor(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	cmd := exec.Command(lab.Doctor(t), args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()
}

// examine runs doctor -json. It fails if there is no report.
func examine(t *testing.T, args ...string) (status int, r report) {
	t.Helper()
	status, out, errs := doctor(t, append([]string{"-json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("doctor %q = %d: %v\n%s%s", args, status, err, out, errs)
	}
	return status, r
}
