package scan

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"strings"
	"testing"
)

// tinyELF is a static program for amd64 that consists of its header.
var tinyELF = func() string {
	return octets(header(elf.ET_EXEC, 0))
}()

// brokenELF says that its program headers have an odd size, so that no Linux starts it.
func brokenELF() string {
	h := header(elf.ET_EXEC, 1)
	h.Phentsize = 1
	return octets(h, "rest of the file")
}

// oddSections says that it has more sections than there are, which keeps no Linux from starting it.
func oddSections() string {
	h := header(elf.ET_EXEC, 0)
	h.Shoff, h.Shentsize, h.Shnum, h.Shstrndx = 64, 64, 0xff00, 1
	return octets(h)
}

// header is one for amd64, with so many program headers behind it.
func header(kind elf.Type, programs uint16) elf.Header64 {
	h := elf.Header64{
		Type: uint16(kind), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Entry: 0x1000,
		Ehsize: 64, Phoff: 64, Phentsize: 56, Phnum: programs,
	}
	copy(h.Ident[:], elf.ELFMAG)
	h.Ident[elf.EI_CLASS], h.Ident[elf.EI_DATA], h.Ident[elf.EI_VERSION] = byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)
	return h
}

func octets(parts ...any) string {
	var b bytes.Buffer
	for _, part := range parts {
		if text, ok := part.(string); ok {
			b.WriteString(text)
		} else if err := binary.Write(&b, binary.LittleEndian, part); err != nil {
			panic(err)
		}
	}
	return b.String()
}

// dynamicELF is a program or, without a loader, a library that needs another one and imports a function. A bar in its name
// is where the name begins: linkers let names share their ends.
func dynamicELF(interp, needs, function string) string {
	const headers = 64 + 3*56
	before, rest, isCut := strings.Cut(function, "|")
	if function = before + rest; !isCut {
		before = ""
	}
	names := "\x00" + needs + "\x00" + function + "\x00"
	symbols := []elf.Sym64{{}, {Name: uint32(len(needs) + 2 + len(before))}}
	from := uint64(headers + len(interp) + 1)
	at := from + uint64(len(symbols)*elf.Sym64Size)
	entries := []elf.Dyn64{
		{Tag: int64(elf.DT_NEEDED), Val: 1}, {Tag: int64(elf.DT_SYMTAB), Val: from}, {Tag: int64(elf.DT_STRTAB), Val: at},
		{Tag: int64(elf.DT_STRSZ), Val: uint64(len(names))}, {},
	}
	size := at + uint64(len(names)+16*len(entries))
	programs := []elf.Prog64{
		{Type: uint32(elf.PT_LOAD), Filesz: size, Memsz: size},
		{Type: uint32(elf.PT_DYNAMIC), Off: at + uint64(len(names)), Filesz: uint64(16 * len(entries))},
		{Type: uint32(elf.PT_INTERP), Off: headers, Filesz: uint64(len(interp) + 1)},
	}
	if interp == "" {
		programs[2].Type = uint32(elf.PT_NULL)
	}
	return octets(header(elf.ET_DYN, 3), programs, interp+"\x00", symbols, names, entries)
}

// TestMade holds that the made files are what they say, and that a loader which is not there is named.
func TestMade(t *testing.T) {
	tests := []struct{ interp, needs, function, want string }{
		{muslLoaderPath, "libexample.so", "getaddrinfo", "/app musl  guess\n"},
		{"/lib64/ld-linux-x86-64.so.2", "libc.so.6", "getaddrinfo", "/app glibc  guess\n"},
		{"/lib/ld-uClibc.so.0", "libc.so.0", "", "/app unknown  guess\n"},
		{"/system/bin/linker64", "libcares.so.2", "getaddrinfo", "/app unknown  guess also c-ares \n"},
		{"/system/bin/linker64", "libcares.so.2", "uv_getaddrinfo", "/app c-ares \n"},
		{"/system/bin/linker64", "libcares.so.2", "uv_|getaddrinfo", "/app unknown  guess also c-ares \n"}, // as in Node.js
		{"", "libc.so.6", "getaddrinfo", ""},
	}
	for _, tc := range tests {
		l := new(Scanner).newLayerer(newReport(""))
		if err := l.apply(layerOf(t, entryOf{name: "app", text: dynamicELF(tc.interp, tc.needs, tc.function)})); err != nil {
			t.Fatal(err)
		}
		l.judge()
		if got := lines(l.r); got != tc.want {
			t.Errorf("%q: %q; want %q", tc.interp, got, tc.want)
		}
		for _, p := range l.r.Programs {
			if p.Resolver != CAres && p.Evidence[0] != "the loader "+tc.interp+" was not found" {
				t.Errorf("%q: evidence %q; want that it was not found", tc.interp, p.Evidence)
			}
		}
	}
}

// TestGcompat has programs of glibc that run on musl, by a loader that starts the one of musl, or by a library of gcompat in
// the loader's place.
func TestGcompat(t *testing.T) {
	const glibcLoader = "/lib64/ld-linux-x86-64.so.2"
	libc, err := os.ReadFile(musl(t, "1.2.5") + "/libc.so")
	if err != nil {
		t.Fatal(err)
	}
	program := entryOf{name: "app", text: dynamicELF(glibcLoader, "libc.so.6", "getaddrinfo")}
	loader := entryOf{name: muslLoaderPath, text: string(libc)}
	starts := "libgcompat.so.0\x00" + muslLoaderPath + "\x00"
	tests := []struct {
		about   string
		entries []entryOf
		want    string
	}{
		{"static", []entryOf{program, loader, {name: glibcLoader, text: tinyELF + starts}}, "/app musl 1.2.5\n"},
		{"shared", []entryOf{program, loader, {name: glibcLoader, text: dynamicELF(muslLoaderPath, "libc.so", "execve") + starts}}, "/app musl 1.2.5\n"},
		{"a link to musl", []entryOf{program, loader, soft(glibcLoader, muslLoaderPath)}, "/app musl 1.2.5\n"},
		{"without musl", []entryOf{program, {name: glibcLoader, text: tinyELF + starts}}, "/app musl  guess\n"},
		{"that starts itself", []entryOf{program, {name: glibcLoader, text: tinyELF + starts}, soft(muslLoaderPath, glibcLoader)}, "/app musl  guess\n"},
	}
	for _, tc := range tests {
		l := new(Scanner).newLayerer(newReport(""))
		if err := l.apply(layerOf(t, tc.entries...)); err != nil {
			t.Fatal(err)
		}
		l.judge()
		if got := lines(l.r); got != tc.want {
			t.Errorf("%s: %q; want %q (%+v)", tc.about, got, tc.want, l.r)
		}
	}
}
