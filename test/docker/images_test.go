package docker

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// The images of the tests, in place of those that the examples name.
var (
	server = prefix + "/coredns:latest-slim"
	doctor = prefix + "/doctor:latest"
	victim = prefix + "/victim:test"
)

// removeImages removes them, and what building them has left without a name.
func removeImages() {
	asMade := strings.NewReplacer("latest", prefix)
	list := []string{server, asMade.Replace(server), doctor, asMade.Replace(doctor), victim}
	unnamed, err := run("docker", "images", "--quiet", "--filter=dangling=true", "--filter=label=org.opencontainers.image.version="+prefix)
	if err == nil {
		list = append(list, strings.Fields(unnamed)...)
	}
	for _, ref := range list {
		_, _ = run("docker", "rmi", "--force", ref) // it may not have been made, or be gone with another one
	}
}

var made struct {
	sync.Once
	err error
}

// needsImages makes the images, once. It skips the test where that cannot be.
func needsImages(t *testing.T) {
	t.Helper()
	if _, err := run("docker", "version"); err != nil {
		lab.Skip(t, "needs a Docker engine: "+err.Error())
	}
	for _, program := range []string{"gcc", "musl-gcc"} {
		lab.LookPath(t, program)
	}
	if _, err := os.Stat(muslFile(t, muslVersions[0], "libc.so")); err != nil {
		lab.Skip(t, "needs the versions of musl (test/install.sh fetches them): "+err.Error())
	}
	made.Do(func() {
		// As the documents say, but for the names.
		_, made.err = run("make", "-C", root, "image-coredns-slim", "image-doctor", "IMAGE="+prefix+"/coredns", "VERSION="+prefix, "BIN="+t.TempDir())
		if made.err == nil {
			made.err = makeVictim(t, t.TempDir())
		}
	})
	if made.err != nil {
		t.Fatal(made.err)
	}
}

// muslVersions are those of Debian, from that of Alpine 3.14 to the newest one.
var muslVersions = []string{"1.2.2", "1.2.3", "1.2.5", "1.2.6"}

func muslFile(t *testing.T, version, name string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(cache, "muslsafe", "musl-"+version, name)
}

// idle is a program that does nothing, so that a container stays for others to be started in.
const idle = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"

// client is the source of the program that looks names up.
const client = root + "/test/lab/client/getaddrinfo.c"

// makeVictim makes an image of nothing but C libraries and programs that look names up with them: /look on any musl, as in an
// Alpine image; /look-static with musl 1.2.3 in it, as programs in Rust had until 2026; and /look-glibc.
func makeVictim(t *testing.T, dir string) error {
	files := dir + "/files"
	if err := os.Mkdir(files, 0o755); err != nil {
		return err
	}
	lab.WriteFile(t, dir+"/idle.c", idle)
	lab.WriteFile(t, dir+"/Dockerfile", "FROM scratch\nCOPY files /\nCMD [\"/idle\"]\n")
	musl := filepath.Dir(muslFile(t, "1.2.3", "libc.a"))
	steps := [][]string{
		{"musl-gcc", "-static", "-O2", "-o", files + "/idle", dir + "/idle.c"},
		{"musl-gcc", "-O2", "-o", files + "/look", client},
		{"gcc", "-O2", "-static-pie", "-nostdinc", "-isystem", musl + "/include", "-nostdlib", "-o", files + "/look-static",
			musl + "/rcrt1.o", musl + "/crti.o", client, musl + "/libc.a", "-lgcc", musl + "/crtn.o"},
		{"gcc", "-O2", "-o", files + "/look-glibc", client},
		// A program finds its libraries where they are on this machine.
		{"sh", "-c", `ldd "$1/look-glibc" | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory "$1"`, "sh", files},
		{"docker", "build", "--quiet", "--tag", victim, dir},
	}
	for _, version := range muslVersions {
		steps = append([][]string{{"cp", muslFile(t, version, "libc.so"), files + "/musl-" + version}}, steps...)
	}
	for _, step := range steps {
		if _, err := run(step[0], step[1:]...); err != nil {
			return err
		}
	}
	return nil
}

// libc is a C library in the image, and what looks a name up with it.
type libc struct {
	name    string
	command []string
}

func (l libc) isMusl() bool { return l.name != "glibc" }

// isOld reports whether this is a musl before 1.2.4, which knows no TCP.
func (l libc) isOld() bool { return l.isMusl() && l.name < "musl 1.2.4" }

func libcs() []libc {
	list := []libc{{"glibc", []string{"/look-glibc"}}, {"musl 1.2.3, static", []string{"/look-static"}}}
	for _, version := range muslVersions {
		list = append(list, libc{"musl " + version, []string{"/musl-" + version, "/look"}})
	}
	return list
}

// enter returns what starts a program in a container that runs: for root, the quick way to do what docker exec does.
func enter(t *testing.T, container string) []string {
	t.Helper()
	if os.Geteuid() != 0 {
		return []string{"docker", "exec", container}
	}
	pid := docker(t, "inspect", "--format={{.State.Pid}}", container)
	return []string{"nsenter", "--target=" + pid, "--mount", "--net", "--root", "--wd=/", "--"}
}

// look looks a name up where a command starts its program. It returns the error of getaddrinfo, or the first address.
func (l libc) look(enter []string, name string) string {
	args := slices.Concat(enter, l.command, []string{"0", name})
	out, err := run(args[0], args[1:]...)
	fields := strings.Fields(out)
	switch {
	case err != nil:
		return err.Error()
	case len(fields) < 2:
		return "nothing: " + out
	case fields[0] != "OK":
		return fields[0]
	}
	return fields[2]
}
