// Package scan finds out which resolver looks names up for a program: in files, folders, images of containers and
// processes. It reads them and starts none of them.
package scan

import (
	"cmp"
	"slices"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// A Resolver is what looks names up for a program.
type Resolver string

// The resolvers.
const (
	Musl    Resolver = "musl"
	Glibc   Resolver = "glibc"
	Go      Resolver = "go" // that of package net
	CAres   Resolver = "c-ares"
	None    Resolver = "none" // a static program with nothing in it that looks names up
	Unknown Resolver = "unknown"
)

// A Program is what is known about one. The names in JSON are stable.
type Program struct {
	Path     string           `json:"path"`
	PID      int              `json:"pid,omitempty"` // of a process; 0 for a file
	Resolver Resolver         `json:"resolver"`
	Version  string           `json:"version,omitempty"` // of the resolver: "1.2.3", "1.2.1 to 1.2.3"
	From     string           `json:"from,omitempty"`    // the oldest version that it can be
	To       string           `json:"to,omitempty"`      // the newest
	Guess    bool             `json:"guess"`             // the resolver or its version is concluded, and not read
	Evidence []string         `json:"evidence"`
	Also     []Other          `json:"also"`
	Hazards  []diagnosis.Kind `json:"hazards"` // of musl in these versions
	AtRisk   bool             `json:"atRisk"`  // it is musl
}

// Other is a second resolver inside of a program, with what makes the program use it.
type Other struct {
	Resolver Resolver `json:"resolver"`
	Version  string   `json:"version,omitempty"`
	When     string   `json:"when"`
}

// A Problem is a file that could not be read.
type Problem struct {
	Path string `json:"path"`
	Why  string `json:"why"`
}

// A Report is about one path, one image of an archive, or one process.
type Report struct {
	Path       string    `json:"path"`
	Image      string    `json:"image,omitempty"`    // its name
	Platform   string    `json:"platform,omitempty"` // of the image: "linux/amd64"
	Programs   []Program `json:"programs"`
	Unreadable []Problem `json:"unreadable"`
	Alone      bool      `json:"-"` // it is about a path that is a program
}

// sorted puts programs and problems into the order of their paths.
func (r *Report) sorted() *Report {
	slices.SortFunc(r.Programs, func(a, b Program) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortFunc(r.Unreadable, func(a, b Problem) int { return cmp.Compare(a.Path, b.Path) })
	return r
}

func newReport(path string) *Report {
	return &Report{Path: path, Programs: []Program{}, Unreadable: []Problem{}}
}

func (r *Report) add(p Program) { r.Programs = append(r.Programs, p) }

// maxProblems is how many problems are kept: there are no more, except in hostile archives.
const maxProblems = 100_000

func (r *Report) fail(path string, err error) {
	if len(r.Unreadable) == maxProblems {
		return
	}
	r.Unreadable = append(r.Unreadable, Problem{path, err.Error()})
}
