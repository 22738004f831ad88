package doctor

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// crossed has every pair of answers of the two servers, but for those that libcs take for the same (NOTIMP and FORMERR are like
// REFUSED), and but for two silent servers, for which glibc takes longer than the lab waits.
func crossed() (all []disagreement) {
	same := []upstream.Answer{upstream.NotImp, upstream.FormErr}
	for _, a := range upstream.Pairable() {
		for _, b := range upstream.Pairable() {
			if slices.Contains(same, a) || slices.Contains(same, b) || a == upstream.Silence && b == upstream.Silence {
				continue
			}
			name := fmt.Sprintf("%v-%v.example.org", a, b)
			all = append(all, disagreement{name: name, says: [2][2]string{{a.String(), a.String()}, {b.String(), b.String()}}})
		}
	}
	return all
}

// TestNameserversCrossed has every pair of answers, and compares all libcs with what doctor says of them.
func TestNameserversCrossed(t *testing.T) {
	lab.Require(t)
	lab.ResolvConf(t, twoServers)
	for late := range two {
		t.Run(two[1-late]+" is first", func(t *testing.T) {
			for which, addr := range two {
				upstream.Start(t, addr+":53", script(t, which, []string{"", "-d700"}[(which+late+1)%2]))
			}
			args := []string{"nameservers", "-json", "-timeout=2s"}
			flags := len(args)
			for _, d := range crossed() {
				args = append(args, d.name)
			}
			_, out, errs := doctor(t, args...)
			var r races
			if err := json.Unmarshal([]byte(out), &r); err != nil || len(r.Names) != len(args)-flags {
				t.Fatalf("%d names, %v\n%s", len(r.Names), err, errs)
			}
			compare(t, predictions(t, r, two[1-late]))
		})
	}
}

// predictions returns what doctor says of each libc if one server is first. Time is not compared: the late server is late.
func predictions(t *testing.T, r races, first string) (all []*attempt) {
	t.Helper()
	for _, n := range r.Names {
		for _, f := range n.Finishes {
			for _, libc := range lab.Libcs(t) {
				if f.A == first && f.AAAA == first {
					all = append(all, &attempt{libc: libc, name: n.Name, want: prediction(t, named(n.Name, f.Lookups), libc), anyTime: true})
				}
			}
		}
	}
	return all
}
