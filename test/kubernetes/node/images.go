package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// The images of a cluster, beside those of the victims.
const (
	PauseImage   = "muslsafe/pause:test"
	CoreDNSImage = "muslsafe/coredns:latest"
	NextImage    = "muslsafe/coredns:next"                       // the same with another digest, to change to
	DoctorImage  = "registry.example.com/muslsafe/doctor:v1.0.0" // as the pages call it
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
	root, err := repository()
	if err != nil {
		return nil, err
	}
	b := &builder{root: root, cache: c.cache, dir: c.Programs()}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return nil, err
	}
	images := map[string]v1.Image{
		PauseImage: b.pause(), busyboxImage: b.busybox(), CoreDNSImage: b.project("coredns"), DoctorImage: b.project("doctor"),
	}
	images[NextImage] = b.later(images[CoreDNSImage])
	b.victims(images)
	return images, b.err
}

// Programs is the folder of the programs that are in the images, such as doctor.
func (c *Cluster) Programs() string { return filepath.Join(c.dir, "images") }

// repository returns a folder of it.
func repository(path ...string) (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/muslsafe/coredns-muslsafe").Output()
	if err != nil {
		return "", fmt.Errorf("go list: %w", err)
	}
	return filepath.Join(append([]string{strings.TrimSpace(string(out))}, path...)...), nil
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

// image makes an image of its file system.
func (b *builder) image(rootfs []byte, config v1.Config) (image v1.Image) {
	if b.err == nil {
		image, b.err = newImage(rootfs, config)
	}
	return image
}

// pack makes an image of files.
func (b *builder) pack(files map[string]file, config v1.Config) v1.Image {
	var rootfs []byte
	if b.err == nil {
		rootfs, b.err = archive(files)
	}
	return b.image(rootfs, config)
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

// project makes an image of the project: its file system is packed by build/image, and its Dockerfile says how it runs.
func (b *builder) project(program string) v1.Image {
	binary, packed := b.out(program), b.out(program+".tar")
	b.run("go", "build", "-trimpath", "-buildvcs=false", "-tags", "grpcnotrace", "-ldflags", "-s -w", "-o", binary, "./build/"+program)
	b.run("go", "run", "./build/image", "rootfs", binary, packed)
	var config v1.Config
	if b.err == nil {
		config, b.err = dockerfile(filepath.Join(b.root, "build", "image", "Dockerfile"), program)
	}
	var rootfs []byte
	if b.err == nil {
		rootfs, b.err = os.ReadFile(packed)
	}
	return b.image(rootfs, config)
}

// later returns an image that differs in nothing but its age, and so in its digest.
func (b *builder) later(image v1.Image) (next v1.Image) {
	if b.err == nil {
		next, b.err = mutate.CreatedAt(image, v1.Time{Time: time.Unix(1, 0)})
	}
	return next
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
