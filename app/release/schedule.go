package release

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// scheduleMost is how far ahead a change may lie, and last.
const scheduleMost = 366 * 24 * time.Hour

// States of a schedule.
const (
	waits = "waits" // for its time
	holds = "holds" // until its end
)

// Why a change that was scheduled is not made. Add, never rename.
const (
	DropChanged   = "changed"   // the feature has another version than the one that it was made from
	DropOperators = "operators" // no operator could sign in afterwards
	DropMaker     = "maker"     // who made it is no operator any more
)

// Times are when a change begins and ends: nil is at once, and never.
type Times struct{ Starts, Ends *time.Time }

func (t Times) none() bool { return t.Starts == nil && t.Ends == nil }

// Scheduled is the change of a release that waits for its time, or that ends by itself.
type Scheduled struct {
	ID     string
	Waits  bool           // else it holds, until At
	Cells  []feature.Cell // that come, or hold
	Before []feature.Cell // that come back
	At     time.Time      // of what happens next
	EndsAt *time.Time     // nil: never
	Reason string
	By     string // sign-in name
}

type scheduleRow struct {
	Feature, ID, State, Cells, Before, Reason, MadeBy, By string
	Version                                               int
	At                                                    time.Time
	EndsAt                                                *time.Time
}

const scheduleColumns = "feature, id, state, cells, before, version, at, ends_at, reason, made_by"

func (r scheduleRow) scheduled() (s Scheduled, err error) {
	s = Scheduled{ID: r.ID, Waits: r.State == waits, At: r.At, EndsAt: r.EndsAt, Reason: r.Reason, By: r.By}
	return s, errors.Join(json.Unmarshal([]byte(r.Cells), &s.Cells), json.Unmarshal([]byte(r.Before), &s.Before))
}

// scheduleOf gives what waits for its time; nil: nothing.
func scheduleOf(tx *store.Tx, f feature.Feature) (*Scheduled, error) {
	var r scheduleRow
	found, err := tx.One(&r, "SELECT s.feature, s.id, s.state, s.cells, s.before, s.at, s.ends_at, s.reason, COALESCE(u.name, '') AS by FROM release_schedules s LEFT JOIN users u ON u.tenant_id = ? AND u.id = s.made_by WHERE s.feature = ?", access.Platform, f)
	if err != nil || !found {
		return nil, err
	}
	s, err := r.scheduled()
	return &s, err
}

// ChangeAt sets the shares of a feature from a time on, and as they are now again from
// another one. It fails as Change does, with fault.Invalid when a time is none that lies
// ahead, and with fault.Conflict when something waits already.
func (s *Service) ChangeAt(ctx context.Context, act Act, cells []feature.Cell, at Times) error {
	kept, wrong := checked(cells)
	now := s.DB.Now()
	from := now
	if at.Starts != nil {
		if from = *at.Starts; !from.After(now) || from.After(now.Add(scheduleMost)) {
			wrong["starts_at"] = "release.starts_at"
		}
	}
	if at.Ends != nil && (!at.Ends.After(from) || at.Ends.After(from.Add(scheduleMost))) {
		wrong["ends_at"] = "release.ends_at"
	}
	return s.act(ctx, act, wrong, audit.ReleaseChanged, at, func(was Rule) Rule { return Rule{Stopped: was.Stopped, Cells: kept} })
}

// schedule stores, in the act tx, a rule for later, or the end of one that is about to be
// put, and says whether it waits.
func (s *Service) schedule(tx *store.Tx, act Act, was Released, is Rule, at Times) (waiting bool, err error) {
	r := scheduleRow{Feature: string(act.Feature), ID: secret.System.ID(), State: waits, Version: was.Version, EndsAt: at.Ends, Reason: act.Reason, MadeBy: act.By.ID}
	if at.Starts != nil {
		r.At = *at.Starts
	} else {
		r.State, r.Version, r.At = holds, was.Version+1, *at.Ends
	}
	if err := s.insert(tx, r, is.Cells, was.Rule.Cells); err != nil {
		return false, err
	}
	return r.State == waits, record(tx, r, act, audit.ReleaseScheduled, map[string]string{"at": r.At.UTC().Format(time.RFC3339)})
}

func (s *Service) insert(tx *store.Tx, r scheduleRow, cells, before []feature.Cell) error {
	texts := [2]string{}
	for i, list := range [][]feature.Cell{cells, before} {
		text, err := json.Marshal(list)
		if err != nil {
			return err
		}
		texts[i] = string(text)
	}
	return tx.Change(fault.New(fault.Conflict, "release.scheduled"), "INSERT INTO release_schedules ("+scheduleColumns+", made_at) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
		r.Feature, r.ID, r.State, texts[0], texts[1], r.Version, r.At, r.EndsAt, r.Reason, r.MadeBy, tx.Now)
}

