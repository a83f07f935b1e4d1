package replay

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
	"latchkey/app/wake"
)

// States of a replay.
const (
	Running = "running"
	Done    = "done"
	Failed  = "failed"
)

// Limits of a replay.
const (
	DaysMost    = decision.DaysMost
	CountMost   = 5_000_000
	runningMost = 3 // of a tenant at once
	shown       = 20
	Memory      = 180 * 24 * time.Hour // of reports
)

// Service begins, carries out and shows replays.
type Service struct {
	DB  *store.DB
	Log *slog.Logger

	errand wake.Errand // see Run
}

// New makes the service of a process.
func New(db *store.DB, log *slog.Logger) *Service {
	return &Service{DB: db, Log: log, errand: wake.NewErrand()}
}

// Range is which decisions a replay takes: the newest of the last days.
type Range struct{ Days, Most int }

// Replay is one, with what it has found so far.
type Replay struct {
	ID        string
	State     string
	Draft     *decision.Rules
	Base      *decision.Rules // that held when it was begun
	Range     Range
	Total     int
	Done      int
	Tally     Tally
	CreatedBy string // sign-in name
	CreatedAt time.Time
	EndedAt   *time.Time
	Names     map[string]string // of the people in its examples, by id
}

// Same says whether it tried the rules that held.
func (r Replay) Same() bool { return r.Draft.Fingerprint() == r.Base.Fingerprint() }

type row struct {
	TenantID, ID, State, Draft, Base, Tally, CreatedBy string
	Days, Most, Total, Done                            int
	CreatedAt                                          time.Time
	HeldAt, EndedAt                                    *time.Time
}

const columns = "tenant_id, id, state, draft, base, tally, created_by, days, most, total, done, created_at, held_at, ended_at"

func (r row) replay() (out Replay, err error) {
	out = Replay{
		ID: r.ID, State: r.State, Range: Range{r.Days, r.Most}, Total: r.Total, Done: r.Done, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt, EndedAt: r.EndedAt,
	}
	if out.Draft, err = decision.Read(r.Draft); err != nil {
		return out, err
	}
	if out.Base, err = decision.Read(r.Base); err != nil {
		return out, err
	}
	out.Tally, err = r.tally()
	return out, err
}

func (r row) tally() (t Tally, err error) {
	if r.Tally != "" {
		err = json.Unmarshal([]byte(r.Tally), &t)
	}
	if t.Moves == nil {
		t.Moves = map[string]*Move{}
	}
	return t, err
}

// Current gives the rules that hold in a tenant now.
func (s *Service) Current(ctx context.Context, tenantID string) (*decision.Rules, error) {
	rules, err := decision.Load(s.DB.View(ctx), tenantID)
	return rules, store.Unusable(err)
}

// Begin hands a replay of a draft over to whichever replica takes it up, and gives its
// id. Change makes the draft of the rules that hold. A range that is none is
// fault.Invalid, too many at once fault.Conflict.
func (s *Service) Begin(ctx context.Context, tenantID, userID string, of Range, change func(*decision.Rules), from audit.Origin) (string, error) {
	fields := map[string]string{}
	if of.Days < 1 || of.Days > DaysMost {
		fields["days"] = "replay.days"
	}
	if of.Most < 1 || of.Most > CountMost {
		fields["most"] = "replay.most"
	}
	if len(fields) > 0 {
		return "", fault.Wrong("form.wrong", fields)
	}
	id := secret.System.ID()
	return id, s.DB.Act(ctx, func(tx *store.Tx) error {
		var running int
		if _, err := tx.One(&running, "SELECT count(*) FROM replays WHERE tenant_id = ? AND state = ?", tenantID, Running); err != nil {
			return err
		}
		if running >= runningMost {
			return fault.New(fault.Conflict, "replay.too_many")
		}
		base, err := decision.Load(tx, tenantID)
		if err != nil {
			return err
		}
		draft, err := decision.Read(base.Text())
		if err != nil {
			return err
		}
		change(draft)
		if err := tx.Exec("INSERT INTO replays (tenant_id, id, state, draft, base, days, most, created_by, created_at) VALUES (?,?,?,?,?,?,?,?,?)",
			tenantID, id, Running, draft.Text(), base.Text(), of.Days, of.Most, userID, tx.Now).Error; err != nil {
			return err
		}
		tx.After(s.Hurry)
		return audit.Record(tx, audit.Event{
			TenantID: tenantID, Action: audit.ReplayStarted, Actor: audit.User(userID), Target: audit.Party{Kind: audit.KindReplay, ID: id}, Thread: id, Origin: from,
			Details: map[string]string{"days": strconv.Itoa(of.Days), "most": strconv.Itoa(of.Most)},
		})
	})
}

// List gives the newest replays of a tenant.
func (s *Service) List(ctx context.Context, tenantID string) ([]Replay, error) {
	var rows []row
	tx := s.DB.View(ctx)
	if err := tx.All(&rows, "SELECT "+columns+" FROM replays WHERE tenant_id = ? ORDER BY created_at DESC LIMIT ?", tenantID, shown); err != nil {
		return nil, store.Unusable(err)
	}
	all := make([]Replay, len(rows))
	var ids []string
	for i, r := range rows {
		var err error
		if all[i], err = r.replay(); err != nil {
			return nil, err
		}
		ids = append(ids, r.CreatedBy)
	}
	names, err := user.NamesOf(tx, tenantID, ids...)
	for i := range all {
		all[i].CreatedBy = names[all[i].CreatedBy]
	}
	return all, store.Unusable(err)
}

// Defective lists the newest replays of a tenant in which a decision did not come out as
// it was made.
func (s *Service) Defective(ctx context.Context, tenantID string) (all []Replay, err error) {
	newest, err := s.List(ctx, tenantID)
	if err != nil {
		return nil, err
	}
	for _, r := range newest {
		if r.Tally.Defects == 0 {
			continue
		}
		var ids []string
		for _, e := range r.Tally.Odd {
			ids = append(ids, e.UserID)
		}
		if r.Names, err = user.NamesOf(s.DB.View(ctx), tenantID, ids...); err != nil {
			return nil, store.Unusable(err)
		}
		all = append(all, r)
	}
	return all, nil
}

// Find gives a replay of a tenant; any other is fault.NotFound.
func (s *Service) Find(ctx context.Context, tenantID, id string) (Replay, error) {
	tx := s.DB.View(ctx)
	var r row
	ok, err := tx.One(&r, "SELECT "+columns+" FROM replays WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err != nil {
		return Replay{}, store.Unusable(err)
	}
	if !ok {
		return Replay{}, fault.New(fault.NotFound, "http.not_found")
	}
	out, err := r.replay()
	if err != nil {
		return out, err
	}
	ids := []string{r.CreatedBy}
	for _, e := range out.Tally.Odd {
		ids = append(ids, e.UserID)
	}
	for _, m := range out.Tally.Moves {
		for _, e := range m.Examples {
			ids = append(ids, e.UserID)
		}
	}
	if out.Names, err = user.NamesOf(tx, tenantID, ids...); err != nil {
		return out, store.Unusable(err)
	}
	out.CreatedBy = out.Names[r.CreatedBy]
	return out, nil
}
