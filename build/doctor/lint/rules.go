package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

func contains(list []string, s string) bool { return slices.Contains(list, s) }

// muslsafeMissing finds blocks that can receive names from a search list, and have no muslsafe.
func muslsafeMissing(c *config, b *block) []Finding {
	suffix := c.receives(b)
	if suffix == "" || b.muslsafe() != nil {
		return nil
	}
	return []Finding{{
		File: b.file, Line: b.line, Level: Hazard, Rule: "muslsafe-missing",
		What:    fmt.Sprintf("server block %q has no muslsafe", strings.Join(b.keys, " ")),
		Why:     fmt.Sprintf("CoreDNS hands a query to the one block whose zone matches best, and this one can receive names with %s appended.", strings.TrimSuffix(suffix, ".")),
		Instead: "muslsafe",
	}}
}

// servfailCached finds caches that keep failures. Five seconds, the default, are all the patience that musl has.
func servfailCached(_ *config, b *block) (all []Finding) {
	for _, u := range b.all("cache") {
		kept := 5 * time.Second
		if args := u.values("servfail"); len(args) > 0 {
			d, err := time.ParseDuration(args[0])
			if err != nil {
				d, _ = time.ParseDuration(args[0] + "s")
			}
			kept = d
		}
		if kept == 0 {
			continue
		}
		all = append(all, u.finding(Advice, "servfail-cached", fmt.Sprintf("%q keeps a SERVFAIL for %v", u, kept),
			"musl asks again for 5 seconds, then gives up. One failure upstream that is kept for so long fails all of its tries.",
			u.String()+" {\n    servfail 0\n}"))
	}
	return all
}

// forwardOrder finds forwards that no query reaches, as one before them takes all of theirs.
func forwardOrder(_ *config, b *block) (all []Finding) {
	forwards := slices.DeleteFunc(b.all("forward"), func(u use) bool { return len(u.args) == 0 })
	for i, u := range forwards {
		zone := normal(u.args[0])
		for _, earlier := range forwards[:i] {
			if !isBelow(zone, normal(earlier.args[0])) || exempts(earlier, zone) {
				continue
			}
			all = append(all, u.finding(Hazard, "forward-order", fmt.Sprintf("%q is never reached", u),
				fmt.Sprintf("In a server block the first forward whose zone matches takes the query, and %q stands before this one (line %d).", earlier, earlier.line),
				fmt.Sprintf("%s\nbefore %q, or in a server block of its own with muslsafe in it", u, earlier)))
			break
		}
	}
	return all
}

// exempts reports whether a forward leaves zone to those behind it.
func exempts(u use, zone string) bool {
	return slices.ContainsFunc(u.values("except"), func(name string) bool { return isBelow(zone, normal(name)) })
}

// forwardLoops finds forwards to this machine itself: to a local stub resolver that sends everything back, or in a
// pod to CoreDNS itself.
func forwardLoops(c *config, b *block) (all []Finding) {
	if len(b.all("bind")) > 0 {
		return nil // it need not listen where it forwards to
	}
	for _, u := range b.all("forward") {
		for _, to := range u.args[min(1, len(u.args)):] {
			for _, server := range c.resolve(to) {
				port, ok := isLoopback(server)
				if !ok || !contains(b.ports, port) {
					continue
				}
				what := fmt.Sprintf("%q goes to %s, which is this machine itself", u, server)
				all = append(all, u.finding(Hazard, "forward-loop", what,
					"In a pod that is CoreDNS; on a node it is a local stub resolver such as systemd-resolved, and where the node asks the cluster's DNS the query comes back. CoreDNS answers SERVFAIL, which musl waits 5 seconds for.",
					"forward "+u.args[0]+" /run/systemd/resolve/resolv.conf\nor the addresses of the real servers"))
			}
		}
	}
	return all
}

// autopathWithComplete finds two plugins that do the same work.
func autopathWithComplete(_ *config, b *block) []Finding {
	m := b.muslsafe()
	if m == nil || !m.has("complete") {
		return nil
	}
	for _, u := range b.all("autopath") {
		return []Finding{u.finding(Hazard, "autopath-complete", fmt.Sprintf("%q stands beside muslsafe with complete", u),
			"Both do the search of the client on the server; CoreDNS does not start with both in one block.",
			"nothing: remove autopath, and pods verified from kubernetes if nothing else needs it")}
	}
	return nil
}