func record(tx *store.Tx, r scheduleRow, act Act, action audit.Action, details map[string]string) error {
	e := audit.Event{
		TenantID: access.Platform, Action: action, Reason: act.Reason, Actor: act.By, Target: audit.Party{Kind: audit.KindRelease, ID: r.Feature}, Subject: subject(act.By),
		Thread: "release " + r.Feature, Origin: act.From, Details: map[string]string{"feature": r.Feature, "state": r.State},
	}
	if action == audit.ReleaseDropped {
		e.Outcome = audit.Failure
	}
	for name, value := range details {
		e.Details[name] = value
	}
	return audit.Record(tx, e)
}

// Unschedule takes back what waits for its time: fault.NotFound when it does not any
// more.
func (s *Service) Unschedule(ctx context.Context, act Act, id string) error {
	if !act.reasoned() {
		return fault.Wrong("form.wrong", map[string]string{"reason": "operator.reason_form"})
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		var r scheduleRow
		found, err := tx.One(&r, "DELETE FROM release_schedules WHERE feature = ? AND id = ? RETURNING "+scheduleColumns, act.Feature, id)
		if err == nil && !found {
			err = none()
		}
		if err != nil {
			return err
		}
		return record(tx, r, act, audit.ReleaseUnscheduled, nil)
	})
}

// overtaken drops, in the act tx of a change by hand, what waited for its time: it was
// made from another version.
func overtaken(tx *store.Tx, act Act) error {
	var r scheduleRow
	found, err := tx.One(&r, "DELETE FROM release_schedules WHERE feature = ? RETURNING "+scheduleColumns, act.Feature)
	if err != nil || !found {
		return err
	}
	return dropped(tx, r, act, DropChanged)
}

func dropped(tx *store.Tx, r scheduleRow, act Act, cause string) error {
	if err := notify.TellRole(tx, access.Platform, access.RoleOperator, notify.Notice{Action: audit.ReleaseDropped, Reason: act.Reason, Detail: r.Feature + " " + cause}); err != nil {
		return err
	}
	return record(tx, r, act, audit.ReleaseDropped, map[string]string{"cause": cause})
}

const dueMost = 50 // in one sweep

// errAnother says that a replica was there first.
var errAnother = errors.New("release: another replica was there first")

// Due carries out what was scheduled for now or before. Any replica may run it; each
// falls to one. What cannot be made any more is dropped, and the operators are told. A
// feature that this program does not know is left to one that does.
func (s *Service) Due(ctx context.Context) error {
	var due []scheduleRow
	if err := s.DB.View(ctx).All(&due, "SELECT "+scheduleColumns+" FROM release_schedules WHERE at <= ? AND feature IN ? ORDER BY at LIMIT ?", s.DB.Now(), feature.All.Features(), dueMost); err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, r := range due {
		all = errors.Join(all, s.carryOut(ctx, r))
	}
	return all
}

func (s *Service) carryOut(ctx context.Context, r scheduleRow) error {
	const condition = " WHERE feature = ? AND (id = ? AND state = ? AND at <= ?) IS TRUE"
	waiting, err := r.scheduled()
	if err != nil {
		return err
	}
	e, ok := feature.Find(feature.Feature(r.Feature))
	if !ok {
		return none()
	}
	cause := ""
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		cause = ""
		values := []any{r.Feature, r.ID, r.State, tx.Now}
		cells, statement := waiting.Cells, "DELETE FROM release_schedules"+condition
		switch {
		case !waiting.Waits:
			cells = waiting.Before
		case waiting.EndsAt != nil:
			statement = "UPDATE release_schedules SET state = 'holds', version = version + 1, at = ends_at" + condition
		}
		if err := tx.Change(errAnother, statement, values...); err != nil {
			return err
		}
		was, err := of(tx, e)
		if err != nil {
			return err
		}
		is := Rule{Stopped: was.Rule.Stopped, Cells: cells}
		if was.Version != r.Version || len(difference(was.Rule, is)) == 0 {
			cause = DropChanged
			return changed()
		}
		if waiting.Waits {
			ids, err := operators(tx)
			if err != nil {
				return err
			}
			if !slices.Contains(ids, r.MadeBy) {
				cause = DropMaker
				return changed()
			}
		}
		cause = DropOperators
		if err := s.put(tx, was, is, Act{Feature: e.Feature, Reason: r.Reason, By: audit.Service}, audit.ReleaseChanged); err != nil {
			return err
		}
		return notify.TellRole(tx, access.Platform, access.RoleOperator, notify.Notice{Action: audit.ReleaseChanged, Detail: r.Feature})
	})
	f := fault.Of(err)
	switch {
	case errors.Is(err, errAnother):
		return nil
	case err == nil:
		s.Hub.Ring(Key)
		return nil
	case f == nil || f.Kind != fault.Conflict:
		return err
	case f.Code == "release.changed" && cause == DropOperators:
		cause = DropChanged // somebody was there between the look and the change
	}
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		if err := tx.Change(errAnother, "DELETE FROM release_schedules"+condition, r.Feature, r.ID, r.State, tx.Now); err != nil {
			return err
		}
		return dropped(tx, r, Act{Feature: e.Feature, By: audit.Service}, cause)
	})
	if errors.Is(err, errAnother) {
		return nil
	}
	return err
}
