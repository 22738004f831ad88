package scan

import (
	"strings"
	"testing"
)

func TestReadPackages(t *testing.T) {
	text := "C:Q1abc=\nP:musl\nV:1.2.4_git20230717-r4\nA:x86_64\n\nP:c-ares\nV:1.24.0-r1\n\nV:9\nP:zlib\n\nP:musl-utils\nV:1.2.4-r0\n"
	got := readPackages(strings.NewReader(text))
	if len(got) != 2 || got["musl"] != "1.2.4_git20230717-r4" || got["c-ares"] != "1.24.0-r1" {
		t.Errorf("%v; want musl and c-ares", got)
	}
	if got := readPackages(strings.NewReader(strings.Repeat("x", 1<<20))); len(got) != 0 {
		t.Errorf("%v of one long line; want nothing", got)
	}
}

// TestPackages holds that Alpine's database tells the version where the loader does not, in either of its places.
func TestPackages(t *testing.T) {
	database := "P:musl\nV:1.2.4_git20230717-r4\n\n"
	for _, at := range []string{"/lib/apk/db/installed", "/usr/lib/apk/db/installed"} {
		root := t.TempDir()
		copyFile(t, shared(t, client), root+"/app")
		write(t, root+at, database)
		p := only(t, root+"/app") // also where this machine has a loader of musl
		if p.Resolver != Musl || p.Version != "1.2.4_git20230717" || p.From != "1.2.4" || p.Guess {
			t.Errorf("%s: %+v; want musl 1.2.4 from the database", at, p)
		}
	}
}
