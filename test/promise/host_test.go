package promise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// hostWorld is a world in which the name exists in one domain or in more, with another address in each, and in which it may
// be slow to come, fail at first or fail for good, while the rest of its domain is well.
type hostWorld struct {
	world
	family stub.Family
}

// quick is what an answer may take so that all that needs it comes in time.
const quick = 300 * time.Millisecond

func randomHosts(r *rand.Rand) hostWorld {
	families := []stub.Family{stub.Both, stub.Both, stub.V4, stub.V6}
	w := hostWorld{family: families[r.IntN(len(families))]}
	for i, domain := range []string{"d1.test.", "d2.test.", ""} {
		z := upstream.Zone{Name: name + "." + domain, Net: byte(i + 1), Host: true}
		if r.IntN(4) == 0 { // all names of the domain are like that
			z = upstream.Zone{Name: domain, Net: byte(i + 1)}
			if domain == "" {
				z.Name = "abs."
			}
		}
		z.A, z.AAAA = randomHalf(r, z.Host), randomHalf(r, z.Host)
		if z.A.Answer == upstream.NXDomain && z.AAAA.Answer == upstream.Data && !isQuick(z.AAAA) {
			z.A.Answer = upstream.NoData // an NXDOMAIN for A speaks for the whole name, so nobody waits for the other half
		}
		w.zones = append(w.zones, z)
	}
	return w
}

// randomHalf is the behaviour of one half. Where a whole domain fails at first, nobody can tell it from one that is dead.
func randomHalf(r *rand.Rand, host bool) upstream.Behaviour {
	answers := []upstream.Answer{
		upstream.Data, upstream.Data, upstream.Data, upstream.Data, upstream.NoData, upstream.NoData,
		upstream.NXDomain, upstream.NXDomain, upstream.NXDomain, upstream.ServFail, upstream.Refused, upstream.Silence,
	}
	delays := []time.Duration{0, 0, 0, quick, 600 * time.Millisecond, 1300 * time.Millisecond, 2200 * time.Millisecond}
	b := upstream.Behaviour{Answer: answers[r.IntN(len(answers))], Delay: delays[r.IntN(len(delays))]}
	if fails := []int{0, 0, 0, 1, 2}[r.IntN(5)]; host && fails > 0 && !failsForGood(b) {
		b.Fails = fails
		b.FailWith = []upstream.Answer{upstream.ServFail, upstream.Refused, upstream.Silence}[r.IntN(3)]
		if b.FailWith != upstream.Silence { // which is as slow as the answer after it
			b.Delay = min(b.Delay, 600*time.Millisecond)
		}
	}
	return b
}

func failsForGood(b upstream.Behaviour) bool {
	return slices.Contains([]upstream.Answer{upstream.ServFail, upstream.Refused, upstream.Silence}, b.Answer)
}

func isQuick(b upstream.Behaviour) bool {
	return b.Fails == 0 && b.Delay <= quick && !failsForGood(b)
}

// asked are the halves of a name that the client asks for.
func (w hostWorld) asked(z upstream.Zone) []upstream.Behaviour {
	switch w.family {
	case stub.V4:
		return []upstream.Behaviour{z.A}
	case stub.V6:
		return []upstream.Behaviour{z.AAAA}
	}
	return []upstream.Behaviour{z.A, z.AAAA}
}

func both(z upstream.Zone) []upstream.Behaviour { return []upstream.Behaviour{z.A, z.AAAA} }

// isUnknown reports whether nobody can know if a name exists, in a domain that is well otherwise. A client that asks for AAAA
// alone and gets NXDOMAIN is told so.
func (w hostWorld) isUnknown(z upstream.Zone) bool {
	if !z.Host || slices.ContainsFunc(both(z), hasAddress) {
		return false
	}
	if failsForGood(z.A) {
		return w.family != stub.V6 || z.AAAA.Answer != upstream.NXDomain
	}
	return z.A.Answer == upstream.NoData && failsForGood(z.AAAA)
}

// limit is how far a search may go: to the first name that exists or that nobody knows about. It is the number of names
// if there is none.
func (w hostWorld) limit() int {
	i := slices.IndexFunc(w.zones, func(z upstream.Zone) bool { return w.isUnknown(z) || slices.ContainsFunc(both(z), hasAddress) })
	if i < 0 {
		return len(w.zones)
	}
	return i
}

// goesOn reports whether glibc may go past the limit by itself: it does after a failure, and after NODATA.
func (w hostWorld) goesOn() bool {
	limit := w.limit()
	if limit < len(w.zones) && !slices.ContainsFunc(w.asked(w.zones[limit]), hasAddress) {
		return true
	}
	return slices.ContainsFunc(w.zones[:min(limit+1, len(w.zones))], func(z upstream.Zone) bool {
		return slices.ContainsFunc(both(z), func(b upstream.Behaviour) bool { return failsForGood(b) || b.Fails > 1 })
	})
}

