package scan

import (
	"fmt"
	"path"
	"strings"
)

// libc is the C library of a program, as far as that can be told.
type libc struct {
	name     Resolver
	text     string // the version as it was read; "" if it is only known to be in span
	span     span
	isGuess  bool
	evidence []string
}

// version is what there is to say of it.
func (l libc) version() string {
	if l.text != "" {
		return l.text
	}
	return l.span.String()
}

// read takes over a version that was read somewhere.
func (l *libc) read(text string) {
	if v, ok := parseVersion(text); ok {
		l.text, l.span = text, exactly(v)
	}
}

// dynamicLibc returns the C library that a program gets from its dynamic loader.
func dynamicLibc(interp string, in place) libc {
	o, fs, at := in.hasLoader(interp)
	if o == nil || o.loader == nil {
		return libcByName(interp, in)
	}
	shown := fs.shown(at)
	if o.loader.starts != "" {
		l := libcBehind(o.loader.starts, in)
		l.evidence = append([]string{shown + " is gcompat, which runs programs of glibc on musl"}, l.evidence...)
		return l
	}
	l := libc{name: o.loader.libc}
	l.read(o.loader.version)
	if l.text != "" {
		l.evidence = []string{fmt.Sprintf("%s says version %s", shown, l.text)}
		if fs != in[0] && isThisMachine(fs) {
			l.evidence = append(l.evidence, "so it is if the program runs on this machine")
		}
		return l
	}
	l.evidence = []string{shown + " does not say its version"}
	if l.name == Musl {
		l.date(o, in)
	}
	return l
}

// libcBehind is the musl that gcompat starts. One that is gcompat again is not followed.
func libcBehind(path string, in place) libc {
	if o, _, _ := in.hasLoader(path); o != nil && o.loader != nil && o.loader.starts != "" {
		return libc{name: Musl, isGuess: true, evidence: []string{path + " is gcompat too"}}
	}
	return dynamicLibc(path, in)
}

// isThisMachine reports whether files are those of this machine, and not of a folder in it.
func isThisMachine(fs files) bool {
	d, ok := fs.(*dir)
	return ok && d.name == "/"
}

// date concludes the version of a musl that does not say it.
func (l *libc) date(o *object, in place) {
	if v := in.installed("musl"); v != "" {
		l.read(withoutRelease(v))
		l.evidence = append(l.evidence, "Alpine's package database has musl "+v)
		return
	}
	span, why := dateMusl(o.marks, o.machine)
	l.span, l.isGuess, l.evidence = span, true, append(l.evidence, why...)
}

// withoutRelease cuts the release of the package from its version: 1.2.5-r9 is 1.2.5.
func withoutRelease(v string) string {
	if at := strings.LastIndex(v, "-r"); at > 0 {
		return v[:at]
	}
	return v
}

// libcByName goes by the name of a loader that is not there, or that says nothing.
func libcByName(interp string, in place) libc {
	base := path.Base(interp)
	l := libc{name: Unknown, isGuess: true, evidence: []string{"the loader " + interp + " was not found"}}
	switch {
	case strings.HasPrefix(base, "ld-musl-"):
		l.name = Musl
		if v := in.installed("musl"); v != "" {
			l.read(withoutRelease(v))
			l.isGuess = false
			l.evidence = append(l.evidence, "Alpine's package database has musl "+v)
		}
	case strings.HasPrefix(base, "ld-linux"), strings.HasPrefix(base, "ld64.so"), base == "ld.so.1":
		l.name = Glibc
	}
	return l
}

// staticLibc returns the C library that is inside of a static program.
func staticLibc(o *object) libc {
	m := o.marks
	switch {
	case m.has(muslPolicy), m.has(muslNdots) && o.isMusl():
		l := libc{name: Musl, evidence: []string{"static, with the resolver of musl inside"}}
		if l.read(o.symbol); l.text != "" {
			l.evidence = append(l.evidence, "its symbol __libc_version is "+o.symbol)
			return l
		}
		l.conclude(o)
		return l
	case m.has(glibcOption):
		return libc{name: Glibc, evidence: []string{"static, with the resolver of glibc inside"}}
	case m.has(upxText):
		return libc{name: Unknown, isGuess: true, evidence: []string{"packed by UPX: unpack it with upx -d"}}
	case m.has(resolvConf):
		return libc{name: Unknown, isGuess: true, evidence: []string{"static, and reads /etc/resolv.conf in a way of its own"}}
	}
	return libc{name: None, isGuess: true, evidence: []string{"static, and does not mention /etc/resolv.conf"}}
}

// conclude says which musl is in a static program, by what only some versions have and by the Rust that built it.
func (l *libc) conclude(o *object) {
	span, why := dateMusl(o.marks, o.machine)
	l.isGuess, l.evidence = true, append(l.evidence, why...)
	if v, ok := parseVersion(o.rustc); ok && !strings.Contains(o.rustc, "Linux") { // those of distributions link their own musl
		b := bundled(v)
		if both, ok := span.and(exactly(b)); ok {
			span = both
			l.evidence = append(l.evidence, fmt.Sprintf("built by Rust %s, which bundles musl %s", v, b))
		} else {
			l.evidence = append(l.evidence, fmt.Sprintf("built by Rust %s, but not with the musl %s that it bundles", v, b))
		}
	}
	l.span = span
}
