package lint

import (
	"fmt"
	"strings"
)

// templates returns the templates of a block that deny names of a type without conditions of their own.
func (b *block) templates(match func(qtype, rcode string) bool) (found []use) {
	for _, u := range b.all("template") {
		if len(u.args) < 2 {
			continue // CoreDNS says so itself
		}
		rcode := strings.ToUpper(strings.Join(u.values("rcode"), ""))
		if match(strings.ToUpper(u.args[1]), rcode) {
			found = append(found, u)
		}
	}
	return found
}

// String returns the first line of a plugin, as it was written.
func (u use) String() string { return strings.Join(append([]string{u.name}, u.args...), " ") }

func (u use) finding(level Level, rule, what, why, instead string) Finding {
	return Finding{File: u.file, Line: u.line, Level: level, Rule: rule, What: what, Why: why, Instead: instead}
}

// aaaaTemplates are those that deny a name because its AAAA is not wanted.
func aaaaTemplates(_ *config, b *block) (all []Finding) {
	level, why := Hazard, "The name may exist and have an A record. musl from 1.2.1 (Alpine 3.13) judges A and AAAA together: on NXDOMAIN for AAAA it throws the address away."
	if m := b.muslsafe(); m != nil && !contains(m.values("disable"), "pair") {
		level, why = Advice, "The name may exist and have an A record. muslsafe repairs such answers; with ipv4only AAAA costs no answer at all."
	}
	for _, u := range b.templates(func(qtype, rcode string) bool { return qtype == "AAAA" && rcode == "NXDOMAIN" }) {
		all = append(all, u.finding(level, "template-nxdomain", fmt.Sprintf("%q says that names do not exist", u), why,
			"muslsafe {\n    ipv4only\n}\nand without muslsafe: rcode NOERROR, with an SOA record in authority"))
	}
	return all
}

// templateGuards deny names below a search domain by their looks.
func templateGuards(_ *config, b *block) (all []Finding) {
	for _, u := range b.templates(func(qtype, rcode string) bool { return qtype != "AAAA" && rcode == "NXDOMAIN" }) {
		zones := strings.Join(u.args[2:], " ")
		if zones == "" || zones == "." {
			zones = "the search domain"
		}
		what := fmt.Sprintf("%q denies every name below %s", u, zones)
		if u.has("match") {
			what = fmt.Sprintf("%q denies names by a regular expression", u)
		}
		all = append(all, u.finding(Advice, "template-guard", what,
			"A guard knows names by their looks, and one suffix only: it denies names that exist, and lets others through. The fixes leak and search of muslsafe deny by proof, for all suffixes.",
			"muslsafe {\n    search "+zones+"\n}"))
	}
	return all
}

// templatesWithoutSOA are denials that no cache keeps.
func templatesWithoutSOA(_ *config, b *block) (all []Finding) {
	denies := func(_, rcode string) bool { return rcode == "NXDOMAIN" || rcode == "NOERROR" || rcode == "" }
	for _, u := range b.templates(denies) {
		if u.has("authority") || u.has("answer") {
			continue
		}
		all = append(all, u.finding(Advice, "template-soa", fmt.Sprintf("%q answers without an SOA record", u),
			"A denial without SOA says nothing of how long it holds (RFC 2308): caches do not keep it, and every lookup comes again.",
			`authority "{{ .Zone }} 30 IN SOA ns.invalid. hostmaster.invalid. 1 7200 1800 86400 30"`))
	}
	return all
}

// rewriteGuards turn names with a suffix appended back into what was meant, by regular expressions.
func rewriteGuards(c *config, b *block) (all []Finding) {
	for _, u := range b.all("rewrite") {
		text := strings.ReplaceAll(strings.Join(u.args, " "), `\`, "")
		for _, p := range u.properties {
			text += " " + strings.ReplaceAll(p.name+" "+strings.Join(p.args, " "), `\`, "")
		}
		for _, domain := range c.cluster {
			if !strings.Contains(text, "regex") || !strings.Contains(text, strings.TrimSuffix(domain, ".")) {
				continue
			}
			all = append(all, u.finding(Advice, "rewrite-guard", fmt.Sprintf("\"%s\" rewrites names of the cluster by a regular expression", u.name+" "+strings.Join(u.args, " ")),
				"If this is to catch names with a suffix appended, they get an answer to a name that the client did not ask for. The fix leak of muslsafe denies them, and the client goes on to the right one.",
				"muslsafe"))
			break
		}
	}
	return all
}
