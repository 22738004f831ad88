package muslsafe

import (
	"context"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

var (
	fixesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "fixes_total",
		Help:      "Counter of answers that a fix changed, or with report would have changed.",
	}, []string{"server", "view", "fix"})

	subqueriesTotal = promauto.NewCounterVec(prometheus.CounterOpts{
		Namespace: plugin.Namespace,
		Subsystem: pluginName,
		Name:      "subqueries_total",
		Help:      "Counter of queries that muslsafe sent to the next plugins on its own, by what came back.",
	}, []string{"server", "view", "result"})
)

// metadataFix is the label under which other plugins find the name of the fix that was applied.
const metadataFix = pluginName + "/fix"

// record counts a fix and leaves its name in the metadata of the query.
func record(ctx context.Context, f fix) {
	fixesTotal.WithLabelValues(metrics.WithServer(ctx), metrics.WithView(ctx), f.String()).Inc()
	metadata.SetValueFunc(ctx, metadataFix, f.String)
}

func countSubquery(ctx context.Context, result outcome) {
	subqueriesTotal.WithLabelValues(metrics.WithServer(ctx), metrics.WithView(ctx), result.String()).Inc()
}
