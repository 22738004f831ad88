package scan

import (
	"debug/buildinfo"
	"debug/elf"
	"errors"
	"io"
	"slices"
	"strings"
)

// An object is what was learned from one ELF file. It does not refer to the file any more.
type object struct {
	machine   elf.Machine
	isProgram bool   // and not a library, an object file or a core dump
	interp    string // its dynamic loader; "" if it is static
	dyn       dynamic
	marks     marks
	symbol    string // the version of musl that a symbol of a static program has
	rustc     string // as the compiler wrote it: "1.83.0 (90b35a623 2024-11-26)"
	build     *buildinfo.BuildInfo
	loader    *loader // if the file is a dynamic loader, or the C library beside it
}

// readObject reads a file of some size. An error says what is wrong with it, to be put behind its name.
func readObject(r io.ReaderAt, size int64) (*object, error) {
	f, err := openELF(r)
	if errors.Is(err, errOther) {
		return &object{}, nil
	}
	if err != nil {
		return nil, err
	}
	o := &object{machine: f.Machine}
	if o.interp, err = interpreter(f); err != nil {
		return nil, err
	}
	if o.dyn, err = readDynamic(f); err != nil {
		return nil, err
	}
	isLibrary := f.Type == elf.ET_DYN && !o.dyn.isPIE && (o.dyn.soname != "" || o.interp == "" && (len(o.dyn.needed) > 0 || f.Entry == 0))
	if err := o.look(io.NewSectionReader(r, 0, size), f, isLibrary); err != nil {
		return nil, err
	}
	o.isProgram = !isLibrary && o.loader == nil
	return o, nil
}

// look looks into the file itself, as far as that is worth while for this kind of file.
func (o *object) look(r *io.SectionReader, f *elf.File, isLibrary bool) (err error) {
	isLibc := o.dyn.soname == "libc.so.6" || strings.HasPrefix(o.dyn.soname, "libgcompat.so")
	if isLibrary && f.Entry == 0 && !isLibc {
		return nil
	}
	if o.marks, err = findMarks(r); err != nil {
		return err
	}
	if isLibc || f.Type == elf.ET_DYN && o.interp == "" || o.marks.has(muslPath) && r.Size() < maxWrapper {
		if o.loader, err = readLoader(r, o); err != nil || o.loader != nil {
			return err
		}
	}
	if isLibrary {
		return nil
	}
	o.build = buildOf(r)
	if o.interp == "" && o.isMusl() {
		o.symbol = symbolOf(f)
		o.rustc, err = follow(r, "rustc version ", '\x00', 64)
	}
	return err
}

// buildOf returns what Go wrote into a program, nil if it is not made by Go.
func buildOf(r io.ReaderAt) (b *buildinfo.BuildInfo) {
	defer func() { _ = recover() }() // as in openELF
	b, err := buildinfo.Read(r)
	if err != nil {
		return nil
	}
	return b
}

// isMusl reports whether the file has parts of musl inside.
func (o *object) isMusl() bool {
	return o.marks.has(muslPolicy) || o.marks.has(muslErrors) || o.marks.has(muslMallocNew)
}

// symbolOf returns the text behind the symbol __libc_version, which few programs have.
func symbolOf(f *elf.File) string {
	const maxSymbols = 32 << 20
	for _, s := range f.Sections {
		if (s.Type == elf.SHT_SYMTAB || s.Type == elf.SHT_STRTAB) && (s.Flags&elf.SHF_COMPRESSED != 0 || s.FileSize > maxSymbols) {
			return ""
		}
	}
	symbols, err := f.Symbols()
	if err != nil {
		return ""
	}
	at := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == "__libc_version" })
	if at < 0 {
		return ""
	}
	for _, p := range f.Progs {
		if s := symbols[at]; p.Type == elf.PT_LOAD && s.Value >= p.Vaddr && s.Value-p.Vaddr < p.Filesz {
			text, err := follow(io.NewSectionReader(p, int64(s.Value-p.Vaddr), int64(min(s.Size, 64))), "", '\x00', 64)
			if _, ok := parseVersion(text); ok && err == nil {
				return text
			}
		}
	}
	return ""
}
