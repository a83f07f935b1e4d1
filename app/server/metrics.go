package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"latchkey/app/decision"
	"latchkey/app/store"
	"latchkey/app/wake"
	"latchkey/app/web"
)

// metrics are figures for Prometheus, on a listener of their own. They name
// routes and statuses, and nobody.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	took     prometheus.Histogram
}

func newMetrics(db *store.DB, streams *web.Streams, hub *wake.Hub, decisions *decision.Live) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "latchkey_requests_total", Help: "Requests by route and status."}, []string{"route", "status"}),
		took:     prometheus.NewHistogram(prometheus.HistogramOpts{Name: "latchkey_request_seconds", Help: "How long requests took.", Buckets: prometheus.ExponentialBuckets(0.0005, 2, 14)}),
	}
	m.registry.MustRegister(m.requests, m.took, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "latchkey_streams_open", Help: "Open event streams."}, func() float64 { return float64(streams.Open()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "latchkey_waiters", Help: "Those who wait for something."}, func() float64 { return float64(hub.Waiting()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "latchkey_decisions_differing_total", Help: "Decisions about sign-ins in which the rule and the statement that redeems it did not agree. Each is a defect."}, func() float64 { return float64(decisions.Differences()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "latchkey_durable_commits_total", Help: "Acts committed to the database."}, func() float64 { return float64(db.DurableCommits()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "latchkey_database_connections_in_use", Help: "Connections to the database that somebody holds."}, func() float64 { return float64(db.InUse()) }))
	return m
}

func (m *metrics) observe(route string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.took.Observe(took.Seconds())
}

func (m *metrics) serve(ctx context.Context, address string, log *slog.Logger) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Addr: address, Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.ListenAndServe(); err != nil && !errors.Is(err, http.ErrServerClosed) {
		log.Error("metrics", "error", err)
	}
}
