package lab

import (
	"regexp"
	"testing"
)

// Fence matches the blocks of a document that are marked with a language; its group is what is in them.
func Fence(language string) *regexp.Regexp {
	return regexp.MustCompile(`(?ms)^~~~ ` + language + `\n(.*?)^~~~$`)
}

// Fenced returns what is in the blocks of a document that are marked with a language.
func Fenced(t *testing.T, document, language string) (blocks []string) {
	t.Helper()
	for _, m := range Fence(language).FindAllStringSubmatch(ReadFile(t, document), -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}
