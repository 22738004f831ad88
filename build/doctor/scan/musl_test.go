package scan

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
)

// TestLoaders holds that each release of musl says its version.
func TestLoaders(t *testing.T) {
	for _, release := range releases {
		o := readTestObject(t, filepath.Join(musl(t, release), "libc.so"))
		if o.isProgram || o.loader == nil || o.loader.libc != Musl || o.loader.version != release {
			t.Errorf("musl %s: program %v, loader %+v; want a loader of that version", release, o.isProgram, o.loader)
		}
	}
}

// TestStatic holds that the version of a static program is never wrong, and close: the generation is found, and the versions that
// a guess leaves are few.
func TestStatic(t *testing.T) {
	guesses := map[string]string{"1.2.2": "1.2.1 to 1.2.2", "1.2.3": "1.2.3", "1.2.5": "1.2.5", "1.2.6": "1.2.6 or later"}
	bare := source(t, "#include <netdb.h>\nint main(int argc, char **argv) { struct addrinfo *a; return getaddrinfo(argv[0], 0, 0, &a); }\n")
	for _, release := range releases {
		symbol := static(t, release, client, "-Wl,--undefined=__libc_version")
		stripped := static(t, release, client)
		run(t, nil, "strip", stripped)
		wants := []struct {
			about, file, version string
			isGuess              bool
		}{
			{"as it was linked", static(t, release, client), guesses[release], true},
			{"stripped", stripped, guesses[release], true},
			{"without sections", withoutSections(t, stripped), guesses[release], true},
			{"with the symbol", symbol, release, false},
		}
		for _, tc := range wants {
			p := only(t, tc.file)
			if p.Resolver != Musl || p.Version != tc.version || p.Guess != tc.isGuess || !p.AtRisk {
				t.Errorf("musl %s %s: %+v; want version %q, guess %v", release, tc.about, p, tc.version, tc.isGuess)
			}
		}
		checkSpan(t, release, only(t, static(t, release, bare)))
	}
}

// checkSpan looks at a program that has little more than getaddrinfo inside, which leaves fewer clues.
func checkSpan(t *testing.T, release string, p Program) {
	t.Helper()
	v, _ := parseVersion(release)
	from, _ := parseVersion(p.From)
	to, isKnown := parseVersion(p.To)
	model, _ := stub.Find("musl-" + release)
	if p.Resolver != Musl || !p.Guess || v.before(from) || isKnown && to.before(v) {
		t.Errorf("musl %s with nothing but getaddrinfo: %+v; want a guess that has the version", release, p)
	}
	for _, end := range []string{p.From, p.To} {
		if m, ok := stub.Find("musl-" + end); ok && m != model {
			t.Errorf("musl %s with nothing but getaddrinfo: %s to %s; want one generation", release, p.From, p.To)
		}
	}
}

// TestShared holds that the loader in the same root decides, and not that of this machine.
func TestShared(t *testing.T) {
	program := shared(t, client)
	for _, release := range releases {
		root := t.TempDir()
		copyFile(t, program, root+"/usr/bin/look")
		copyFile(t, musl(t, release)+"/libc.so", root+muslLoaderPath)
		for _, path := range []string{root, root + "/usr/bin/look", root + "/usr/bin", root + "/usr"} {
			p := only(t, path)
			if p.Resolver != Musl || p.Version != release || p.Guess || !strings.Contains(p.Evidence[0], root+muslLoaderPath) {
				t.Errorf("%s: %+v; want musl %s from %s", path, p, release, root)
			}
		}
	}
}

// TestRoot holds that a root is not left, also not for a loader that it lacks: that of this machine is another one.
func TestRoot(t *testing.T) {
	around := t.TempDir()
	copyFile(t, musl(t, "1.2.6")+"/libc.so", around+muslLoaderPath)
	for _, tc := range []struct{ file, want string }{
		{"/app/etc/hosts", "/app/usr/bin/look musl  guess\n"}, // which makes /app a root
		{"/app/usr/etc/hosts", "/app/usr/bin/look musl 1.2.6\n"},
	} {
		if err := os.RemoveAll(around + "/app"); err != nil {
			t.Fatal(err)
		}
		copyFile(t, shared(t, client), around+"/app/usr/bin/look")
		write(t, around+tc.file, "")
		for _, path := range []string{"/app", "/app/usr", "/app/usr/bin", "/app/usr/bin/look"} {
			reports, err := new(Scanner).Path(around + path)
			if err != nil || len(reports) != 1 {
				t.Fatal(reports, err)
			}
			if got := strings.ReplaceAll(lines(reports[0]), around, ""); got != tc.want {
				t.Errorf("%s with %s: %q; want %q", path, tc.file, got, tc.want)
			}
		}
	}
}

