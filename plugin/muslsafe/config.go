package muslsafe

import (
	"fmt"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

const (
	defaultResolv = "/etc/resolv.conf" // a CoreDNS pod with dnsPolicy: Default has that of its node
	defaultTTL    = 30                 // seconds
	maxTTL        = 3600               // seconds
)

// config is the configuration of one muslsafe in a Corefile: validated, complete and never modified.
type config struct {
	zones    []names.Domain // names outside them pass untouched; nil: the zones of the server block
	except   []names.Domain // names at and below them pass untouched
	suffixes *names.Suffixes
	from     string // where the node's suffixes come from, for the log
	fixes    verdict.Fixes
	ttl      uint32 // of synthesized negative answers, in seconds
	report   bool   // decide and count, change nothing
	clients  bool   // count pairs by the client's library
}

func newConfig() *config {
	return &config{ttl: defaultTTL, fixes: verdict.ByDefault(), suffixes: names.New([]names.Domain{names.DefaultCluster}, nil, nil)}
}

// covers reports whether muslsafe may act on name, in lower case.
func (cfg *config) covers(name string) bool {
	if cfg.zones != nil && !names.AnyContains(cfg.zones, name) {
		return false
	}
	return !names.AnyContains(cfg.except, name)
}

// derives reports whether the answer to qtype follows from the other half, as that to AAAA does with ipv4only.
func (cfg *config) derives(qtype uint16) bool {
	return cfg.fixes[verdict.IPv4Only] && qtype == dns.TypeAAAA
}

// String describes the configuration in force, for the one line that is logged at start-up.
func (cfg *config) String() string {
	mode := "fixes"
	if cfg.report {
		mode = "report only"
	}
	return fmt.Sprintf("cluster domains %v; search domains %v from %s; %s %v", cfg.suffixes.Cluster(), cfg.suffixes.Search(), cfg.from, mode, cfg.fixes.Names())
}
