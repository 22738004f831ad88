package muslsafe

import (
	"testing"
	"time"
)

// TestDeadDomainAfterStart looks up names of a silent search domain some time after the server has begun to look at it: a
// client waits as long as that look has still to wait, and does not begin anew.
func TestDeadDomainAfterStart(t *testing.T) {
	for _, arrived := range []time.Duration{0, 400 * ms, 900 * ms, 1100 * ms, 1700 * ms, 2400 * ms, 2600 * ms, 4 * time.Second} {
		inVirtualTime(t, func(t *testing.T) {
			u := &upstream{script: pairScript(nodeName, step{}, step{})}
			u.script["* A"], u.script["* AAAA"] = step{}, step{}
			u.script[nextName+" A"] = exists
			p := testPlugin(u)
			p.lookAtDomains("dns://:53")
			time.Sleep(arrived)
			got := lookUp(t, p, nodeName)
			if want := max(2500*ms-arrived, 1250*ms); outcomesOf(got) != [2]outcome{nxdomain, nxdomain} || slowest(got) > want {
				t.Errorf("%v after the start: %v after %v; want NXDOMAIN for both within %v", arrived, outcomesOf(got), slowest(got), want)
			}
		})
	}
}