// isClear reports whether every client has to find the name at the limit: it and all before it say what they are at once,
// or after one failure or two seconds.
func (w hostWorld) isClear() bool {
	limit := w.limit()
	if limit == len(w.zones) || !slices.ContainsFunc(w.asked(w.zones[limit]), hasAddress) {
		return false
	}
	isSound := func(b upstream.Behaviour) bool { return b.Fails <= 1 && !failsForGood(b) }
	hit := w.zones[limit]
	soon := slices.ContainsFunc(w.asked(hit), func(b upstream.Behaviour) bool { return isQuick(b) && hasAddress(b) })
	if !soon && !(isSound(hit.A) && isSound(hit.AAAA)) {
		return false
	}
	for _, z := range w.zones[:limit] {
		for _, b := range both(z) {
			absent := isSound(b) && b.Answer == upstream.NXDomain
			if !absent && !(isQuick(b) && soon) {
				return false
			}
		}
	}
	return true
}

// problem says what is wrong with a result.
func (w hostWorld) problem(result stub.Result, glibc bool) string {
	limit := w.limit()
	found := slices.Concat(result.V4, result.V6)
	for _, addr := range found {
		if network(addr) != limit+1 && !(glibc && w.goesOn()) {
			return fmt.Sprintf("found %v, the address of another host; want at most those of network %d", found, limit+1)
		}
	}
	switch {
	case len(found) > 0:
		return ""
	case w.isClear():
		return fmt.Sprintf("%v after %v; want addresses of network %d", result.Err, result.Elapsed, limit+1)
	case !glibc && w.failsAtLimit() && result.Err != stub.Again:
		return fmt.Sprintf("%v after %v; want a temporary failure", result.Err, result.Elapsed)
	}
	return ""
}

// failsAtLimit reports whether the search ends with nothing but failures, in a domain that is well otherwise, before which
// all is clear.
func (w hostWorld) failsAtLimit() bool {
	limit := w.limit()
	isAbsent := func(b upstream.Behaviour) bool { return b.Answer == upstream.NXDomain && b.Fails <= 1 }
	for _, z := range w.zones[:limit] {
		if !isAbsent(z.A) || !isAbsent(z.AAAA) {
			return false
		}
	}
	return limit < len(w.zones) && w.zones[limit].Host &&
		!slices.ContainsFunc(w.asked(w.zones[limit]), func(b upstream.Behaviour) bool { return !failsForGood(b) })
}

func (w hostWorld) String() string {
	text := []string{fmt.Sprintf("family %d", w.family)}
	for _, z := range w.zones {
		text = append(text, fmt.Sprintf("%s (alone: %v) A %v AAAA %v", z.Name, z.Host, z.A, z.AAAA))
	}
	return strings.Join(text, ", ")
}

// TestNeverAnotherHost looks up a name in random worlds with every model. An address that belongs to another name of the
// search than the first one that exists is wrong, and so is every address behind a name of which nobody knows: even
// where it comes in time. What is slow or fails once is found.
func TestNeverAnotherHost(t *testing.T) {
	var problems []string // a test in a bubble that fails would end the whole test
	fails := map[string]int{}
	r := rand.New(rand.NewPCG(seed, 7))
	mustFind, mustFail := 0, 0
	for range worlds / 2 {
		w := randomHosts(r)
		// With the longer pause nothing of a lookup is remembered at the next one.
		pause := []time.Duration{12 * time.Second, 45 * time.Second}[r.IntN(2)]
		if w.isClear() {
			mustFind++
		}
		if w.failsAtLimit() {
			mustFail++
		}
		synctest.Test(t, func(t *testing.T) {
			f := forward(w.script())
			h := muslsafe(t, f)
			warmUp(h)
			for _, model := range stub.Models() {
				conf, glibc := config(t, model, resolvConf), strings.HasPrefix(model.Name, "glibc")
				f.forget()
				if problem := w.problem(look(model, conf, name, w.family, h), glibc); problem != "" {
					problems = append(problems, fmt.Sprintf("%s: %s in %v", model.Name, problem, w))
				}
				time.Sleep(pause) // late flights land
				f.forget()
				if w.problem(look(model, conf, name, w.family, f), glibc) != "" {
					fails[model.Name]++
				}
				time.Sleep(12 * time.Second)
			}
		})
	}
	for _, problem := range problems[:min(len(problems), 30)] {
		t.Error(problem)
	}
	t.Logf("%d lookups are wrong; %d worlds are clear, and %d fail; without muslsafe wrong are %v", len(problems), mustFind, mustFail, fails)
	if mustFind < worlds/10 || mustFail < worlds/50 {
		t.Errorf("%d worlds are clear, and %d fail; want many", mustFind, mustFail)
	}
}
