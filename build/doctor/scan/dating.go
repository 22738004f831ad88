package scan

import "debug/elf"

// A clue says which versions of musl a static program can have inside.
type clue struct {
	has, lacks []mark
	machine    elf.Machine // the only one that it holds for; EM_NONE is any
	span       span
	why        string
}

// clues are facts of musl's history, the most reliable first. All of them are about the texts and tables of functions that a
// program need not have: where it lacks the function, its clue says nothing.
var clues = []clue{
	// gai_strerror: commit 85050ac5, in 1.2.4.
	{has: []mark{muslNoAddress}, span: span{from: version{1, 2, 4}}, why: `has the text "Name has no usable address"`},
	{has: []mark{muslNoText}, span: span{to: version{1, 2, 3}}, why: "gai_strerror has no text for a name without addresses"},
	// strerror: commits 8343334d, 5690668a and c851b268, in 1.2.1, 1.2.3 and 1.2.6.
	{has: []mark{muslErrorsData}, span: span{from: version{1, 2, 6}}, why: `has the text "Data consistency error"`},
	{has: []mark{muslErrorsHead, muslErrorsKeys}, lacks: []mark{muslErrorsData}, span: span{version{1, 2, 3}, version{1, 2, 5}}, why: "has the error texts of 1.2.3 to 1.2.5"},
	{has: []mark{muslErrorsHead}, lacks: []mark{muslErrorsKeys}, span: span{version{1, 2, 1}, version{1, 2, 2}}, why: "has the error texts of 1.2.1 and 1.2.2"},
	{has: []mark{muslErrors}, lacks: []mark{muslErrorsHead}, span: span{to: version{1, 2, 0}}, why: "has the error texts of 1.2.0 and before"},
	// printf: commit 3a23cd06, in 1.2.5.
	{has: []mark{muslPrintf5}, lacks: []mark{muslPrintf4}, span: span{from: version{1, 2, 5}}, why: "has the table of printf since 1.2.5"},
	{has: []mark{muslPrintf4}, lacks: []mark{muslPrintf5}, span: span{to: version{1, 2, 4}}, why: "has the table of printf up to 1.2.4"},
	// The resolver: it asks over TCP since 1.2.4, and reads 4800 octets since 1.2.5. It cannot do so without these numbers.
	{has: []mark{muslPolicy}, lacks: []mark{muslNdots}, span: span{to: version{1, 1, 12}}, why: "reads no ndots"},
	{has: []mark{muslPolicy}, lacks: []mark{amd64FastOpen}, machine: elf.EM_X86_64, span: span{to: version{1, 2, 3}}, why: "the resolver has no TCP"},
	{has: []mark{muslPolicy}, lacks: []mark{amd64Buffer4800}, machine: elf.EM_X86_64, span: span{to: version{1, 2, 4}}, why: "the resolver reads less than 4800 octets"},
	{has: []mark{muslPolicy, amd64Buffer}, machine: elf.EM_X86_64, span: span{from: version{1, 2, 5}}, why: "the resolver reads 4800 octets"},
	// malloc: mallocng is in 1.2.1. The old one can still be chosen when musl is built.
	{has: []mark{muslMallocNew}, span: span{from: version{1, 2, 1}}, why: "has mallocng"},
	{has: []mark{muslMallocOld}, lacks: []mark{muslMallocNew}, span: span{to: version{1, 2, 0}}, why: "has the malloc of 1.2.0 and before"},
}

func (c clue) fits(m marks, machine elf.Machine) bool {
	for _, mark := range c.lacks {
		if m.has(mark) {
			return false
		}
	}
	return m.has(c.has...) && (c.machine == elf.EM_NONE || c.machine == machine)
}

// dateMusl says which versions of musl the marks leave, and why. A clue that contradicts better ones is passed over, and one
// that adds nothing is not named.
func dateMusl(m marks, machine elf.Machine) (s span, why []string) {
	for _, c := range clues {
		if !c.fits(m, machine) {
			continue
		}
		if both, ok := s.and(c.span); ok && both != s {
			s, why = both, append(why, c.why)
		}
	}
	return s, why
}

// bundled returns the version of musl that a release of Rust links statically, for targets *-linux-musl of its own.
func bundled(rustc version) version {
	switch {
	case rustc.before(version{1, 71, 0}):
		return version{1, 1, 24}
	case rustc.before(version{1, 93, 0}):
		return version{1, 2, 3}
	}
	return version{1, 2, 5}
}
