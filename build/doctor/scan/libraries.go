package scan

import (
	"path"
	"strings"
)

// linked is what the libraries of a program say together.
type linked struct {
	cares        string // the c-ares among them
	caresVersion string
	asksLibc     bool // one of them asks the C library for names
	isComplete   bool // all were found
}

// maxLibraries is how many libraries of a program are followed.
const maxLibraries = 512

// folders are where dynamic loaders look for libraries, those of Debian with the names of its architectures.
var folders = []string{"/lib", "/usr/lib", "/usr/local/lib", "/lib64", "/usr/lib64"}

var triplets = []string{"x86_64-linux-gnu", "aarch64-linux-gnu", "arm-linux-gnueabihf", "i386-linux-gnu", "riscv64-linux-gnu", "s390x-linux-gnu", "powerpc64le-linux-gnu", "x86_64-linux-musl", "aarch64-linux-musl"}

// libraries follows the libraries that a program needs, and those that they need.
func libraries(name string, o *object, in place) (l linked) {
	l.isComplete = true
	type need struct {
		name string
		by   *object
		at   string
	}
	var queue []need
	push := func(by *object, at string) {
		for _, n := range by.dyn.needed {
			queue = append(queue, need{n, by, at})
		}
	}
	push(o, name)
	seen := make(map[string]bool)
	for ; len(queue) > 0; queue = queue[1:] {
		n := queue[0]
		if seen[n.name] || isLibc(n.name) {
			continue
		}
		seen[n.name] = true
		isCares := strings.HasPrefix(path.Base(n.name), "libcares.so")
		library, at := findLibrary(n.name, n.by, n.at, in)
		switch {
		case isCares:
			l.cares, l.caresVersion = n.name, withoutRelease(in.installed("c-ares"))
		case library == nil || len(seen) >= maxLibraries:
			l.isComplete = false
		default:
			l.asksLibc = l.asksLibc || library.dyn.asksLibc
			push(library, at)
		}
	}
	return l
}

// isLibc reports whether a library is the C library, or a part of it.
func isLibc(name string) bool {
	base := path.Base(name)
	for _, prefix := range []string{"libc.so", "libc.musl-", "ld-linux", "ld-musl-", "ld64.so", "libresolv.so", "libm.so", "libpthread.so", "libdl.so", "librt.so", "libnsl.so"} {
		if strings.HasPrefix(base, prefix) {
			return true
		}
	}
	return false
}

// findLibrary looks where the dynamic loader would look.
func findLibrary(name string, by *object, at string, in place) (*object, string) {
	if strings.Contains(name, "/") {
		o, _, at := in.find(name)
		return o, at
	}
	var dirs []string
	for _, dir := range by.dyn.rpath {
		dirs = append(dirs, strings.NewReplacer("$ORIGIN", path.Dir(at), "${ORIGIN}", path.Dir(at)).Replace(dir))
	}
	dirs = append(dirs, folders...)
	for _, triplet := range triplets {
		dirs = append(dirs, "/lib/"+triplet, "/usr/lib/"+triplet)
	}
	for _, dir := range dirs {
		if o, _, at := in.find(path.Join("/", dir, name)); o != nil && o.machine == by.machine {
			return o, at
		}
	}
	return nil, ""
}
