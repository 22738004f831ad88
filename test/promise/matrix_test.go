package promise

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/matrix"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

// TestMatrix has the pairs of the matrices, for the generations that no package has too.
func TestMatrix(t *testing.T) {
	for scope, zone := range [matrix.NumScopes]string{matrix.Domain: "d1.test.", matrix.Name: name + ".d1.test."} {
		scope := matrix.Scope(scope)
		for _, pair := range matrix.Pairs() {
			script := &upstream.Script{Zones: []upstream.Zone{scope.Zone(zone, pair), matrix.SecondZone("d2.test.")}}
			t.Run(fmt.Sprintf("%v/%v", scope, pair), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { checkPair(t, scope, pair, script) })
			})
		}
	}
}

func checkPair(t *testing.T, scope matrix.Scope, pair matrix.Pair, script *upstream.Script) {
	h := muslsafe(t, forward(script))
	warmUp(h)
	for _, model := range stub.Models() {
		got := look(model, config(t, model, resolvConf), name, stub.Both, h)
		outcome := matrix.Read(got.Err.String(), slices.Concat(got.V4, got.V6))
		if want := scope.Want(pair, generation(model)); !want.Admits(outcome, got.Elapsed) {
			t.Errorf("%s: %v after %v; want %v", model.Name, outcome, got.Elapsed, want)
		}
	}
	time.Sleep(10 * time.Second) // lets late flights land
}

// generation is how a libc judges a pair.
func generation(m *stub.Model) matrix.Libc {
	switch {
	case m.Name == "musl-1.2.0":
		return matrix.OldMusl
	case strings.HasPrefix(m.Name, "musl"):
		return matrix.Musl
	}
	return matrix.Glibc
}
