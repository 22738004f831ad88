package scan

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// start starts a program in a root, and returns when it runs.
func start(t *testing.T, root string, args ...string) int {
	t.Helper()
	cmd := exec.Command(args[0], args[1:]...)
	if root != "" {
		if os.Geteuid() != 0 {
			lab.Skip(t, "needs root, to start a program in another root")
		}
		cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: root, Pdeathsig: syscall.SIGKILL}
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if _, err := io.ReadFull(out, make([]byte, 1)); err != nil {
		t.Fatalf("%q ended: %v", args, err)
	}
	return cmd.Process.Pid
}

// processOf scans a process.
func processOf(t *testing.T, pid int) Program {
	t.Helper()
	r, err := new(Scanner).Process(pid)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Programs) != 1 || r.Programs[0].PID != pid {
		t.Fatalf("%+v; want one program", r)
	}
	return r.Programs[0]
}

// TestProcess has running programs, each in the root of an image.
func TestProcess(t *testing.T) {
	root := t.TempDir()
	text := source(t, idle)
	copyFile(t, shared(t, text), root+"/shared")
	copyFile(t, static(t, "1.2.5", text), root+"/static")
	copyFile(t, musl(t, "1.2.3")+"/libc.so", root+muslLoaderPath)
	glibc := filepath.Join(t.TempDir(), "glibc")
	run(t, nil, "gcc", "-o", glibc, text)
	tests := []struct {
		about, root string
		args        []string
		want        string
		evidence    string
	}{
		{"shared", root, []string{"/shared"}, "/shared musl 1.2.3", "has loaded " + muslLoaderPath + " 1.2.3"},
		{"started by the loader", root, []string{muslLoaderPath, "/shared"}, "/shared musl 1.2.3", "has loaded " + muslLoaderPath},
		{"static", root, []string{"/static"}, "/static musl 1.2.5 or later guess", "static"},
		{"glibc", "", []string{glibc}, glibc + " glibc 2.", "has loaded"},
	}
	for _, tc := range tests {
		pid := start(t, tc.root, tc.args...)
		p := processOf(t, pid)
		r := newReport("")
		r.add(p)
		got := strings.TrimSpace(lines(r))
		if !strings.HasPrefix(got, tc.want) || !strings.Contains(p.Evidence[0], tc.evidence) || p.AtRisk != (p.Resolver == Musl) {
			t.Errorf("%s: %s by %q; want %s by %q", tc.about, got, p.Evidence, tc.want, tc.evidence)
		}
	}
}

// TestUpdated holds that a process is judged by the C library that it has, and not by the one that took its place on disk.
func TestUpdated(t *testing.T) {
	root := t.TempDir()
	copyFile(t, shared(t, source(t, idle)), root+"/shared")
	copyFile(t, musl(t, "1.2.3")+"/libc.so", root+muslLoaderPath)
	pid := start(t, root, "/shared")
	copyFile(t, musl(t, "1.2.6")+"/libc.so", root+"/new")
	if err := os.Rename(root+"/new", root+muslLoaderPath); err != nil {
		t.Fatal(err)
	}
	p := processOf(t, pid)
	if _, err := os.ReadDir(filepath.Join("/proc/self", "map_files")); err != nil {
		t.Logf("map_files cannot be read here: %v", err)
	}
	isRead := p.Version == "1.2.3" && !p.Guess && strings.Contains(p.Evidence[0], "deleted")
	isGuess := p.Guess && strings.Contains(strings.Join(p.Evidence, " "), "could not be read") // without the right to open map_files
	if p.Resolver != Musl || !isRead && !isGuess {
		t.Errorf("%+v; want musl 1.2.3, which was deleted, or a guess", p)
	}
	if p := only(t, root); p.Version != "1.2.6" {
		t.Errorf("on disk: %+v; want musl 1.2.6", p)
	}
}

// TestMapped has what is known of a process by those who may not open map_files: the file that is there now, if it was not
// replaced.
func TestMapped(t *testing.T) {
	root := t.TempDir()
	copyFile(t, musl(t, "1.2.3")+"/libc.so", root+muslLoaderPath)
	d, err := openDir(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.root.Close()
	program := &object{interp: muslLoaderPath, isProgram: true}
	for _, tc := range []struct {
		isOld bool
		want  string
		guess bool
	}{{false, "has loaded " + muslLoaderPath + " 1.2.3", false}, {true, "the loader that the process has mapped could not be read", true}} {
		l := &loaded{proc: t.TempDir(), root: d, maps: []mapped{{path: muslLoaderPath, isOld: tc.isOld}, {path: "/usr/lib/libcares.so.2"}}}
		p := judgeMapped("/app", program, l)
		if p.Resolver != Musl || p.Guess != tc.guess || p.Evidence[len(p.Evidence)-1] != tc.want || len(p.Also) != 1 || p.Also[0].Resolver != CAres {
			t.Errorf("deleted %v: %+v; want musl by %q", tc.isOld, p, tc.want)
		}
	}
}

// TestNoProcess has processes that cannot be scanned.
func TestNoProcess(t *testing.T) {
	for pid, want := range map[int]string{1 << 30: "there is no process 1073741824", 0: "there is no process 0", -1: "there is no process -1"} {
		if r, err := new(Scanner).Process(pid); err == nil || err.Error() != want {
			t.Errorf("Process(%d) = %+v, %v; want %q", pid, r, err, want)
		}
	}
}

func TestParseMap(t *testing.T) {
	tests := []struct {
		line string
		want mapped
		ok   bool
	}{
		{"7f0c2a000000-7f0c2a021000 r-xp 00000000 08:01 131  /lib/ld-musl-x86_64.so.1", mapped{"/lib/ld-musl-x86_64.so.1", "7f0c2a000000-7f0c2a021000", false}, true},
		{"00400000-00452000 r-xp 00000000 08:02 173521      /usr/bin/a b (deleted)", mapped{"/usr/bin/a b", "400000-452000", true}, true},
		{"7ffd1000-7ffd2000 rw-p 00000000 00:00 0           [stack]", mapped{}, false},
		{"7ffd1000-7ffd2000 rw-p 00000000 00:00 0 ", mapped{}, false},
		{"7ffd1000-7ffd2000 rw-p 00000000 00:00 0", mapped{}, false},
		{`400000-452000 r-xp 00000000 08:02 1 /odd\012name`, mapped{"/odd\nname", "400000-452000", false}, true},
		{"", mapped{}, false},
	}
	for _, tc := range tests {
		if got, ok := parseMap(tc.line); got != tc.want || ok != tc.ok {
			t.Errorf("parseMap(%q) = %+v, %v; want %+v, %v", tc.line, got, ok, tc.want, tc.ok)
		}
	}
}
