package scan

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// What is read of one file, however big it says that its parts are.
const (
	maxInterp   = 4096     // PATH_MAX
	maxSections = 4096     // of programs; only object files have more
	maxTitles   = 1 << 20  // the names of the sections
	maxDynamic  = 1 << 16  // entries of the dynamic section
	maxStrings  = 64 << 20 // the dynamic string table: that of a browser has 30 MB
	maxNeeded   = 1024
)

var (
	errNotELF = errors.New("is not an ELF file")
	errHeader = errors.New("is a broken ELF file: its header makes no sense")
	errOther  = errors.New("is neither a program nor a library")
)

// isELF reports whether a file that begins so is in the Executable and Linkable Format.
func isELF(head []byte) bool { return bytes.HasPrefix(head, []byte(elf.ELFMAG)) }

// openELF checks the header before debug/elf allocates what that asks for.
func openELF(r io.ReaderAt) (f *elf.File, err error) {
	var head [64]byte
	if n, _ := r.ReadAt(head[:], 0); n < len(head) || !isELF(head[:]) {
		return nil, errNotELF
	}
	if err := checkHeader(r, head[:]); err != nil {
		return nil, err
	}
	defer func() {
		if recover() != nil { // debug/elf is not promised to survive hostile files
			f, err = nil, errHeader
		}
	}()
	f, err = elf.NewFile(r)
	if err != nil {
		return nil, fmt.Errorf("is a broken ELF file: %w", err)
	}
	return f, nil
}

// checkHeader refuses tables that are larger than those of programs, and names of sections that would be unpacked.
func checkHeader(r io.ReaderAt, head []byte) error {
	var order binary.ByteOrder = binary.LittleEndian
	if head[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	counts, sections := head[42:], uint64(order.Uint32(head[32:])) // Elf32_Ehdr
	programSize, sectionSize := uint16(32), uint16(40)
	if head[elf.EI_CLASS] == byte(elf.ELFCLASS64) {
		counts, sections = head[54:], order.Uint64(head[40:])
		programSize, sectionSize = 56, 64
	}
	if kind := elf.Type(order.Uint16(head[16:])); kind != elf.ET_EXEC && kind != elf.ET_DYN {
		return errOther
	}
	field := func(i int) uint16 { return order.Uint16(counts[2*i:]) }
	programs, count, names := field(1), field(3), field(4)
	switch {
	case programs > 0 && field(0) != programSize, count > 0 && field(2) != sectionSize, count > maxSections, count == 0 && sections != 0:
		return errHeader
	case count == 0 || names == 0:
		return nil
	}
	section := make([]byte, sectionSize)
	if _, err := r.ReadAt(section, int64(sections)+int64(names)*int64(sectionSize)); err != nil {
		return errHeader
	}
	flags, size := uint64(order.Uint32(section[8:])), uint64(order.Uint32(section[20:]))
	if sectionSize == 64 {
		flags, size = order.Uint64(section[8:]), order.Uint64(section[32:])
	}
	if elf.SectionFlag(flags)&elf.SHF_COMPRESSED != 0 || size > maxTitles {
		return errHeader
	}
	return nil
}

// interpreter returns the path of the dynamic loader, "" if the program has none.
func interpreter(f *elf.File) (string, error) {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		path := make([]byte, min(p.Filesz, maxInterp))
		if _, err := p.ReadAt(path, 0); err != nil {
			return "", errHeader
		}
		name, _, ended := bytes.Cut(path, []byte{0})
		if !ended || len(name) == 0 || bytes.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errHeader
		}
		return string(name), nil
	}
	return "", nil
}

// dynamic is what the dynamic section says.
type dynamic struct {
	needed  []string
	soname  string
	rpath   []string
	isPIE   bool
	strings []byte // all names, of functions too
}

// mentions reports whether a function is imported from another library, or exported.
func (d dynamic) mentions(functions ...string) bool {
	for _, name := range functions {
		if bytes.Contains(d.strings, []byte("\x00"+name+"\x00")) {
			return true
		}
	}
	return false
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
		if d.strings, err = stringTable(f, entries); err != nil {
			return d, err
		}
		d.fill(entries)
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
	var address, size uint64
	for _, e := range entries {
		switch e.tag {
		case elf.DT_STRTAB:
			address = e.value
		case elf.DT_STRSZ:
			size = e.value
		}
	}
	if size == 0 {
		return nil, nil
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_LOAD || address < p.Vaddr || address-p.Vaddr >= p.Filesz {
			continue
		}
		at := address - p.Vaddr
		if size > p.Filesz-at || size > maxStrings {
			return nil, errHeader
		}
		// It is read in steps, as the file may end long before the size that is stated here.
		table, err := io.ReadAll(io.NewSectionReader(p, int64(at), int64(size)))
		if err != nil || uint64(len(table)) < size {
			return nil, errHeader
		}
		return table, nil
	}
	return nil, errHeader
}

func (d *dynamic) fill(entries []entry) {
	for _, e := range entries {
		switch e.tag {
		case elf.DT_NEEDED:
			if len(d.needed) < maxNeeded {
				d.needed = append(d.needed, d.text(e.value))
			}
		case elf.DT_SONAME:
			d.soname = d.text(e.value)
		case elf.DT_RPATH, elf.DT_RUNPATH:
			d.rpath = strings.Split(d.text(e.value), ":")
		case elf.DT_FLAGS_1:
			d.isPIE = elf.DynFlag1(e.value)&elf.DF_1_PIE != 0
		}
	}
}

func (d *dynamic) text(at uint64) string {
	if at >= uint64(len(d.strings)) {
		return ""
	}
	text, _, _ := bytes.Cut(d.strings[at:][:min(maxInterp, uint64(len(d.strings))-at)], []byte{0})
	return string(text)
}
