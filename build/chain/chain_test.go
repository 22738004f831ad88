package chain

import (
	"slices"
	"strings"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
)

func TestInstall(t *testing.T) {
	before := slices.Clone(dnsserver.Directives)
	for range 2 { // the second call changes nothing
		if err := Install(); err != nil {
			t.Fatal(err)
		}
	}

	i := slices.Index(dnsserver.Directives, "muslsafe")
	if i < 1 || dnsserver.Directives[i-1] != "tsig" || !slices.Contains(landmarks, dnsserver.Directives[i+1]) {
		t.Fatalf("muslsafe at %d in %v; want it between tsig and one of %v", i, dnsserver.Directives, landmarks)
	}
	for _, judged := range []string{"rewrite", "autopath", "cache", "template", "kubernetes", "forward"} {
		if slices.Index(dnsserver.Directives, judged) < i {
			t.Errorf("%s stands before muslsafe in %v", judged, dnsserver.Directives)
		}
	}
	if after := slices.Delete(slices.Clone(dnsserver.Directives), i, i+1); !slices.Equal(before, after) {
		t.Errorf("the other directives = %v; want %v", after, before)
	}
}

func TestPlaceWithoutLandmark(t *testing.T) {
	_, err := place([]string{"errors", "rewrite2", "cache", "forward"})
	if err == nil || !strings.Contains(err.Error(), `directly before "rewrite"`) {
		t.Errorf("place = %v; want an error that names the missing plugin", err)
	}
}

// TestPlaceBeforeCache has the order of CoreDNS 1.13 and that of later versions.
func TestPlaceBeforeCache(t *testing.T) {
	for _, order := range [][]string{{"tsig", "cache", "rewrite", "forward"}, {"tsig", "rewrite", "acl", "cache", "forward"}} {
		if got, err := place(order); err != nil || got[1] != name {
			t.Errorf("place(%v) = %v, %v; want muslsafe directly after tsig", order, got, err)
		}
	}
}

func TestPlaceKeepsPluginCfg(t *testing.T) {
	given := []string{"muslsafe", "cache", "rewrite"}
	got, err := place(given)
	if err != nil || !slices.Equal(got, given) {
		t.Errorf("place(%v) = %v, %v; want it unchanged", given, got, err)
	}
}
