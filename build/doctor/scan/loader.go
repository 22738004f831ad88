package scan

import (
	"bytes"
	"debug/elf"
	"io"
	"regexp"
	"slices"
)

// A loader is what a dynamic loader says of its C library. That of musl is the C library itself.
type loader struct {
	libc    Resolver // Musl or Glibc
	version string   // as it stands there; "" if that was not found
	starts  string   // the path of the loader of musl that this one starts: gcompat, which runs programs of glibc on musl
}

// maxLoader is how much of a loader or a C library is read: that of glibc has 2 MB. That of gcompat has 20 kB.
const (
	maxLoader  = 16 << 20
	maxWrapper = 1 << 20
)

var (
	// lone is a string that is nothing but a version, as __libc_version of musl is. What is before it need not be a string.
	lone = regexp.MustCompile(`[^ -~]([01]\.\d{1,2}\.\d{1,3}(?:[-_+][0-9A-Za-z._+-]{1,40})?)\x00`)
	// release is what glibc says of itself, in ld.so and in libc.so.6.
	release = regexp.MustCompile(`(?:ld\.so|GNU C Library) \([^()\n]{1,80}\) (?:stable|development) release version (\d+\.\d+(?:\.\d+)?)`)
	// inner is the loader that gcompat starts.
	inner = regexp.MustCompile(`/lib/ld-musl-[0-9a-z_-]{1,20}\.so\.1`)
)

// readLoader returns nil for a file that is no loader.
func readLoader(r *io.SectionReader, o *object) (*loader, error) {
	data, err := io.ReadAll(io.NewSectionReader(r, 0, min(r.Size(), maxLoader)))
	if err != nil {
		return nil, err
	}
	if o.marks.has(muslLoader) && o.interp == "" && bytes.Contains(data, []byte("musl libc")) {
		return &loader{libc: Musl, version: loneVersion(data)}, nil
	}
	if len(data) < maxWrapper && bytes.Contains(data, []byte("libgcompat.so")) {
		return &loader{libc: Musl, starts: pathOr(inner.Find(data), o.machine)}, nil
	}
	if m := release.FindSubmatch(data); m != nil && o.dyn.soname != "" {
		return &loader{libc: Glibc, version: string(m[1])}, nil
	}
	return nil, nil
}

// pathOr returns the path of musl's loader, or the usual one for an architecture.
func pathOr(path []byte, m elf.Machine) string {
	if path != nil {
		return string(path)
	}
	arch := map[elf.Machine]string{
		elf.EM_X86_64: "x86_64", elf.EM_AARCH64: "aarch64", elf.EM_386: "i386", elf.EM_ARM: "armhf",
		elf.EM_PPC64: "powerpc64le", elf.EM_S390: "s390x", elf.EM_RISCV: "riscv64", elf.EM_LOONGARCH: "loongarch64",
	}
	return "/lib/ld-musl-" + arch[m] + ".so.1"
}

// loneVersion returns the one string that is a version and nothing else, "" if there are several.
func loneVersion(data []byte) string {
	var found []string
	for _, m := range lone.FindAllSubmatch(data, 100) {
		if text := string(m[1]); !slices.Contains(found, text) {
			found = append(found, text)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// follow returns what stands behind the first occurrence of a text, up to an octet that ends it, or "" if there is none
// within so many octets.
func follow(r io.ReadSeeker, text string, end byte, most int) (string, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	need := len(text) + most
	buffer, kept := make([]byte, need+chunk), 0
	for {
		n, err := io.ReadFull(r, buffer[kept:])
		window := buffer[:kept+n]
		isLast := err == io.EOF || err == io.ErrUnexpectedEOF
		if at := bytes.Index(window, []byte(text)); at >= 0 && (isLast || at+need <= len(window)) {
			rest := window[at+len(text):][:min(most, len(window)-at-len(text))]
			value, _, ended := bytes.Cut(rest, []byte{end})
			if !ended {
				return "", nil
			}
			return string(value), nil
		}
		if isLast {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		kept = copy(buffer, buffer[len(buffer)-need:])
	}
}
