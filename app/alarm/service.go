package alarm

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"latchkey/app/audit"
	"latchkey/app/consumer"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Service keeps the alarms of tenants and raises them. It is the sender of its kind for the
// worker of package notify.
type Service struct {
	DB        *store.DB
	Secrets   secret.Source
	Consumers *consumer.Service
	Log       *slog.Logger

	mu     sync.Mutex
	looked time.Time // at the conditions, by this process
}

// Alarm is one as it stands.
type Alarm struct {
	TenantID, ID   string
	Rule           string
	AboutKind      string
	AboutID        string
	Test           bool
	Count          int64
	FirstAt        time.Time
	LastAt         time.Time
	NextN          int64 // place in the tree behind the last event of it
	RaisedAt       time.Time
	AcknowledgedAt *time.Time // nil: it is open
	AcknowledgedBy string     // id
	Note           string
}

// About is whom or what it is about.
func (a Alarm) About() audit.Party { return audit.Party{Kind: a.AboutKind, ID: a.AboutID} }

// IsAbout says whether it is about a user.
func (a Alarm) IsAbout(userID string) bool {
	return (a.AboutKind == audit.KindUser || a.AboutKind == audit.KindOperator) && a.AboutID == userID
}

// How many alarms a page lists.
const (
	OpenShown         = 100
	acknowledgedShown = 50
)

const selected = `SELECT a.tenant_id, a.id, a.rule, a.about_kind, a.about_id, a.test, a.count, a.first_at, a.last_at, a.next_n, a.raised_at, a.acknowledged_at, a.acknowledged_by, a.note FROM alarms a WHERE a.tenant_id = ?`

// Lists gives the open alarms of a tenant and those that were acknowledged last, the newest
// first.
func (s *Service) Lists(ctx context.Context, tenantID string) (open, acknowledged []Alarm, err error) {
	tx := s.DB.View(ctx)
	if err := tx.All(&open, selected+" AND a.acknowledged_at IS NULL ORDER BY a.raised_at DESC, a.id LIMIT ?", tenantID, OpenShown); err != nil {
		return nil, nil, store.Unusable(err)
	}
	err = tx.All(&acknowledged, selected+" AND a.acknowledged_at IS NOT NULL ORDER BY a.acknowledged_at DESC, a.id LIMIT ?", tenantID, acknowledgedShown)
	return open, acknowledged, store.Unusable(err)
}

// Open counts the open alarms of a tenant, as many as a page lists at most.
func (s *Service) Open(ctx context.Context, tenantID string) (n int, err error) {
	_, err = s.DB.View(ctx).One(&n, "SELECT count(*) FROM (SELECT 1 FROM alarms WHERE tenant_id = ? AND acknowledged_at IS NULL LIMIT ?) counted", tenantID, OpenShown)
	return n, store.Unusable(err)
}

// Find gives one. None is fault.NotFound.
func (s *Service) Find(ctx context.Context, tenantID, id string) (a Alarm, err error) {
	found, err := s.DB.View(ctx).One(&a, selected+" AND a.id = ?", tenantID, id)
	if err == nil && !found {
		return a, notFound()
	}
	return a, store.Unusable(err)
}
