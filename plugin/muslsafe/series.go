package muslsafe

import (
	"context"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/plugin/metadata"
	"github.com/coredns/coredns/plugin/metrics"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/prometheus/client_golang/prometheus"
)

// metadataFix is the label under which other plugins find the name of the fix that was applied.
const metadataFix = pluginName + "/fix"

// seriesKey is a server and a view of the Corefile. Each combination has its own series.
type seriesKey struct{ server, view string }

// series are the metrics of one server and view. They are kept, because looking one up costs more than counting.
type series struct {
	seriesKey
	queries    [numDecisions]prometheus.Counter
	fixes      [verdict.NumFixes]prometheus.Counter
	fixNames   [verdict.NumFixes]metadata.Func // kept, as a new one would be made for each query
	silentA    prometheus.Counter
	silentAAAA prometheus.Counter
	inFlight   prometheus.Gauge
	results    [verdict.NumOutcomes]prometheus.Counter
	duration   prometheus.Observer
	pairs      func() (musl, other prometheus.Counter) // made when clients are counted
}

// held has all series. The map is never modified but replaced, so that a query reads it without a lock.
var held struct {
	mu sync.Mutex
	m  atomic.Pointer[map[seriesKey]*series]
}

// seriesOf returns the metrics of the server and the view that serve ctx.
func seriesOf(ctx context.Context) *series {
	key := seriesKey{metrics.WithServer(ctx), metrics.WithView(ctx)}
	if m := held.m.Load(); m != nil {
		if s := (*m)[key]; s != nil {
			return s
		}
	}
	return holdSeries(key)
}

// holdSeries makes the series of a server and a view, unless another goroutine just did.
func holdSeries(key seriesKey) *series {
	held.mu.Lock()
	defer held.mu.Unlock()
	m := map[seriesKey]*series{}
	if old := held.m.Load(); old != nil {
		if s := (*old)[key]; s != nil {
			return s
		}
		maps.Copy(m, *old)
	}
	m[key] = newSeries(key)
	held.m.Store(&m)
	return m[key]
}

// newSeries makes all series, at zero, so that a rate has a start.
func newSeries(key seriesKey) *series {
	s := &series{
		seriesKey:  key,
		silentA:    silencesTotal.WithLabelValues(key.server, key.view, "A"),
		silentAAAA: silencesTotal.WithLabelValues(key.server, key.view, "AAAA"),
		inFlight:   lookupsInFlight.WithLabelValues(key.server, key.view),
		duration:   subqueryDuration.WithLabelValues(key.server, key.view),
		pairs: sync.OnceValues(func() (musl, other prometheus.Counter) {
			return pairsTotal.WithLabelValues(key.server, key.view, "musl"), pairsTotal.WithLabelValues(key.server, key.view, "other")
		}),
	}
	for d := range numDecisions {
		s.queries[d] = queriesTotal.WithLabelValues(key.server, key.view, d.String())
	}
	for f := verdict.None + 1; f < verdict.NumFixes; f++ {
		s.fixes[f] = fixesTotal.WithLabelValues(key.server, key.view, f.String())
		s.fixNames[f] = f.String
	}
	for o := verdict.Failed; o < verdict.NumOutcomes; o++ {
		s.results[o] = subqueriesTotal.WithLabelValues(key.server, key.view, o.String())
	}
	return s
}

// record counts the decision on a query. A fix leaves its name in the query's metadata.
func (s *series) record(ctx context.Context, f verdict.Fix) {
	if f == verdict.None {
		s.queries[passed].Inc()
		return
	}
	s.queries[fixed].Inc()
	s.fixes[f].Inc()
	metadata.SetValueFunc(ctx, metadataFix, s.fixNames[f])
}

// Sent implements [lookup.Counts].
func (s *series) Sent() { s.inFlight.Inc() }

// Answered implements [lookup.Counts].
func (s *series) Answered(x *lookup.Exchange) {
	s.inFlight.Dec()
	if x.IsSubquery {
		s.results[x.Half.Outcome].Inc()
		s.duration.Observe(time.Since(x.Began).Seconds())
	}
}

// silent counts a half that was not answered in time.
func (s *series) silent(qtype uint16) {
	if qtype == dns.TypeA {
		s.silentA.Inc()
		return
	}
	s.silentAAAA.Inc()
}
