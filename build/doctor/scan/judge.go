package scan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/muslsafe/coredns-muslsafe/build/doctor/diagnosis"
)

// judge says what looks names up for a program that is found in some place.
func judge(name string, o *object, in place) Program {
	var l libc
	switch {
	case o.loader != nil: // a path that was given
		l = dynamicLibc(name, in)
	case o.interp != "":
		l = dynamicLibc(o.interp, in)
	default:
		l = staticLibc(o)
	}
	return judgeWith(name, o, l, libraries(name, o, in))
}

// judgeWith is judge for a C library and libraries that are known.
func judgeWith(name string, o *object, l libc, libs linked) Program {
	p := Program{Path: name, Also: []Other{}}
	switch cares := caresIn(o, libs); {
	case o.build != nil:
		p.judgeGo(o, l)
	case cares == "":
		p.set(l)
	case l.name == None || libs.isComplete && !libs.asksLibc && !o.dyn.asksLibc && o.interp != "":
		p.Resolver, p.Evidence = CAres, []string{cares}
	default:
		p.set(l)
		p.Also = append(p.Also, Other{Resolver: CAres, Version: libs.caresVersion, When: "where the program calls it: " + cares})
	}
	p.assess()
	return p
}

// caresIn says where c-ares is, "" if it is nowhere.
func caresIn(o *object, libs linked) string {
	switch {
	case o.marks.has(caresText):
		return "has c-ares inside"
	case libs.cares != "":
		return "linked with " + libs.cares
	}
	return ""
}

// set takes the C library as the resolver.
func (p *Program) set(l libc) {
	p.Resolver, p.Version, p.Guess, p.Evidence = l.name, l.version(), l.isGuess, l.evidence
	if l.span.from != (version{}) {
		p.From = l.span.from.String()
	}
	if l.span.to != (version{}) {
		p.To = l.span.to.String()
	}
	if l.name == Glibc && l.text != "" {
		p.From, p.To = l.text, l.text // it has two numbers
	}
}

// assess lists the hazards of the versions that it can be.
func (p *Program) assess() {
	p.Hazards = []diagnosis.Kind{}
	if p.AtRisk = p.Resolver == Musl; p.AtRisk {
		p.Hazards = append(p.Hazards, diagnosis.HazardsOf(p.From, p.To)...)
	}
}

// judgeGo goes by the build information. Where a program has both, package net takes its own resolver unless it is told
// not to, or finds in resolv.conf or nsswitch.conf what it does not know.
func (p *Program) judgeGo(o *object, l libc) {
	set := make(map[string]string)
	for _, s := range o.build.Settings {
		set[s.Key] = s.Value
	}
	tags := strings.Split(set["-tags"], ",")
	p.Resolver, p.Version = Go, strings.TrimPrefix(o.build.GoVersion, "go")
	reason := ""
	switch _, isStated := set["CGO_ENABLED"]; {
	case set["CGO_ENABLED"] == "0":
		reason = "with CGO_ENABLED=0"
	case slices.Contains(tags, "netgo"):
		reason = "with the tag netgo"
	case l.name == None || l.name == Unknown && o.interp == "" || o.interp != "" && !o.dyn.asksLibc:
		reason = "without the resolver of a C library"
	case slices.Contains(tags, "netcgo") || strings.Contains(set["DefaultGODEBUG"], "netdns=cgo"):
		p.set(l)
		p.Evidence = append([]string{fmt.Sprintf("built by %s to ask the C library", o.build.GoVersion)}, l.evidence...)
		return
	default:
		reason = "with cgo"
		p.Guess = !isStated
		p.Also = append(p.Also, Other{Resolver: l.name, Version: l.version(), When: "with GODEBUG=netdns=cgo, or where resolv.conf or nsswitch.conf has what Go does not know"})
	}
	p.Evidence = []string{fmt.Sprintf("built by %s %s", o.build.GoVersion, reason)}
}
