package scan

import (
	"debug/buildinfo"
	"errors"
	"io"
	"strings"
)

// goBuild is what matters of what Go writes into a program.
type goBuild struct {
	version string // "go1.26.1"
	cgo     string // CGO_ENABLED: "0", "1" or "" if that is not said
	tags    string
	godebug string // the settings that are built in
}

// buildOf returns what Go wrote into a program, nil if it is not made by Go.
func buildOf(r io.ReaderAt) (b *goBuild) {
	defer func() {
		if recover() != nil { // as in openWhole
			b = nil
		}
	}()
	info, err := buildinfo.Read(&budget{r, maxBuild})
	if err != nil {
		return nil
	}
	b = &goBuild{version: bounded(info.GoVersion)}
	for _, s := range info.Settings {
		switch s.Key {
		case "CGO_ENABLED":
			b.cgo = bounded(s.Value)
		case "-tags":
			b.tags = bounded(s.Value)
		case "DefaultGODEBUG":
			b.godebug = bounded(s.Value)
		}
	}
	return b
}

// bounded is a text that does not keep a larger one in memory.
func bounded(s string) string { return strings.Clone(s[:min(len(s), maxInterp)]) }

// maxBuild is how much is read in search of the build information, which is at the beginning of the data.
const maxBuild = 128 << 20

// budget reads so much and no more.
type budget struct {
	io.ReaderAt
	left int64
}

func (b *budget) ReadAt(p []byte, at int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, errors.New("too much to read")
	}
	return b.ReaderAt.ReadAt(p, at)
}
