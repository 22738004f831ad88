package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The images of a cluster, beside those of the victims.
const (
	PauseImage   = "muslsafe/pause:test"
	CoreDNSImage = "muslsafe/coredns:latest"
	NextImage    = "muslsafe/coredns:next" // the same with another digest, to change to
	busyboxImage = "busybox:latest"
)

// Libcs are the C libraries of the victims: glibc, and the versions of musl that test/install.sh fetches.
var Libcs = []string{"glibc", "musl-1.2.2", "musl-1.2.3", "musl-1.2.5", "musl-1.2.6"}

// VictimImage is the image of a pod that looks names up with a C library.
func VictimImage(libc string) string { return "muslsafe/victim:" + libc }

// A builder makes images of what it compiles.
type builder struct {
	root  string // of the repository
	cache string
	dir   string
	err   error // the first
}

// Images compiles the programs of this repository, and makes all images that the tests need.
func (c *Cluster) Images() (map[string]v1.Image, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/muslsafe/coredns-muslsafe").Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	b := &builder{root: strings.TrimSpace(string(out)), cache: c.cache, dir: filepath.Join(c.dir, "images")}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return nil, err
	}
	images := map[string]v1.Image{PauseImage: b.pause(), busyboxImage: b.busybox()}
	b.coredns(images)
	b.victims(images)
	return images, b.err
}

// run runs a compiler unless something has failed before.
func (b *builder) run(name string, args ...string) {
	if b.err != nil {
		return
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = b.root, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.err = fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
}

func (b *builder) out(name string) string { return filepath.Join(b.dir, name) }

// pack makes an image of files.
func (b *builder) pack(files map[string]file, config v1.Config) v1.Image {
	if b.err != nil {
		return nil
	}
	rootfs, err := archive(files)
	if err != nil {
		b.err = err
		return nil
	}
	images, err := newImages(rootfs, config)
	if err != nil {
		b.err = err
		return nil
	}
	return images[0]
}

// pause holds the namespaces of a pod, and buries what is orphaned there.
func (b *builder) pause() v1.Image {
	source := b.out("pause.c")
	if err := os.WriteFile(source, []byte(pauseSource), 0o644); err != nil {
		b.err = err
	}
	b.run("musl-gcc", "-static", "-Os", "-o", b.out("pause"), source)
	return b.pack(map[string]file{"/pause": {from: b.out("pause")}}, v1.Config{User: "65535:65535", Entrypoint: []string{"/pause"}})
}

const pauseSource = `#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int sig) { _exit(0); }

int main(void)
{
	signal(SIGTERM, end);
	signal(SIGINT, end);
	signal(SIGCHLD, SIG_IGN);
	for (;;) pause();
}
`

// coredns is the image of the project: its file system is packed by build/image, and its Dockerfile says how it runs.
func (b *builder) coredns(images map[string]v1.Image) {
	binary, rootfs := b.out("coredns"), b.out("rootfs.tar")
	b.run("go", "build", "-trimpath", "-buildvcs=false", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", binary, "./build/coredns")
	b.run("go", "run", "./build/image", "rootfs", binary, rootfs)
	if b.err != nil {
		return
	}
	config, err := dockerfile(filepath.Join(b.root, "build", "image", "Dockerfile"))
	if err != nil {
		b.err = err
		return
	}
	text, err := os.ReadFile(rootfs)
	if err != nil {
		b.err = err
		return
	}
	next := config
	next.Labels = map[string]string{"next": "true"}
	both, err := newImages(text, config, next)
	if err != nil {
		b.err = err
		return
	}
	images[CoreDNSImage], images[NextImage] = both[0], both[1]
}

// busybox is that of Debian, with its libraries.
func (b *builder) busybox() v1.Image {
	binary, err := exec.LookPath("busybox")
	if err != nil {
		b.err = err
		return nil
	}
	files := map[string]file{"/bin/busybox": {from: binary}}
	for _, program := range []string{"sh", "ip", "grep", "sleep", "tar", "cat"} {
		files["/bin/"+program] = file{link: "/bin/busybox"}
	}
	b.libraries(binary, files)
	return b.pack(files, v1.Config{Cmd: []string{"sh"}, Env: []string{"PATH=/bin"}})
}

// libraries adds those that a program is linked with, where it looks for them.
func (b *builder) libraries(binary string, files map[string]file) {
	out, err := exec.Command("ldd", binary).Output()
	if err != nil {
		b.err = fmt.Errorf("ldd %s: %w", binary, err)
	}
	for word := range strings.FieldsSeq(string(out)) {
		if strings.HasPrefix(word, "/") {
			files[word] = file{from: word}
		}
	}
}
