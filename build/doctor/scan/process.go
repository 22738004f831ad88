package scan

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// mapped is a file that a process has mapped.
type mapped struct {
	path  string // in the root of the process
	area  string // as /proc/PID/map_files names it
	isOld bool   // the file is deleted, as by an update: the process still has the old one
}

// Process scans a running process: its program, and the libraries that it has really loaded.
func (s *Scanner) Process(pid int) (*Report, error) {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	r := newReport(proc)
	exe, err := os.Open(filepath.Join(proc, "exe"))
	if err != nil {
		return nil, whyNot(pid, proc, err)
	}
	defer exe.Close()
	o, err := readFile(exe)
	if err != nil {
		return nil, fmt.Errorf("process %d: its program %w", pid, err)
	}
	if o == nil {
		return nil, fmt.Errorf("process %d: its program is not in ELF", pid)
	}
	s.Files.Add(1)
	root, err := openDir(filepath.Join(proc, "root"))
	if err != nil {
		return nil, whyNot(pid, proc, err)
	}
	defer root.root.Close()
	root.name = "/"
	maps, err := readMaps(filepath.Join(proc, "maps"))
	if err != nil {
		return nil, whyNot(pid, proc, err)
	}
	name, _ := os.Readlink(filepath.Join(proc, "exe"))
	if top, err := os.Readlink(filepath.Join(proc, "root")); err == nil {
		name = within(top, name)
		for i := range maps {
			maps[i].path = within(top, maps[i].path)
		}
	}
	l := &loaded{proc, root, maps}
	if o.loader != nil {
		name, o = l.started(name, o)
	}
	p := judgeMapped(name, o, l)
	p.PID = pid
	r.Alone = true
	r.add(p)
	return r, nil
}

// within returns a path as a process sees it, whose root is a folder of the same file system.
func within(top, name string) string {
	if inside, ok := strings.CutPrefix(name, strings.TrimSuffix(top, "/")+"/"); ok {
		return "/" + inside
	}
	return name
}

// whyNot says why a process cannot be looked at.
func whyNot(pid int, proc string, err error) error {
	if _, gone := os.Stat(proc); gone != nil {
		return fmt.Errorf("there is no process %d", pid)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("process %d has no program: it belongs to the kernel, or has ended", pid)
	}
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("process %d: %w; expect the rights to trace it (root, or CAP_SYS_PTRACE)", pid, plain(err))
	}
	return fmt.Errorf("process %d: %w", pid, plain(err))
}

// readMaps returns the files that a process has mapped, each once.
func readMaps(name string) (maps []mapped, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	seen := make(map[string]bool)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		m, ok := parseMap(lines.Text())
		if ok && !seen[m.path] && len(maps) < maxLibraries {
			seen[m.path] = true
			maps = append(maps, m)
		}
	}
	return maps, lines.Err()
}

// parseMap reads a line of /proc/PID/maps: area, rights, offset, device, inode and the path, if there is one. The area has
// zeros in front, which the name in map_files lacks.
func parseMap(line string) (mapped, bool) {
	fields := strings.SplitN(line, " ", 6)
	if len(fields) < 6 {
		return mapped{}, false
	}
	name := strings.TrimLeft(fields[5], " ")
	if !strings.HasPrefix(name, "/") {
		return mapped{}, false
	}
	from, to, _ := strings.Cut(fields[0], "-")
	area := strings.TrimLeft(from, "0") + "-" + strings.TrimLeft(to, "0")
	name, isOld := strings.CutSuffix(name, " (deleted)")
	return mapped{strings.ReplaceAll(name, `\012`, "\n"), area, isOld}, true
}

// loaded is what a process has loaded.
type loaded struct {
	proc string
	root *dir
	maps []mapped
}

// read reads a mapped file: the very one, for which the right to look at map_files is needed, or the one that is there now.
func (l *loaded) read(m mapped) *object {
	if f, err := os.Open(filepath.Join(l.proc, "map_files", m.area)); err == nil {
		defer f.Close()
		o, _ := readFile(f)
		return o
	}
	if m.isOld {
		return nil
	}
	if at, ok := resolve(l.root, m.path); ok {
		return l.root.object(at)
	}
	return nil
}

// started returns the program that was started by the dynamic loader by name, as in "/lib/ld-musl-x86_64.so.1 /bin/app".
func (l *loaded) started(name string, o *object) (string, *object) {
	for _, m := range l.maps {
		if found := l.read(m); found != nil && found.isProgram && found.interp != "" {
			return m.path, found
		}
	}
	return name, o
}

// judgeMapped is judge for a process.
func judgeMapped(name string, o *object, l *loaded) Program {
	libs := linked{isComplete: true}
	var lib libc
	for _, m := range l.maps {
		base := path.Base(m.path)
		if strings.HasPrefix(base, "libcares.so") {
			libs.cares = base
		}
		if lib.name == Musl || o.interp == "" {
			continue
		}
		if found := l.read(m); found != nil && found.loader != nil && found.loader.starts == "" {
			lib = mappedLibc(found, m, place{l.root})
		}
	}
	switch {
	case o.interp == "":
		lib = staticLibc(o)
	case lib.name == "":
		lib = dynamicLibc(o.interp, place{l.root})
		lib.evidence = append(lib.evidence, "the loader that the process has mapped could not be read")
		lib.isGuess = true
	}
	libs.asksLibc = true // which of them asks is not told by what is mapped
	return judgeWith(strings.TrimSuffix(name, " (deleted)"), o, lib, libs)
}

// mappedLibc is the C library of a process by the file that it has mapped.
func mappedLibc(o *object, m mapped, in place) libc {
	l := libc{name: o.loader.libc, evidence: []string{"has loaded " + m.path}}
	if m.isOld {
		l.evidence[0] += ", which was deleted since"
	}
	if l.read(o.loader.version); l.text == "" && l.name == Musl {
		l.date(o, in)
	} else if l.text != "" {
		l.evidence[0] += fmt.Sprintf(" %s", l.text)
	}
	return l
}
