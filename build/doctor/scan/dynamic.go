package scan

import (
	"bytes"
	"debug/elf"
	"io"
	"strings"
)

// dynamic is what the dynamic section says.
type dynamic struct {
	needed   []string
	soname   string
	rpath    []string
	isPIE    bool
	asksLibc bool // it imports functions that look names up
}

// readDynamic reads it as a dynamic loader does, by the program headers: sections can be stripped.
func readDynamic(f *elf.File) (d dynamic, err error) {
	for _, p := range f.Progs {
		if p.Type != elf.PT_DYNAMIC {
			continue
		}
		entries, err := readEntries(f, p)
		if err != nil {
			return d, err
		}
		names, err := stringTable(f, entries)
		if err != nil {
			return d, err
		}
		d.fill(entries, names)
		d.asksLibc = imports(f, entries, names)
		return d, nil
	}
	return d, nil
}

// entry is one of the dynamic section.
type entry struct {
	tag   elf.DynTag
	value uint64
}

func readEntries(f *elf.File, p *elf.Prog) (entries []entry, err error) {
	size := 8
	if f.Class == elf.ELFCLASS64 {
		size = 16
	}
	data := make([]byte, min(p.Filesz, uint64(maxDynamic*size)))
	if _, err := p.ReadAt(data, 0); err != nil {
		return nil, errHeader
	}
	for ; len(data) >= size; data = data[size:] {
		e := entry{elf.DynTag(f.ByteOrder.Uint32(data)), uint64(f.ByteOrder.Uint32(data[4:]))}
		if size == 16 {
			e = entry{elf.DynTag(f.ByteOrder.Uint64(data)), f.ByteOrder.Uint64(data[8:])}
		}
		if e.tag == elf.DT_NULL {
			break
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// stringTable reads what DT_STRTAB points to. That is an address, so the segment that is loaded there has it.
func stringTable(f *elf.File, entries []entry) ([]byte, error) {
	size := valueOf(entries, elf.DT_STRSZ)
	if size == 0 {
		return nil, nil
	}
	r := loadedAt(f, valueOf(entries, elf.DT_STRTAB))
	if r == nil || size > uint64(r.Size()) || size > maxStrings {
		return nil, errHeader
	}
	// It is read in steps, as the file may end long before the size that is stated here.
	table, err := io.ReadAll(io.NewSectionReader(r, 0, int64(size)))
	if err != nil || uint64(len(table)) < size {
		return nil, errHeader
	}
	return table, nil
}

func valueOf(entries []entry, tag elf.DynTag) uint64 {
	for _, e := range entries {
		if e.tag == tag {
			return e.value
		}
	}
	return 0
}

// loadedAt returns what is loaded at an address, to the end of its segment, or nil if nothing is.
func loadedAt(f *elf.File, address uint64) *io.SectionReader {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && address >= p.Vaddr && address-p.Vaddr < p.Filesz {
			at := int64(address - p.Vaddr)
			return io.NewSectionReader(p, at, int64(p.Filesz)-at)
		}
	}
	return nil
}

// functions of C libraries that look names up.
var functions = []string{
	"getaddrinfo", "gethostbyname", "gethostbyname2", "gethostbyname_r", "gethostbyname2_r", "getaddrinfo_a",
	"res_query", "res_search", "res_nquery", "res_nsearch", "__res_query", "__res_search", "__res_nquery", "__res_nsearch",
}

// imports reports whether a symbol that is not defined here has the name of one of these functions. A name may be the end
// of a longer one in the table of strings, so it is not enough to find it there.
func imports(f *elf.File, entries []entry, names []byte) bool {
	wanted := make(map[uint32]bool)
	for _, function := range functions {
		text := []byte(function + "\x00")
		for at := 0; ; {
			next := bytes.Index(names[at:], text)
			if next < 0 {
				break
			}
			wanted[uint32(at+next)] = true
			at += next + 1
		}
	}
	from, to := valueOf(entries, elf.DT_SYMTAB), valueOf(entries, elf.DT_STRTAB)
	table := loadedAt(f, from)
	if len(wanted) == 0 || table == nil {
		return false
	}
	size := table.Size()
	if to > from { // nothing says how many symbols there are, but linkers put the strings behind them
		size = min(size, int64(to-from))
	}
	step, section := int64(elf.Sym32Size), 14 // where st_shndx is
	if f.Class == elf.ELFCLASS64 {
		step, section = int64(elf.Sym64Size), 6
	}
	symbols, err := io.ReadAll(io.NewSectionReader(table, 0, min(size, maxStrings)))
	for ; err == nil && int64(len(symbols)) >= step; symbols = symbols[step:] {
		if wanted[f.ByteOrder.Uint32(symbols)] && f.ByteOrder.Uint16(symbols[section:]) == uint16(elf.SHN_UNDEF) {
			return true
		}
	}
	return false
}

func (d *dynamic) fill(entries []entry, names []byte) {
	for _, e := range entries {
		switch e.tag {
		case elf.DT_NEEDED:
			if len(d.needed) < maxNeeded {
				d.needed = append(d.needed, textAt(names, e.value))
			}
		case elf.DT_SONAME:
			d.soname = textAt(names, e.value)
		case elf.DT_RPATH, elf.DT_RUNPATH:
			d.rpath = strings.Split(textAt(names, e.value), ":")
		case elf.DT_FLAGS_1:
			d.isPIE = elf.DynFlag1(e.value)&elf.DF_1_PIE != 0
		}
	}
}

// textAt returns the string at a place of a table of strings.
func textAt(names []byte, at uint64) string {
	if at >= uint64(len(names)) {
		return ""
	}
	text, _, _ := bytes.Cut(names[at:][:min(maxInterp, uint64(len(names))-at)], []byte{0})
	return string(text)
}
