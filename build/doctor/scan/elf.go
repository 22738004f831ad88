package scan

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
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

// openELF opens a program or a library. One whose sections make no sense is opened without them: to run it, they are not
// needed.
func openELF(r io.ReaderAt) (*elf.File, error) {
	f, err := openWhole(r)
	if err == nil || errors.Is(err, errNotELF) || errors.Is(err, errOther) {
		return f, err
	}
	if f, again := openWhole(&headless{r}); again == nil {
		return f, nil
	}
	return nil, err
}

// headless is an ELF file whose header says that there are no sections.
type headless struct{ io.ReaderAt }

func (h *headless) ReadAt(p []byte, at int64) (int, error) {
	var head [64]byte
	n, err := h.ReaderAt.ReadAt(p, at)
	if at >= int64(len(head)) {
		return n, err
	}
	if _, err := h.ReaderAt.ReadAt(head[:], 0); err != nil {
		return 0, err
	}
	if head[elf.EI_CLASS] == byte(elf.ELFCLASS64) {
		clear(head[40:48]) // e_shoff
		clear(head[60:64]) // e_shnum, e_shstrndx
	} else {
		clear(head[32:36])
		clear(head[48:52])
	}
	copy(p[:n], head[at:])
	return n, err
}

// openWhole checks the header before debug/elf allocates what that asks for.
func openWhole(r io.ReaderAt) (f *elf.File, err error) {
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
	if isDebug(f) {
		return nil, errOther
	}
	return f, nil
}

// isDebug reports whether a file has what a debugger needs of a program, and not the program.
func isDebug(f *elf.File) bool {
	text := f.Section(".text")
	return text != nil && text.Type == elf.SHT_NOBITS
}

// systems are what programs for Linux have for their system: nothing, Linux, or an ABI of ARM.
var systems = []elf.OSABI{elf.ELFOSABI_NONE, elf.ELFOSABI_LINUX, 64, elf.ELFOSABI_ARM}

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
	if kind := elf.Type(order.Uint16(head[16:])); kind != elf.ET_EXEC && kind != elf.ET_DYN || !slices.Contains(systems, elf.OSABI(head[elf.EI_OSABI])) {
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
