package scan

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// linkTree has links of all sorts, as NAME or NAME -> TARGET. Folders end with a slash.
var linkTree = []string{
	"lib/", "usr/", "usr/lib/", "usr/lib/real", "lib/abs -> /usr/lib/real", "lib/rel -> ../usr/lib/real", "bin -> usr/lib",
	"lib/out -> ../../../../../../../../../etc/passwd", "lib/up -> ../../../../usr/lib/real", "loop -> loop2", "loop2 -> loop",
	"self -> .", "dangling -> /nowhere", "slash -> /", "empty -> ./././usr",
}

// TestResolve follows the same links in a folder and in an image. Nothing leads out of either.
func TestResolve(t *testing.T) {
	folder, image := t.TempDir(), new(Scanner).newLayerer(newReport(""))
	var entries []entryOf
	for _, line := range linkTree {
		name, target, isLink := strings.Cut(line, " -> ")
		at := filepath.Join(folder, name)
		switch {
		case isLink:
			if err := os.Symlink(target, at); err != nil {
				t.Fatal(err)
			}
			entries = append(entries, entryOf{name: name, kind: tar.TypeSymlink, link: target})
		case strings.HasSuffix(name, "/"):
			if err := os.MkdirAll(at, 0o755); err != nil {
				t.Fatal(err)
			}
			entries = append(entries, entryOf{name: name, kind: tar.TypeDir})
		default:
			write(t, at, tinyELF)
			entries = append(entries, entryOf{name: name, text: tinyELF})
		}
	}
	if err := image.apply(layerOf(t, entries...)); err != nil {
		t.Fatal(err)
	}
	d, err := openDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer d.root.Close()
	for name, want := range map[string]string{
		"/usr/lib/real": "/usr/lib/real", "/lib/abs": "/usr/lib/real", "/lib/rel": "/usr/lib/real", "/bin/real": "/usr/lib/real",
		"/lib/up": "/usr/lib/real", "/../../usr/./lib//real": "/usr/lib/real", "/slash/slash/usr/lib/real": "/usr/lib/real",
		"/self/self/self/usr/lib/real": "/usr/lib/real", "/empty/lib": "/usr/lib", "/": "/", "": "/",
		"/lib/out": "", "/loop": "", "/loop/x": "", "/dangling": "", "/usr/lib/real/x": "", "/nowhere": "",
	} {
		for kind, fs := range map[string]files{"folder": d, "image": image.tree} {
			if got, ok := resolve(fs, name); got != want || ok != (want != "") {
				t.Errorf("%s: resolve(%q) = %q, %v; want %q", kind, name, got, ok, want)
			}
		}
	}
	if at, ok := resolve(d, strings.Repeat("/self", 41)+"/usr"); ok {
		t.Errorf("41 links lead to %s; want no more than %d followed", at, maxLinks)
	}
}

// TestFolder has what else lies about in folders.
func TestFolder(t *testing.T) {
	outside, root := t.TempDir(), t.TempDir()
	write(t, outside+"/secret", tinyELF)
	write(t, root+"/bin/app", tinyELF)
	write(t, root+"/bin/script", "#!/bin/sh\n")
	write(t, root+"/bin/empty", "")
	write(t, root+"/bin/tiny", "\x7fELF")
	write(t, root+"/bin/broken", brokenELF())
	write(t, root+"/bin/odd", oddSections())
	run(t, nil, "mkfifo", root+"/bin/pipe")
	for name, target := range map[string]string{"out": outside, "outfile": outside + "/secret", "again": "app"} {
		if err := os.Symlink(target, filepath.Join(root, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	reports, err := new(Scanner).Path(root)
	if err != nil {
		t.Fatal(err)
	}
	r := reports[0]
	if got, want := lines(r), root+"/bin/app none  guess\n"+root+"/bin/odd none  guess\n"; got != want {
		t.Errorf("programs: %q; want %q", got, want)
	}
	var problems []string
	for _, p := range r.Unreadable {
		problems = append(problems, filepath.Base(p.Path)+" "+p.Why)
	}
	if got, want := strings.Join(problems, "; "), "broken "+errHeader.Error()+"; tiny "+errNotELF.Error(); got != want {
		t.Errorf("problems: %q; want %q", got, want)
	}
}

// TestDebug holds that a file for debuggers is no program, though its headers are those of one.
func TestDebug(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "program")
	run(t, nil, "gcc", "-g", "-o", program, source(t, "int main(void) { return 0; }\n"))
	run(t, nil, "objcopy", "--only-keep-debug", program, dir+"/program.debug")
	reports, err := new(Scanner).Path(dir)
	if err != nil || len(reports[0].Programs) > 0 || len(reports[0].Unreadable) > 0 {
		t.Errorf("%+v, %v; want neither a program nor a problem", reports[0], err)
	}
}

// TestNoProgram has paths that are neither a program nor something that has programs inside.
func TestNoProgram(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/text", "hello\n")
	write(t, dir+"/empty", "")
	write(t, dir+"/broken", brokenELF())
	write(t, dir+"/gzip", "\x1f\x8b\x08\x00rubbish")
	run(t, nil, "mkfifo", dir+"/pipe")
	for name, want := range map[string]string{
		"text": "is no program and no image; expect", "empty": "is no program and no image; expect", "broken": "its header makes no sense",
		"gzip": "gzip", "pipe": "is neither a file nor a folder", "missing": "no such file",
	} {
		reports, err := new(Scanner).Path(filepath.Join(dir, name))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), dir+"/"+name) || strings.Contains(err.Error(), "\n") || reports != nil {
			t.Errorf("%s: %v, %v; want one line with %q", name, reports, err, want)
		}
	}
	if _, err := new(Scanner).Path(filepath.Join(musl(t, "1.2.5"), "crt1.o")); err == nil || !strings.Contains(err.Error(), "object file") {
		t.Errorf("an object file: %v; want an error that says so", err)
	}
}
