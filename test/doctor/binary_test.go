package doctor

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// What doctor is held to.
const (
	maxSize  = 15_000_000            // octets
	maxStart = 50 * time.Millisecond // of processor time
)

// made builds doctor with the command of the Makefile, and returns its path.
func made(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	plan := exec.Command(lab.LookPath(t, "make"), "--no-print-directory", "--dry-run", "build", "BIN="+dir)
	plan.Dir = "../.."
	out, err := plan.Output()
	if err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "doctor")
	for command := range strings.Lines(string(out)) {
		if !strings.Contains(command, binary) {
			continue
		}
		build := exec.Command("sh", "-c", command)
		build.Dir = plan.Dir
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		return binary
	}
	t.Fatalf("make build has no command for %s:\n%s", binary, out)
	return ""
}

// TestBinary holds that doctor, as the Makefile builds it, is one static program without debugging information, is small, and starts
// at once. Processor time is measured, and the best of several starts: the machine may be busy.
func TestBinary(t *testing.T) {
	binary := made(t)
	info, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() >= maxSize {
		t.Errorf("%d octets; want less than %d", info.Size(), maxSize)
	}
	file, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	libraries, err := file.ImportedLibraries()
	if err != nil || len(libraries) > 0 {
		t.Errorf("libraries %v, %v; want none", libraries, err)
	}
	for _, p := range file.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has %v; want it to be static", p.Type)
		}
	}
	if file.Section(".debug_info") != nil || file.Section(".symtab") != nil {
		t.Error("the program has symbols; want it to be stripped")
	}
	best := maxStart
	for range 10 {
		cmd := exec.Command(binary, "--version")
		if out, err := cmd.Output(); err != nil || !strings.HasPrefix(string(out), "doctor version ") {
			t.Fatalf("%q, %v; want the version", out, err)
		}
		best = min(best, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
	}
	if best >= maxStart {
		t.Errorf("%v of processor time to say the version; want less", best)
	}
	t.Logf("%d octets, started in %v of processor time", info.Size(), best)
}

// TestCompletion loads the scripts into their shells, and has bash complete commands, flags and values as if keys were pressed.
func TestCompletion(t *testing.T) {
	binary := lab.Doctor(t)
	t.Setenv("PATH", filepath.Dir(binary)+":"+os.Getenv("PATH"))
	for shell, check := range map[string][]string{"bash": {"-n"}, "zsh": {"-n"}, "fish": {"--no-execute"}} {
		status, script, errs := doctor(t, "completion", shell)
		if status != 0 || errs != "" || !strings.Contains(script, "__complete") {
			t.Fatalf("completion %s = %d: %s", shell, status, errs)
		}
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not here; its script is made and not loaded", shell)
			continue
		}
		file := filepath.Join(t.TempDir(), "doctor")
		lab.WriteFile(t, file, script)
		if out, err := exec.Command(path, append(check, file)...).CombinedOutput(); err != nil {
			t.Errorf("%s does not read its script: %v\n%s", shell, err, out)
		}
		if shell == "bash" {
			completeInBash(t, path, file)
		}
	}
}

// pressTab loads the script and completes the words that it is given. Where bash-completion is not installed, the one function that
// the script needs of it is here.
const pressTab = `
if ! source /usr/share/bash-completion/bash_completion 2>/dev/null; then
	_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD; }
fi
source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE} COMP_TYPE=9
__start_doctor
printf '%s\n' "${COMPREPLY[@]}"
`

func completeInBash(t *testing.T, bash, script string) {
	t.Helper()
	for _, tc := range []struct{ typed, want string }{
		{"doctor tra", "trace"},
		{"doctor names", "nameservers"},
		{"doctor trace --lib", "--libc"},
		{"doctor trace --libc glibc", "glibc-2.36"},
		{"doctor --color al", "always"},
		{"doctor completion zs", "zsh"},
		{"doctor help lo", "log"},
	} {
		args := append([]string{"-c", pressTab, "bash", script}, strings.Fields(tc.typed)...)
		out, err := exec.Command(bash, args...).Output() // it complains that nobody presses a key
		if err != nil || strings.TrimSpace(string(out)) != tc.want {
			t.Errorf("%s TAB = %q, %v; want %s", tc.typed, out, err, tc.want)
		}
	}
}
