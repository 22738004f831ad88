package scan

import (
	"path"
	"strings"
)

// kind is what a name stands for.
type kind uint8

const (
	missing kind = iota
	folder
	file
	link
)

// files is a file system that programs run in, or would: a folder, an image or the root of a process. Paths are absolute in
// it and clean.
type files interface {
	// lstat says what a path is, and what it points to if it is a link. No parent in the path is a link.
	lstat(path string) (k kind, target string)
	// object reads a file, nil if it is not in ELF or cannot be read.
	object(path string) *object
	// packages returns the versions of packages that a database of Alpine lists.
	packages(path string) map[string]string
	// shown is how a path is written in a report.
	shown(path string) string
}

// maxLinks is how many links Linux follows. The parts of their targets are counted too.
const (
	maxLinks = 40
	maxSteps = 2048
)

// resolve follows the links of a path, all of which stay inside: the root is its own parent.
func resolve(fs files, name string) (string, bool) {
	at, rest, links := "/", split(name), 0
	for steps := 0; len(rest) > 0; steps++ {
		if steps > maxSteps {
			return "", false
		}
		part := rest[0]
		rest = rest[1:]
		if part == ".." {
			at = path.Dir(at)
			continue
		}
		next := path.Join(at, part)
		switch k, target := fs.lstat(next); {
		case k == missing || k == file && len(rest) > 0:
			return "", false
		case k == link:
			if links++; links > maxLinks {
				return "", false
			}
			if strings.HasPrefix(target, "/") {
				at = "/"
			}
			rest = append(split(target), rest...)
		default:
			at = next
		}
	}
	return at, true
}

// split returns the parts of a path without those that say nothing.
func split(name string) (parts []string) {
	for part := range strings.SplitSeq(name, "/") {
		if part != "" && part != "." {
			parts = append(parts, part)
		}
	}
	return parts
}

// place is where files are looked for: in a file system, and if they are not in it, in those that it is a part of.
type place []files

// find returns the file that a path leads to, in the first file system where there is one.
func (p place) find(name string) (o *object, in files, at string) {
	for _, fs := range p {
		if at, ok := resolve(fs, name); ok {
			if o := fs.object(at); o != nil {
				return o, fs, at
			}
		}
	}
	return nil, nil, ""
}

// databases are where Alpine lists its packages.
var databases = []string{"/lib/apk/db/installed", "/usr/lib/apk/db/installed"}

// packageIn returns the version of a package of Alpine, "" if there is no database, or none with it.
func packageIn(fs files, name string) string {
	for _, database := range databases {
		if at, ok := resolve(fs, database); ok {
			if v := fs.packages(at)[name]; v != "" {
				return v
			}
		}
	}
	return ""
}

// installed returns the version of a package in the first file system that has one.
func (p place) installed(name string) string {
	for _, fs := range p {
		if v := packageIn(fs, name); v != "" {
			return v
		}
	}
	return ""
}

// hasLoader returns the loader at a path. One that is further away than a database of packages is not that of the program.
func (p place) hasLoader(name string) (o *object, in files, at string) {
	for i, fs := range p {
		if o, in, at := p[i : i+1].find(name); o != nil || packageIn(fs, "musl") != "" {
			return o, in, at
		}
	}
	return nil, nil, ""
}
