package export

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/eventform"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/trail"
	"latchkey/app/wake"
)

// State of an export. Add, never rename.
type State string

const (
	Draft   State = "draft" // it waits to be asked for, and approved
	Running State = "running"
	Done    State = "done"
	Failed  State = "failed"
)

// Limits of exports (product.md §9).
const (
	AloneMost   = 10_000 // rows, without a second person
	LinkLife    = 10 * time.Minute
	Life        = 24 * time.Hour // of a file
	runningMost = 3              // of a tenant at once
	countWait   = 3 * time.Second
	shown       = 20
)

// KindExport is the act of exporting more than one person may.
const KindExport approval.Kind = "audit.export"

// Export is one, as it stands.
type Export struct {
	TenantID, ID string
	State        State
	Form         eventform.Form
	Query        string
	Many         bool
	ApprovedBy   string
	Done, Size   int64
	Digest       string
	LinkUntil    *time.Time
	FetchedAt    *time.Time
	CreatedBy    string // id
	CreatedName  string
	CreatedAt    time.Time
	EndedAt      *time.Time
}

// Asked is what was asked for.
func (e Export) Asked() (q trail.Query, err error) {
	err = json.Unmarshal([]byte(e.Query), &q)
	return q, err
}

// Service begins, writes and hands over exports.
type Service struct {
	DB      *store.DB
	Rules   *access.Rules
	Trail   *trail.Service
	Secrets secret.Source
	Log     *slog.Logger

	errand wake.Errand // see Run
}

// New makes the service of a process.
func New(db *store.DB, rules *access.Rules, trails *trail.Service, log *slog.Logger) *Service {
	return &Service{DB: db, Rules: rules, Trail: trails, Secrets: secret.System, Log: log, errand: wake.NewErrand()}
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindExport: s.plan}
}

// Begin begins an export of what somebody sees, and gives its id. One of more than
// AloneMost rows, or of more than can be counted in countWait, is a draft: it has to be
// submitted as an act. It fails with fault.Invalid
// for a form or an outcome that is none, and with fault.Conflict when too many are under way.
func (s *Service) Begin(ctx context.Context, who access.Standing, f eventform.Form, q trail.Query, from audit.Origin) (id string, err error) {
	now := s.DB.Now()
	if !f.Known() {
		return "", fault.Wrong("form.wrong", map[string]string{"format": "export.format_form"})
	}
	if q.Outcome != "" && !slices.Contains(audit.Outcomes, q.Outcome) {
		return "", fault.Wrong("form.wrong", map[string]string{"outcome": "export.outcome_form"})
	}
	if q.To.IsZero() || q.To.After(now) {
		q.To = now
	}
	text, err := json.Marshal(q)
	if err != nil {
		return "", err
	}
	counting, stop := context.WithTimeout(ctx, countWait)
	n, err := s.Trail.Count(counting, trail.SightOf(who, now), q, AloneMost)
	tooLong := counting.Err() != nil && ctx.Err() == nil
	stop()
	if err != nil && !tooLong {
		return "", err
	}
	state, many := Running, tooLong || n > AloneMost
	if many {
		state = Draft
	}
	id = s.Secrets.ID()
	return id, s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "export.too_many"), `INSERT INTO audit_exports (tenant_id, id, state, form, query, many, created_by, created_at)
			SELECT CAST(? AS text),?,?,?,?,?,?,? WHERE (SELECT count(*) FROM audit_exports WHERE tenant_id = ? AND state = 'running') < ?`,
			who.TenantID, id, state, f, string(text), many, who.UserID, tx.Now, who.TenantID, runningMost)
		if err != nil {
			return err
		}
		tx.After(s.Hurry)
		begun := event(audit.ExportBegun, who.TenantID, id, who.UserID, from, map[string]string{"format": string(f), "four_eyes": strconv.FormatBool(many)})
		if err := trail.SightOf(who, now).Say(tx, q, &begun); err != nil {
			return err
		}
		return audit.Record(tx, begun)
	})
}

// Act is what the act of exporting many rows is about: exactly the draft.
type Act struct {
	Export string `json:"export"`
}

// plan plans to write a draft.
func (s *Service) plan(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var a Act
	if err := act.Read(&a); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.AuditExport, Loosens: true}}, Approves: access.AuditExport}
	e, err := find(tx, act.TenantID, a.Export)
	if err != nil {
		plan.Wrong, err = approval.Wrongly(err)
		return plan, err
	}
	if e.State != Draft || e.CreatedBy != act.ActorID || !tx.Now.Before(e.CreatedAt.Add(Life)) {
		plan.Wrong = fault.New(fault.Conflict, "export.decided")
	}
	q, err := e.Asked()
	if err != nil {
		return plan, err
	}
	said := func(field, value string) {
		if value != "" {
			plan.Difference = append(plan.Difference, approval.Change{Field: field, After: value})
		}
	}
	said("export_format", string(e.Form))
	if !q.From.IsZero() {
		said("export_from", q.From.UTC().Format(time.RFC3339))
	}
	said("export_to", q.To.UTC().Format(time.RFC3339))
	for _, part := range [][2]string{{"export_actor", q.Actor}, {"export_target", q.Target}, {"export_action", q.Action}, {"export_outcome", string(q.Outcome)}, {"export_thread", q.Thread}, {"export_by", q.By}, {"export_words", q.Text}} {
		said(part[0], part[1])
	}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "export.decided"), "UPDATE audit_exports SET state = 'running', approved_by = ? WHERE tenant_id = ? AND id = ? AND state = 'draft' AND created_by = ?", act.ApprovedBy, act.TenantID, e.ID, act.ActorID)
		if err != nil {
			return err
		}
		tx.After(s.Hurry)
		done := act.Event(audit.ExportApproved)
		done.Target, done.Thread = audit.Party{Kind: audit.KindExport, ID: e.ID}, e.ID
		return audit.Record(tx, done)
	}
	return plan, nil
}

