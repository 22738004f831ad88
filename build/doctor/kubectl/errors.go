package kubectl

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
)

// A Kind says why kubectl failed.
type Kind uint8

// The kinds.
const (
	Other     Kind = iota // anything else: the API cannot be reached, a flag is wrong
	Missing               // there is no kubectl
	Forbidden             // the user lacks a right
	NotFound              // there is no such object, or no such kind of objects
)

// An Error is a failure of kubectl.
type Error struct {
	Kind Kind
	Text string // one line for people
}

func (e *Error) Error() string { return e.Text }

// is reports whether err is a failure of a kind.
func is(err error, kind Kind) bool {
	var e *Error
	return errors.As(err, &e) && e.Kind == kind
}

// failure makes an error of how kubectl ended.
func failure(ctx context.Context, err error, stderr string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, exec.ErrDot):
		return &Error{Missing, "kubectl is not in the PATH: install it, and check that kubectl get nodes works"}
	case strings.TrimSpace(stderr) == "":
		return &Error{Other, "kubectl: " + err.Error()}
	}
	return classify(stderr)
}

// right finds what the API says of a right that is missing.
var right = regexp.MustCompile(`cannot (\S+) resource "([^"]+)" in API group "([^"]*)" (at the cluster scope|in the namespace "[^"]+")`)

// classify reads what kubectl wrote before it failed.
func classify(stderr string) *Error {
	text := told(stderr)
	switch m := right.FindStringSubmatch(text); {
	case m != nil && m[3] != "":
		return &Error{Forbidden, fmt.Sprintf("no right to %s %s.%s %s", m[1], m[2], m[3], m[4])}
	case m != nil:
		return &Error{Forbidden, fmt.Sprintf("no right to %s %s %s", m[1], m[2], m[4])}
	case strings.Contains(text, "(NotFound)"), strings.Contains(text, "the server doesn't have a resource type"),
		strings.Contains(text, "could not find the requested resource"):
		return &Error{NotFound, "kubectl: " + text}
	case strings.Contains(text, "(Forbidden)"):
		return &Error{Forbidden, "kubectl: " + text}
	}
	return &Error{Other, "kubectl: " + text}
}

// told returns the line in which kubectl says why it failed. Lines of its log may stand before it.
func told(stderr string) string {
	last := ""
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if begins(line, "Error from server", "error:", "Error:", "The connection to the server", "Unable to connect") {
			return strings.TrimPrefix(strings.TrimPrefix(line, "error: "), "Error: ")
		}
		if line != "" {
			last = line
		}
	}
	return last
}

func begins(line string, words ...string) bool {
	for _, w := range words {
		if strings.HasPrefix(line, w) {
			return true
		}
	}
	return false
}
