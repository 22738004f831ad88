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
	if i < 1 || !slices.Contains(landmarks, dnsserver.Directives[i+1]) {
		t.Fatalf("muslsafe at %d in %v; want it directly before one of %v", i, dnsserver.Directives, landmarks)
	}
	for _, sees := range []string{"prometheus", "errors", "log", "dnstap", "dns64"} {
		if slices.Index(dnsserver.Directives, sees) > i {
			t.Errorf("%s stands after muslsafe in %v", sees, dnsserver.Directives)
		}
	}
	for _, judged := range []string{"rewrite", "autopath", "acl", "cache", "template", "kubernetes", "forward"} {
		if slices.Index(dnsserver.Directives, judged) < i {
			t.Errorf("%s stands before muslsafe in %v", judged, dnsserver.Directives)
		}
	}
	if after := slices.Delete(slices.Clone(dnsserver.Directives), i, i+1); !slices.Equal(before, after) {
		t.Errorf("the other directives = %v; want %v", after, before)
	}
}

func TestPlaceWithoutLandmark(t *testing.T) {
	_, err := place([]string{"errors", "rewrite2", "acl", "cache", "forward"})
	if err == nil || !strings.Contains(err.Error(), `before "rewrite"`) {
		t.Errorf("place = %v; want an error that names the missing plugin", err)
	}
}

// TestPlaceByVersion has the order of the newest CoreDNS of each minor version.
func TestPlaceByVersion(t *testing.T) {
	for _, tc := range []struct{ version, before, after string }{
		{"1.13.2", "log dnstap local dns64", "acl any chaos loadbalance tsig cache rewrite header dnssec autopath minimal template hosts kubernetes forward"},
		{"1.14.7", "shed log dnstap local dns64 any chaos loadbalance tsig", "rewrite autopath acl cache header dnssec tls minimal template hosts kubernetes forward"},
		{"1.15.0", "shed log dnstap local dns64 siit any chaos loadbalance tsig", "rewrite autopath acl cache header dnssec tls minimal template hosts kubernetes forward"},
	} {
		got, err := place(strings.Fields(tc.before + " " + tc.after))
		if want := strings.Fields(tc.before + " muslsafe " + tc.after); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", tc.version, got, err, want)
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