const selected = `SELECT x.tenant_id, x.id, x.state, x.form, x.query, x.many, x.approved_by, x.done, x.size, x.digest, x.link_until, x.fetched_at, x.created_by, COALESCE(u.name, '') AS created_name, x.created_at, x.ended_at
	FROM audit_exports x LEFT JOIN users u ON u.tenant_id = x.tenant_id AND u.id = x.created_by WHERE x.tenant_id = ?`

func find(tx *store.Tx, tenantID, id string) (e Export, err error) {
	found, err := tx.One(&e, selected+" AND x.id = ?", tenantID, id)
	if err == nil && !found {
		err = notFound()
	}
	return e, err
}

// seen is which exports somebody finds: how many rows one has tells of the rows. Who sees all
// of the audit finds those of others, anybody else their own.
func seen(who access.Standing) (condition string, values []any) {
	if people.TellingFor(who) == people.Everything {
		return "", nil
	}
	return " AND x.created_by = ?", []any{who.UserID}
}

// Find gives an export that somebody may find; any other is fault.NotFound.
func (s *Service) Find(ctx context.Context, who access.Standing, id string) (e Export, err error) {
	which, values := seen(who)
	found, err := s.DB.View(ctx).One(&e, selected+" AND x.id = ?"+which, append([]any{who.TenantID, id}, values...)...)
	if err == nil && !found {
		err = notFound()
	}
	return e, store.Unusable(err)
}

// List gives the newest exports that somebody may find.
func (s *Service) List(ctx context.Context, who access.Standing) (all []Export, err error) {
	which, values := seen(who)
	err = s.DB.View(ctx).All(&all, selected+which+" ORDER BY x.created_at DESC, x.id LIMIT ?", append(append([]any{who.TenantID}, values...), shown)...)
	return all, store.Unusable(err)
}

// Link makes a link to a file, which works once and for LinkLife, for who began it. One of
// before works no more.
func (s *Service) Link(ctx context.Context, tenantID, id, userID string, from audit.Origin) (made secret.Token, err error) {
	if _, err := find(s.DB.View(ctx), tenantID, id); err != nil {
		return made, store.Unusable(err)
	}
	made = s.Secrets.Token()
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "export.not_there"), "UPDATE audit_exports SET link = ?, link_until = ?, fetched_at = NULL WHERE tenant_id = ? AND id = ? AND state = 'done' AND created_by = ? AND created_at > ?",
			secret.Digest(made.Reveal()), tx.Now.Add(LinkLife), tenantID, id, userID, tx.Now.Add(-Life))
		if err != nil {
			return err
		}
		return audit.Record(tx, event(audit.ExportLinkMade, tenantID, id, userID, from, nil))
	})
	if err != nil {
		return secret.Token{}, err
	}
	return made, nil
}

// Fits says whether a text is the key of the link that works now.
func (s *Service) Fits(ctx context.Context, tenantID, id, userID, key string) (is bool, err error) {
	var n int
	_, err = s.DB.View(ctx).One(&n, "SELECT count(*) FROM audit_exports WHERE tenant_id = ? AND id = ? AND link = ? AND link <> '' AND link_until > ? AND created_by = ?", tenantID, id, secret.Digest(key), s.DB.Now(), userID)
	return n == 1, store.Unusable(err)
}

// Fetch spends a link, and gives the export, whose parts Each then gives. A link that was
// used, is too old, or of somebody else is fault.NotFound.
func (s *Service) Fetch(ctx context.Context, tenantID, id, userID, key string, from audit.Origin) (e Export, err error) {
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		err := tx.Change(notFound(), "UPDATE audit_exports SET link = '', fetched_at = ? WHERE tenant_id = ? AND id = ? AND link = ? AND link <> '' AND link_until > ? AND state = 'done' AND created_by = ? AND created_at > ?",
			tx.Now, tenantID, id, secret.Digest(key), tx.Now, userID, tx.Now.Add(-Life))
		if err != nil {
			return err
		}
		if e, err = find(tx, tenantID, id); err != nil {
			return err
		}
		return audit.Record(tx, event(audit.ExportFetched, tenantID, id, userID, from, map[string]string{"rows": strconv.FormatInt(e.Done, 10), "digest": e.Digest}))
	})
	return e, err
}

// Each gives the parts of a file in their order, one at a time.
func (s *Service) Each(ctx context.Context, e Export, do func(part []byte) error) error {
	tx := s.DB.View(ctx)
	for n := 0; ; n++ {
		var part struct{ Body []byte }
		found, err := tx.One(&part, "SELECT body FROM audit_export_parts WHERE tenant_id = ? AND export_id = ? AND n = ?", e.TenantID, e.ID, n)
		if err != nil || !found {
			return store.Unusable(err)
		}
		if err := do(part.Body); err != nil {
			return err
		}
	}
}

// Forget deletes files that are a day old.
func Forget(ctx context.Context, db *store.DB) error {
	_, err := db.CountOne(ctx, "DELETE FROM audit_exports WHERE created_at < ?", db.Now().Add(-Life))
	return err
}

func notFound() error { return fault.New(fault.NotFound, "http.not_found") }

func event(action audit.Action, tenantID, id, userID string, from audit.Origin, details map[string]string) audit.Event {
	return audit.Event{TenantID: tenantID, Action: action, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindExport, ID: id}, Thread: id, Origin: from, Details: details}
}
