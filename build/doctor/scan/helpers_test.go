package scan

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// releases of musl, as test/install.sh fetches them.
var releases = []string{"1.2.2", "1.2.3", "1.2.5", "1.2.6"}

// client looks a name up and prints what it gets; idle does so if it is told to, and then waits.
const client = "../../../test/lab/client/getaddrinfo.c"

const idle = `#include <netdb.h>
#include <unistd.h>
int main(int argc, char **argv) {
	struct addrinfo *a;
	if (argc > 1) getaddrinfo(argv[1], 0, 0, &a);
	write(1, "x", 1);
	for (;;) pause();
}
`

// musl returns the folder of a release.
func musl(t *testing.T, release string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "muslsafe", "musl-"+release)
	if _, err := os.Stat(filepath.Join(dir, "libc.a")); err != nil || runtime.GOARCH != "amd64" {
		lab.Skip(t, "needs musl "+release+" on amd64 (test/install.sh fetches it)")
	}
	return dir
}

// run runs a program that has to succeed.
func run(t *testing.T, env []string, name string, args ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		lab.Skip(t, "needs "+name+" (test/install.sh installs it)")
	}
	cmd := exec.Command(name, args...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
}

// source writes a source file in C.
func source(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "source.c")
	write(t, file, text)
	return file
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// copyFile copies a file, to a folder that is made.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(data))
}

// static links a source with a release of musl, statically.
func static(t *testing.T, release, source string, flags ...string) string {
	t.Helper()
	dir, out := musl(t, release), filepath.Join(t.TempDir(), "static-"+release)
	args := append([]string{"-O2", "-static-pie", "-nostdinc", "-isystem", dir + "/include", "-nostdlib", "-o", out}, flags...)
	run(t, nil, "gcc", append(args, dir+"/rcrt1.o", dir+"/crti.o", source, dir+"/libc.a", "-lgcc", dir+"/crtn.o")...)
	return out
}

// muslLoader is the path of musl's dynamic loader in programs.
const muslLoaderPath = "/lib/ld-musl-x86_64.so.1"

// shared links a source with musl's dynamic loader, whatever release that is when the program runs.
func shared(t *testing.T, source string, flags ...string) string {
	t.Helper()
	dir, out := musl(t, "1.2.2"), filepath.Join(t.TempDir(), "shared")
	empty := filepath.Join(t.TempDir(), "libc.so") // a library of that name, for the sake of DT_NEEDED
	copyFile(t, dir+"/libc.so", empty)
	args := append([]string{"-O2", "-nostdinc", "-isystem", dir + "/include", "-nostdlib", "-pie", "-fPIE", "-Wl,-dynamic-linker," + muslLoaderPath, "-o", out}, flags...)
	run(t, nil, "gcc", append(args, dir+"/Scrt1.o", dir+"/crti.o", source, "-L"+filepath.Dir(empty), "-lc", "-lgcc", dir+"/crtn.o")...)
	return out
}

// object reads a file, which has to be in ELF.
func readTestObject(t *testing.T, file string) *object {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o, err := readFile(f)
	if err != nil || o == nil {
		t.Fatalf("%s: %v, %v; want an ELF file", file, o, err)
	}
	return o
}

// only returns the one program that a path has.
func only(t *testing.T, path string) Program {
	t.Helper()
	reports, err := new(Scanner).Path(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(reports) != 1 || len(reports[0].Programs) != 1 {
		t.Fatalf("%s: %+v; want one program", path, reports)
	}
	return reports[0].Programs[0]
}

// short writes the programs of a report in one line each.
func lines(r *Report) string {
	var b strings.Builder
	for _, p := range r.Programs {
		fmt.Fprintf(&b, "%s %s %s", p.Path, p.Resolver, p.Version)
		if p.Guess {
			b.WriteString(" guess")
		}
		for _, o := range p.Also {
			fmt.Fprintf(&b, " also %s %s", o.Resolver, o.Version)
		}
		b.WriteString("\n")
	}
	return b.String()
}

// withoutSections takes the table of sections out of the header of a program for amd64, which runs without it.
func withoutSections(t *testing.T, program string) string {
	t.Helper()
	data, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	clear(data[40:48]) // e_shoff
	clear(data[60:64]) // e_shnum, e_shstrndx
	out := filepath.Join(t.TempDir(), "without-sections")
	write(t, out, string(data))
	return out
}
