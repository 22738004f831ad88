package node

import (
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// victims are images of nothing but a C library, a program that looks names up with it, and one that lets it do so from
// outside. A version of musl is the one file that it is in an Alpine image; the program is linked with it at run time, as
// programs there are.
func (b *builder) victims(images map[string]v1.Image) {
	const source = "test/lab/client/getaddrinfo.c"
	b.run("gcc", "-Wall", "-Werror", "-O2", "-o", b.out("look-glibc"), source)
	b.run("musl-gcc", "-Wall", "-Werror", "-O2", "-o", b.out("look-musl"), source)
	b.run("go", "-C", "test/kubernetes", "build", "-trimpath", "-ldflags", "-s -w", "-o", b.out("victim"), "./node/victim")
	for _, libc := range Libcs {
		files := map[string]file{"/victim": {from: b.out("victim")}, "/look": {from: b.out("look-glibc")}}
		if strings.HasPrefix(libc, "musl-") {
			files["/look"] = file{from: b.out("look-musl")}
			files["/lib/ld-musl-x86_64.so.1"] = file{from: filepath.Join(b.cache, libc, "libc.so")}
		} else if b.err == nil {
			b.libraries(b.out("look-glibc"), files)
		}
		images[VictimImage(libc)] = b.pack(files, v1.Config{User: "65532:65532", Entrypoint: []string{"/victim"}})
	}
}
