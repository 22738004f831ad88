package upstream

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	tests := []struct {
		label string
		want  Behaviour
	}{
		{"data", Behaviour{}},
		{"nxdomain", Behaviour{Answer: NXDomain}},
		{"garbage", Behaviour{Answer: Garbage}},
		{"data-n40", Behaviour{Count: 40}},
		{"data-c3-l60", Behaviour{Links: 3, LinkSize: 60}},
		{"data-d1500", Behaviour{Delay: 1500 * time.Millisecond}},
		{"data-d1500-once", Behaviour{Delay: 1500 * time.Millisecond, Once: true}},
		{"nxdomain-c1", Behaviour{Answer: NXDomain, Links: 1}},
		{"data-f2servfail", Behaviour{Fails: 2, FailWith: ServFail}},
		{"data-u", Behaviour{Uncut: true}},
		{"tcempty-xclose", Behaviour{Answer: TCEmpty, TCP: CloseTCP}},
		{"tcsome-n5-c1-l30-d10-f1silence-u-xshort", Behaviour{
			Answer: TCSome, Count: 5, Links: 1, LinkSize: 30, Delay: 10 * time.Millisecond,
			Fails: 1, FailWith: Silence, Uncut: true, TCP: ShortTCP}},
	}
	for _, tc := range tests {
		got, err := Parse(tc.label)
		if err != nil || got != tc.want {
			t.Errorf("Parse(%s) = %+v, %v; want %+v", tc.label, got, err, tc.want)
		}
		if got.String() != tc.label {
			t.Errorf("%+v = %s; want %s", got, got, tc.label)
		}
	}
}

func TestParseFails(t *testing.T) {
	for _, label := range []string{
		"", "-", "www", "data-", "data-n", "data-n-1", "data-nx", "data-q5", "data-f2", "data-f2www", "data-n5servfail", "data-xopen", "data--u",
		"data-n2001", "data-c101", "data-l19", "data-l256",
	} {
		if b, err := Parse(label); err == nil {
			t.Errorf("Parse(%q) = %v; want an error", label, b)
		}
	}
}

// Every word is there, and none is there twice.
func TestWords(t *testing.T) {
	seen := make(map[string]bool)
	for a := Data; a <= Garbage; a++ {
		if seen[a.String()] {
			t.Errorf("%v stands for two answers", a)
		}
		seen[a.String()] = true
	}
	if len(seen) != len(answerWords) {
		t.Errorf("%d words for %d answers", len(answerWords), len(seen))
	}
	if int(ShortTCP)+1 != len(streamWords) {
		t.Errorf("%d words for %d ways over TCP", len(streamWords), int(ShortTCP)+1)
	}
}