// TestRust has programs of which Rust says that it built them.
func TestRust(t *testing.T) {
	tests := []struct{ comment, release, want, evidence string }{
		{"rustc version 1.80.1 (3f5fd8dd4 2024-08-06)", "1.2.3", "1.2.3", "built by Rust 1.80.1, which bundles musl 1.2.3"},
		{"rustc version 1.93.0 (254b59607 2026-01-19)", "1.2.5", "1.2.5", "which bundles musl 1.2.5"},
		{"rustc version 1.70.0 (90c541806 2023-05-31)", "1.2.5", "1.2.5", "but not with the musl 1.1.24 that it bundles"},
		{"rustc version 1.76.0 (07dca489a 2024-02-04) (Alpine Linux 1.76.0-r1)", "1.2.6", "1.2.6 or later", "Data consistency error"},
		{"rustc version none", "1.2.3", "1.2.3", "strerror"},
	}
	for _, tc := range tests {
		asm := source(t, `__asm__(".pushsection .comment; .asciz \"`+tc.comment+`\"; .popsection");`+"\n#include \""+abs(t, client)+"\"\n")
		p := only(t, static(t, tc.release, asm))
		if p.Version != tc.want || !p.Guess || tc.evidence != "strerror" && !strings.Contains(strings.Join(p.Evidence, "; "), tc.evidence) {
			t.Errorf("%s with musl %s: %+v; want %s by %q", tc.comment, tc.release, p, tc.want, tc.evidence)
		}
	}
}

func abs(t *testing.T, file string) string {
	t.Helper()
	full, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	return full
}

// TestClues has what programs of versions that are not on this machine have inside.
func TestClues(t *testing.T) {
	set := func(list ...mark) (m marks) {
		for _, one := range list {
			m |= 1 << one
		}
		return m
	}
	rust := set(muslPolicy, muslNdots, muslErrors)
	tests := []struct {
		about   string
		marks   marks
		machine elf.Machine
		want    string
	}{
		{"nothing but a resolver, elsewhere", set(muslPolicy, muslNdots), elf.EM_AARCH64, ""},
		{"before search lists", set(muslPolicy), elf.EM_AARCH64, "1.1.12 or earlier"},
		{"Rust with 1.1.24", rust | set(muslNoText), elf.EM_AARCH64, "1.2.0 or earlier"},
		{"Rust with 1.2.3", rust | set(muslErrorsHead, muslErrorsKeys, muslNoText), elf.EM_AARCH64, "1.2.3"},
		{"Rust with 1.2.5", rust | set(muslErrorsHead, muslErrorsKeys, muslNoAddress), elf.EM_AARCH64, "1.2.4 to 1.2.5"},
		{"the same on amd64", rust | set(muslErrorsHead, muslErrorsKeys, muslNoAddress, amd64FastOpen, amd64Buffer, amd64Buffer4800), elf.EM_X86_64, "1.2.5"},
		{"1.2.4 on amd64", rust | set(muslErrorsHead, muslErrorsKeys, muslNoAddress, amd64FastOpen), elf.EM_X86_64, "1.2.4"},
		{"the old malloc beside the new texts", rust | set(muslErrorsHead, muslErrorsKeys, muslNoText, muslMallocOld), elf.EM_AARCH64, "1.2.3"},
		{"both tables of printf", rust | set(muslErrorsHead, muslErrorsKeys, muslPrintf4, muslPrintf5), elf.EM_AARCH64, "1.2.3 to 1.2.5"},
	}
	for _, tc := range tests {
		if s, why := dateMusl(tc.marks, tc.machine); s.String() != tc.want {
			t.Errorf("%s: %q by %q; want %q", tc.about, s, why, tc.want)
		}
	}
}
