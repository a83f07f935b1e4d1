package retention

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/checkpoint"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Acts of this package.
const (
	KindChange  approval.Kind = "retention.change"
	KindHold    approval.Kind = "retention.hold"
	KindRelease approval.Kind = "retention.release"
)

// Bounds of the months of a class.
const (
	Ever                = 0
	SignInsLeast        = 3
	AdministrationLeast = 13
	Most                = 240
)

// GraceLife is how long nothing is dropped after something is to be kept for less time.
const GraceLife = 24 * time.Hour

// Service keeps what tenants say, and drops what is due.
type Service struct {
	DB          *store.DB
	Checkpoints *checkpoint.Service
	Secrets     secret.Source
	Folder      string // of archives
	Host        string // of this replica, which has them
	Log         *slog.Logger
	PartMost    int // events in one archive and one transaction; 0: as many as suit

	errand wake.Errand  // see Run
	tidyAt atomic.Int64 // when this process looks for empty partitions again, in nanoseconds
}

// New makes the service of a process.
func New(db *store.DB, checkpoints *checkpoint.Service, folder, host string, log *slog.Logger) *Service {
	return &Service{DB: db, Checkpoints: checkpoints, Secrets: secret.System, Folder: folder, Host: host, Log: log, errand: wake.NewErrand()}
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindChange: s.change, KindHold: s.hold, KindRelease: s.release}
}

// Months are for how many months each class is kept.
type Months struct {
	SignIns        int `json:"signins"`
	Administration int `json:"administration"`
}

// Of gives those of a class. Evidence is kept for ever, whatever anybody says.
func (m Months) Of(class audit.Keeping) int {
	switch class {
	case audit.KeepSignIns:
		return m.SignIns
	case audit.KeepAdministration:
		return m.Administration
	}
	return Ever
}

// Droppable are the classes of which anything is ever dropped.
var Droppable = []audit.Keeping{audit.KeepSignIns, audit.KeepAdministration}

// wrong gives the fields that break a bound.
func (m Months) wrong() map[string]string {
	wrong := map[string]string{}
	for _, f := range []struct {
		field         string
		months, least int
		code          string
	}{{"signins", m.SignIns, SignInsLeast, "retention.signins_form"}, {"administration", m.Administration, AdministrationLeast, "retention.administration_form"}} {
		if f.months != Ever && (f.months < f.least || f.months > Most) {
			wrong[f.field] = f.code
		}
	}
	return wrong
}

// shorter says whether a class is kept for less time than by was.
func (m Months) shorter(was Months) bool {
	for _, class := range Droppable {
		is, before := m.Of(class), was.Of(class)
		if is != Ever && (before == Ever || is < before) {
			return true
		}
	}
	return false
}

// Due is when the month of a class may be dropped; zero: never.
func (m Months) Due(class audit.Keeping, month time.Time) time.Time {
	if m.Of(class) == Ever {
		return time.Time{}
	}
	return month.AddDate(0, 1+m.Of(class), 0)
}

// Keeping is what a tenant says.
type Keeping struct {
	Months
	Holds     int // that stand
	Version   int // 0: nobody has said anything
	ChangedAt *time.Time
	ChangedBy string    // id
	DueAt     time.Time // nothing is dropped before; zero: there is nothing to drop
	Fault     string    // why what is due was not dropped; see the faults
}

func keepingOf(tx *store.Tx, tenantID string) (k Keeping, err error) {
	var r struct {
		Signins, Administration, Holds, Version int
		ChangedAt                               *time.Time
		ChangedBy, Fault                        string
		DueAt                                   time.Time
	}
	_, err = tx.One(&r, "SELECT signins, administration, holds, version, changed_at, changed_by, due_at, fault FROM audit_keeping WHERE tenant_id = ?", tenantID)
	return Keeping{Months{r.Signins, r.Administration}, r.Holds, r.Version, r.ChangedAt, r.ChangedBy, r.DueAt, r.Fault}, err
}

// Of gives what a tenant says.
func (s *Service) Of(ctx context.Context, tenantID string) (Keeping, error) {
	k, err := keepingOf(s.DB.View(ctx), tenantID)
	return k, store.Unusable(err)
}

// Change is the act of saying for how long each class is kept.
type Change struct {
	Months
	Version int `json:"version"`
}

func meanwhile() error { return fault.New(fault.Conflict, "retention.meanwhile") }

// change plans to keep classes for other times.
func (s *Service) change(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var next Change
	if err := act.Read(&next); err != nil {
		return approval.Plan{}, err
	}
	was, err := keepingOf(tx, act.TenantID)
	if err != nil {
		return approval.Plan{}, err
	}
	shorter := next.shorter(was.Months)
	plan := approval.Plan{Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.IntegrationEdit, Loosens: shorter}}}
	for _, class := range Droppable {
		if before, after := was.Of(class), next.Of(class); before != after {
			plan.Difference = append(plan.Difference, approval.Change{Field: "keep_" + string(class), Before: strconv.Itoa(before), After: strconv.Itoa(after)})
		}
	}
	switch wrong := next.wrong(); {
	case len(wrong) > 0:
		plan.Wrong = fault.Wrong("form.wrong", wrong)
	case next.Version != was.Version:
		plan.Wrong = meanwhile()
	case len(plan.Difference) == 0:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"signins": "retention.same"})
	}
	plan.Do = func(tx *store.Tx) error {
		due := tx.Now
		if shorter {
			due = due.Add(GraceLife)
		}
		if err := ensure(tx, act.TenantID); err != nil {
			return err
		}
		// What was put off by an earlier change stays put off.
		err := tx.Change(meanwhile(), `UPDATE audit_keeping SET signins = ?, administration = ?, version = version + 1, changed_by = ?, changed_at = ?, fault = '',
			due_at = CASE WHEN due_at > ? THEN due_at ELSE ? END WHERE tenant_id = ? AND version = ?`,
			next.SignIns, next.Administration, act.ActorID, tx.Now, due, due, act.TenantID, next.Version)
		if err != nil {
			return err
		}
		tx.After(s.errand.Hurry)
		e := detailed(act.Event(audit.RetentionChanged))
		for _, d := range plan.Difference {
			e.Details[d.Field] = d.Before + " → " + d.After
		}
		return audit.Record(tx, e)
	}
	return plan, nil
}

func detailed(e audit.Event) audit.Event {
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	return e
}

// ensure sees to it that a tenant has its row, whose lock everything here waits for.
func ensure(tx *store.Tx, tenantID string) error {
	return tx.Exec("INSERT INTO audit_keeping (tenant_id, due_at) VALUES (?, ?) ON CONFLICT (tenant_id) DO NOTHING", tenantID, tx.Now).Error
}
