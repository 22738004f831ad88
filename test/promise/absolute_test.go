package promise

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// unsearched are ways to have musl look names up as they stand, with search domains of the nodes all the same.
var unsearched = []string{
	"search NAMESPACE.svc.cluster.local svc.cluster.local cluster.local d1.test d2.test\noptions ndots:1\n",
	"search NAMESPACE.svc.cluster.local svc.cluster.local cluster.local d1.test d2.test\noptions ndots:2\n",
	"search NAMESPACE.svc.cluster.local svc.cluster.local cluster.local d1.test d2.test" +
		strings.Repeat(" "+strings.Repeat("x", 60)+".test", 4) + "\noptions ndots:5\n", // longer than musl reads
}

// mended returns the cluster with addresses in place of failures: a search that begins with the name as it stands may end there.
func (c cluster) mended() cluster {
	for name, pair := range c.names {
		for i, a := range pair {
			if a == upstream.ServFail || a == upstream.Refused {
				pair[i] = upstream.Data
			}
		}
		c.names[name] = pair
	}
	return c
}

// TestAbsoluteFindsWhatGlibcFinds has pods with a low ndots, and with a search line that is too long for musl. What glibc finds,
// every musl finds with absolute, if it has two labels and does not exist as it stands. muslsafe does not know the namespace of a
// pod, so names there are left out.
func TestAbsoluteFindsWhatGlibcFinds(t *testing.T) {
	const rounds = 1000
	r := rand.New(rand.NewPCG(seed, 9))
	glibc := stub.Models()[slices.IndexFunc(stub.Models(), isGlibc)]
	found, more := 0, 0
	for range rounds {
		c := randomCluster(r).mended()
		namespace, asked, resolvConf := pick(r, labels.namespaces), randomName(r), pick(r, unsearched)
		if r.IntN(2) == 0 {
			asked = randomKey(r, c.names)
		}
		for _, suffix := range []string{"d1.test.", "d2.test.", "cluster.local.", "svc."} {
			asked = strings.TrimSuffix(asked, suffix)
		}
		if asked = strings.TrimSuffix(asked, "."); !isUnsearched(asked) || c.exists(asked+".") || c.exists(asked+"."+namespace+".svc.cluster.local.") {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			without := setUp(t, "muslsafe", "muslsafe {\n search d1.test d2.test\n}", c)
			with := setUp(t, "muslsafe", "muslsafe {\n search d1.test d2.test\n absolute\n}", c)
			pod := "nameserver 127.0.0.1\n" + strings.ReplaceAll(resolvConf, "NAMESPACE", namespace)
			own := look(glibc, config(t, glibc, pod), asked, stub.Both, without)
			for _, model := range slices.DeleteFunc(stub.Models(), isGlibc) {
				if own.Err != stub.OK {
					break
				}
				conf := config(t, model, pod)
				before, got := look(model, conf, asked, stub.Both, without), look(model, conf, asked, stub.Both, with)
				if found++; before.Err != stub.OK {
					more++
				}
				if got.Err != stub.OK || !slices.Equal(sorted(got), sorted(own)) {
					t.Errorf("%s asks for %s with %q: %v %v; glibc finds %v\nin %v", model.Name, asked, pod, got.Err, sorted(got), sorted(own), c)
				}
			}
			time.Sleep(time.Minute)
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d lookups found an address, %d of them with absolute alone", found, more)
	if more < 20 {
		t.Errorf("%d lookups found an address with absolute alone; want many", more)
	}
}

// isUnsearched reports whether absolute looks after a name: one of two labels, outside of the search domains.
func isUnsearched(name string) bool {
	isBelow := func(suffix string) bool { return strings.HasSuffix(name, suffix) }
	return strings.Contains(name, ".") && !slices.ContainsFunc([]string{"cluster.local", "d1.test", "d2.test"}, isBelow)
}

func isGlibc(m *stub.Model) bool { return strings.HasPrefix(m.Name, "glibc") }
