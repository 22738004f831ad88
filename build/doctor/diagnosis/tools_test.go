package diagnosis

import (
	"testing"

	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

func TestTools(t *testing.T) {
	zones := []upstream.Zone{
		{Name: "example.org.", Net: 1, Scripted: true}, all("nodata.test.", 3, "nodata"), all("d2.test.", 2, "data"),
	}
	tests := []struct {
		about, search, name string
		nslookup            string
		status              int
		dig                 string
	}{
		{"the search breaks, the name is fine", "nodata.test", "data.nodata.example.org", "works: 198.18.4.1", 0, "works: 198.18.4.1"},
		{"AAAA is denied", "", "data.nxdomain.example.org", "shows 198.18.4.1, and NXDOMAIN for AAAA", 1, "works: 198.18.4.1"},
		{"AAAA fails", "", "data.servfail.example.org", "shows 198.18.4.1, and SERVFAIL for AAAA", 1, "works: 198.18.4.1"},
		{"AAAA is silent", "", "data.silence.example.org", "shows 198.18.4.1, and no answer for AAAA", 0, "works: 198.18.4.1"},
		{"A is denied", "", "nxdomain.data.example.org", "shows 2001:db8:1::1, and NXDOMAIN for A", 1, "fails: NXDOMAIN"},
		{"truncated", "", "tcempty.nodata.example.org", "shows no address, and no error", 0, "works: 198.18.4.1 and 2 more"},
		{"one label", "nodata.test d2.test", "web", "works: 198.18.8.1 and 1 more", 0, "fails: NXDOMAIN"},
		{"one label, and no search list", "", "web", "fails: NXDOMAIN for A, NXDOMAIN for AAAA", 1, "fails: NXDOMAIN"},
		{"search . is none", ".", "data.data.example.org", "works: 198.18.4.1 and 1 more", 0, "works: 198.18.4.1"},
		{"all silent", "", "silence.silence.example.org", "fails: no reply", 1, "fails: no reply"},
	}
	for _, tc := range tests {
		conf := "nameserver 192.0.2.53\noptions ndots:5\n"
		if tc.search != "" {
			conf += "search " + tc.search + "\n"
		}
		tools := behind(t, conf, zones...).tools(tc.name)
		if n := tools[0]; n.Shows() != tc.nslookup || n.Status != tc.status {
			t.Errorf("%s: nslookup %s, status %d; want %s, %d", tc.about, n.Shows(), n.Status, tc.nslookup, tc.status)
		}
		if got := tools[1].Shows(); got != tc.dig {
			t.Errorf("%s: dig %s; want %s", tc.about, got, tc.dig)
		}
	}
}
