package scan

import (
	"bytes"
	"encoding/binary"
	"io"
)

// A mark is a text, a table or a piece of code that is found in some programs, whatever compiler made them and whether
// they are stripped or not.
type mark uint8

const (
	muslPolicy      mark = iota // the table that getaddrinfo of musl sorts addresses by: its resolver is inside
	muslNdots                   // what the resolver of musl reads in resolv.conf, since 1.1.13
	muslErrors                  // strerror of musl
	muslErrorsHead              // its text for "no error" stands first, since 1.2.1
	muslErrorsKeys              // it has texts about keys, since 1.2.3
	muslErrorsData              // it has a text about inconsistent data, since 1.2.6
	muslNoAddress               // gai_strerror has a text for names without addresses, since 1.2.4
	muslNoText                  // it has none for them, before 1.2.4
	muslPrintf4                 // the table of printf, up to 1.2.4
	muslPrintf5                 // the same, since 1.2.5
	muslMallocNew               // the size classes of mallocng, since 1.2.1
	muslMallocOld               // the bins of the allocator before that
	muslLoader                  // what the dynamic loader says of itself
	muslPath                    // the path of that loader, in a program that starts it
	amd64Buffer                 // the resolver is told that answers have 4800 octets, as since 1.2.5
	amd64Buffer4800             // the number 4800, which that takes
	amd64FastOpen               // the flags that the resolver sends over TCP with, as since 1.2.4
	glibcOption                 // what only the resolver of glibc reads in resolv.conf
	caresText                   // an error of c-ares
	resolvConf                  // the path of resolv.conf
	upxText                     // packed by UPX
	markCount
)

// errorTexts are the first ones of strerror in musl, after the one for "no error" where that stands first.
const errorTexts = "Illegal byte sequence\x00Domain error\x00Result not representable\x00Not a tty\x00"

// patterns are what the marks look like. Texts are C strings in one array, so their order and the ends are part of it.
// Numbers are those of little-endian machines, and code that of amd64: on others these marks are not found, which makes
// the answer less exact and not wrong, as dating asks for the machine where the lack of a mark says something.
var patterns = [markCount][]byte{
	muslPolicy:      policyTable(),
	muslNdots:       []byte("\x00ndots:\x00"),
	muslErrors:      []byte(errorTexts),
	muslErrorsHead:  []byte("No error information\x00" + errorTexts),
	muslErrorsKeys:  []byte("Multihop attempted\x00Required key not available\x00Key has expired\x00"),
	muslErrorsData:  []byte("Stale file handle\x00Data consistency error\x00Resource not available\x00"),
	muslNoAddress:   []byte("Non-recoverable error\x00Name has no usable address\x00Unrecognized address family or invalid length\x00"),
	muslNoText:      []byte("Non-recoverable error\x00Unknown error\x00Unrecognized address family or invalid length\x00"),
	muslPrintf4:     printfTable(10, 17),
	muslPrintf5:     printfTable(11, 10),
	muslMallocNew:   sizeClasses(),
	muslMallocOld:   []byte{32, 33, 34, 35, 36, 36, 37, 37, 38, 38, 39, 39, 40, 40, 40, 40, 41, 41, 41, 41, 42, 42, 42, 42, 43, 43, 43, 43},
	muslLoader:      []byte("Dynamic Program Loader\n"),
	muslPath:        []byte("/lib/ld-musl-"),
	amd64Buffer:     {0x41, 0xb9, 0xc0, 0x12, 0, 0}, // mov $4800, %r9d: the sixth argument of __res_msend_rc
	amd64Buffer4800: {0xc0, 0x12, 0, 0},
	amd64FastOpen:   {0x00, 0x40, 0x00, 0x20}, // MSG_FASTOPEN|MSG_NOSIGNAL
	glibcOption:     []byte("no-tld-query\x00"),
	caresText:       []byte("c-ares library initialization not yet performed\x00"),
	resolvConf:      []byte("/etc/resolv.conf"),
	upxText:         []byte("$Info: This file is packed with the UPX executable packer"),
}

// policyTable is defpolicy of src/network/lookup_name.c: a prefix of 16 octets, its length in octets less one, the mask of
// the last, precedence and label.
func policyTable() []byte {
	var table []byte
	for _, row := range []struct {
		prefix string
		rest   [4]byte
	}{
		{"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", [4]byte{15, 0xff, 50, 0}},
		{"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff", [4]byte{11, 0xff, 35, 4}},
		{"\x20\x02", [4]byte{1, 0xff, 30, 2}},
		{"\x20\x01", [4]byte{3, 0xff, 5, 5}},
		{"\xfc", [4]byte{0, 0xfe, 3, 13}},
	} {
		prefix := make([]byte, 16)
		copy(prefix, row.prefix)
		table = append(append(table, prefix...), row.rest[:]...)
	}
	return table
}

// printfTable is the first row of states in src/stdio/vfprintf.c, from A to z, as it is since 1.1.17. The types of %C and %c
// changed between 1.2.4 and 1.2.5.
func printfTable(wide, narrow byte) []byte {
	const (
		ptr, signed, unsigned, uintptr = 9, 10, 11, 24
		double, none                   = 25, 27
	)
	row := make([]byte, 'z'-'A'+1)
	for _, group := range []struct {
		letters string
		state   byte
	}{
		{"di", signed}, {"ouxX", unsigned}, {"efgaEFGA", double}, {"sSn", ptr}, {"p", uintptr}, {"m", none},
		{"C", wide}, {"c", narrow}, {"l", 1}, {"h", 3}, {"L", 5}, {"zt", 6}, {"j", 7},
	} {
		for _, letter := range []byte(group.letters) {
			row[letter-'A'] = group.state
		}
	}
	return row
}

// sizeClasses is the beginning of the table of that name in src/malloc/mallocng/malloc.c.
func sizeClasses() (table []byte) {
	for _, n := range []uint16{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 20, 25, 31, 36, 42, 50, 63} {
		table = binary.LittleEndian.AppendUint16(table, n)
	}
	return table
}

// marks is a set of them.
type marks uint32

func (s marks) has(all ...mark) bool {
	for _, m := range all {
		if s&(1<<m) == 0 {
			return false
		}
	}
	return true
}

// chunk is how much of a file is searched at a time.
const chunk = 256 << 10

// findMarks reads r to its end, once, in a buffer of fixed size.
func findMarks(r io.Reader) (found marks, err error) {
	longest := 0
	for _, p := range patterns {
		longest = max(longest, len(p))
	}
	buffer, kept := make([]byte, longest+chunk), 0
	for {
		n, err := io.ReadFull(r, buffer[kept:])
		for m, p := range patterns {
			if found&(1<<m) == 0 && bytes.Contains(buffer[:kept+n], p) {
				found |= 1 << m
			}
		}
		switch err {
		case nil:
			kept = copy(buffer, buffer[len(buffer)-longest:])
		case io.EOF, io.ErrUnexpectedEOF:
			return found, nil
		default:
			return found, err
		}
	}
}
