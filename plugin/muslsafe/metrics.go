package muslsafe

import (
	"github.com/coredns/coredns/plugin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// The values of all labels are closed lists: the servers and views of the Corefile, and constants of this package.
// Query names and client addresses are never among them.
var (
	queriesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "queries_total",
		Help:      "Counter of client queries by decision.",
	}, []string{"server", "view", "decision"})

	fixesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "fixes_total",
		Help:      "Counter of answers that a fix changed, or with report would have changed.",
	}, []string{"server", "view", "fix"})

	silencesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "silences_total",
		Help:      "Counter of halves of a pair that counted as failed because no answer came in time, by type.",
	}, []string{"server", "view", "type"})

	lookupsInFlight = promauto.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "lookups_in_flight",
		Help:      "Gauge of queries that muslsafe has sent to the next plugins and that are not answered yet, those of clients included.",
	}, []string{"server", "view"})

	subqueriesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "subqueries_total",
		Help:      "Counter of queries that muslsafe sent on its own, repeated questions and random names included, by result.",
	}, []string{"server", "view", "result"})

	subqueryDuration = promauto.NewHistogramVec(prometheus.HistogramOpts{
		Namespace:                   plugin.Namespace,
		Subsystem:                   pluginName,
		Name:                        "subquery_duration_seconds",
		Buckets:                     plugin.TimeBuckets,
		NativeHistogramBucketFactor: plugin.NativeHistogramBucketFactor,
		Help:                        "Histogram of the time until a query that muslsafe sent on its own was answered.",
	}, []string{"server", "view"})

	pairsTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "pairs_total",
		Help:      "Counter of pairs of A and AAAA from one socket, by the C library that probably sent them.",
	}, []string{"server", "view", "libc"})
)

// decision is what muslsafe does with a query of a client.
type decision uint8

const (
	untouched  decision = iota // not looked at: DO or CD, another class, several questions, a name outside the zones
	passed                     // nothing is known to be wrong with its answer
	fixed                      // its answer was changed, or with report would have been
	overloaded                 // not judged, because too many lookups are in flight
	numDecisions
)

var decisionNames = [numDecisions]string{untouched: "untouched", passed: "passed", fixed: "fixed", overloaded: "overloaded"}

func (d decision) String() string { return decisionNames[d] }
