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
	if i < 1 || dnsserver.Directives[i-1] != "tsig" || dnsserver.Directives[i+1] != "rewrite" {
		t.Fatalf("muslsafe at %d in %v; want it between tsig and rewrite", i, dnsserver.Directives)
	}
	if after := slices.Delete(slices.Clone(dnsserver.Directives), i, i+1); !slices.Equal(before, after) {
		t.Errorf("the other directives = %v; want %v", after, before)
	}
}

func TestPlaceWithoutLandmark(t *testing.T) {
	_, err := place([]string{"errors", "rewrite2", "forward"})
	if err == nil || !strings.Contains(err.Error(), `directly before "rewrite"`) {
		t.Errorf("place = %v; want an error that names the missing plugin", err)
	}
}

func TestPlaceKeepsPluginCfg(t *testing.T) {
	given := []string{"muslsafe", "cache", "rewrite"}
	got, err := place(given)
	if err != nil || !slices.Equal(got, given) {
		t.Errorf("place(%v) = %v, %v; want it unchanged", given, got, err)
	}
}
