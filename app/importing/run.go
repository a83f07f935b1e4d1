package importing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
)

// Act is what the act of running a list is about: exactly what was checked.
type Act struct {
	Import string `json:"import"`
	Digest string `json:"digest"` // of the lines with what they do
}

// plan plans to run a list. It is asked for every line, by what was checked; what
// carries it out reads and asks anew.
func (s *Service) plan(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var a Act
	if err := act.Read(&a); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.UserImport}}, Approves: access.UserImport}
	r, ok, err := find(tx, act.TenantID, a.Import)
	if err != nil {
		return plan, err
	}
	if !ok {
		plan.Wrong = fault.New(fault.NotFound, "http.not_found")
		return plan, nil
	}
	j, err := r.judged()
	if err != nil {
		return plan, err
	}
	plan.Wrong = r.wrong(act, a, j, tx.Now)
	plan.Difference = []approval.Change{
		{Field: "file", After: r.FileName}, {Field: "people_new", After: strconv.Itoa(j.New)}, {Field: "people_changed", After: strconv.Itoa(j.Changed)},
	}
	if j.Managed > 0 {
		plan.Difference = append(plan.Difference, approval.Change{Field: "people_managed", After: strconv.Itoa(j.Managed)})
	}
	w := &world{byID: map[string]room{}, names: map[string]string{}}
	if len(j.Joined) > 0 {
		if err := w.lookAtGroups(tx, act.TenantID); err != nil {
			return plan, err
		}
		plan.Difference = append(plan.Difference, j.joins()...)
	}
	if j.gives() {
		plan.Approves = access.RoleAssign
	}
	plan.Questions, _ = questions(act.TenantID, act.ActorID, w, j.Changes)
	plan.Do = func(tx *store.Tx) error { return s.start(tx, act, r) }
	return plan, nil
}

// joins says who joins what, and which roles are given by it.
func (j Judged) joins() []approval.Change {
	var groups, titles []string
	for _, g := range j.Joined {
		groups = append(groups, g.Name+": "+strconv.Itoa(g.People))
		if g.Role != "" && !slices.Contains(titles, g.Title) {
			titles = append(titles, g.Title)
		}
	}
	all := []approval.Change{{Field: "groups", After: strings.Join(groups, ", ")}}
	for _, title := range titles {
		all = append(all, approval.Change{Field: "role", After: title})
	}
	return all
}

// wrong says why a list cannot be run.
func (r row) wrong(act approval.Act, a Act, j Judged, now time.Time) error {
	switch {
	case r.State != Checked:
		return fault.New(fault.Conflict, "import.run_already")
	case r.Problems != none:
		return fault.New(fault.Conflict, "import.has_problems")
	case r.CreatedByID != act.ActorID:
		return fault.New(fault.Conflict, "import.of_another")
	case len(j.Changes) == 0:
		return fault.New(fault.Conflict, "import.nothing")
	case secret.Digest(r.Rows) != a.Digest:
		return fault.New(fault.Conflict, "import.changed")
	case !now.Before(r.CreatedAt.Add(CheckedLife)):
		return fault.New(fault.Conflict, "import.old")
	}
	return nil
}

// start hands a list over to whichever replica takes it up.
func (s *Service) start(tx *store.Tx, act approval.Act, r row) error {
	err := tx.Change(fault.New(fault.Conflict, "import.run_already"),
		"UPDATE imports SET state = ?, reason = ?, ticket = ?, done = 0, started_at = NULL WHERE tenant_id = ? AND id = ? AND state = ? AND created_by = ?",
		Running, act.Reason, act.Ticket, act.TenantID, r.ID, Checked, act.ActorID)
	if err != nil {
		return err
	}
	e := act.Event(audit.ImportStarted)
	e.Target, e.Thread = audit.Party{Kind: audit.KindImport, ID: r.ID}, r.ID
	tx.After(s.Hurry)
	return audit.Record(tx, e)
}

// Times of those who carry imports out.
const (
	sweepWait = 5 * time.Second // how late an import is found whose hint was lost
	holdLife  = time.Minute     // without a sign of life: then another one may take it up
	triesMost = 3               // of this process, while the database fails
)

// Hurry asks Run to look at once.
func (s *Service) Hurry() { s.errand.Hurry() }

// Run carries imports out, one after the other, until ctx ends.
func (s *Service) Run(ctx context.Context) { s.errand.Run(ctx, sweepWait, s.Log, "imports", s.TakeUp) }

// TakeUp carries out every import that waits, and those that whoever held them
// has lost. Any replica may call it at any time; each import is carried out once.
func (s *Service) TakeUp(ctx context.Context) error {
	now := s.DB.Now()
	var due []row
	err := s.DB.View(ctx).All(&due, "SELECT "+columns+" FROM imports i WHERE i.state = ? AND (i.started_at IS NULL OR i.started_at < ?) ORDER BY i.created_at LIMIT 20",
		Running, now.Add(-holdLife))
	if err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, r := range due {
		if s.holds(r.ID) {
			continue // this very process is at it, and gives no signs while it has the only place to write
		}
		now := s.DB.Now()
		taken, err := s.DB.CountOne(ctx, "UPDATE imports SET started_at = ?, done = 0 WHERE tenant_id = ? AND id = ? AND state = ? AND (started_at IS NULL OR started_at < ?)",
			now, r.TenantID, r.ID, Running, now.Add(-holdLife))
		if err == nil && taken == 1 {
			err = s.carryOut(s.within(ctx, r), &held{row: r, since: now})
		}
		all = errors.Join(all, err)
	}
	return all
}

// within puts an import behind the wall of its tenant. Of an operator who was let
// in the rules read account and office on the platform, which the wall hides.
func (s *Service) within(ctx context.Context, r row) context.Context {
	var id string
	there, err := s.DB.View(ctx).One(&id, "SELECT id FROM users WHERE tenant_id = ? AND id = ?", r.TenantID, r.CreatedByID)
	if err != nil || there {
		return store.Within(ctx, r.TenantID)
	}
	return ctx
}

// held is an import that this process carries out.
type held struct {
	row
	since time.Time // of the last sign of life; who has another one has lost it
}

// lost says that somebody else has taken the import up meanwhile.
var lost = fault.New(fault.Conflict, "import.lost")

// carryOut runs a list that is held, or ends it as failed. While the database
// cannot be used it stays as it is, for a few times.
func (s *Service) carryOut(ctx context.Context, h *held) error {
	s.set(h.ID, 0)
	defer s.forget(h.ID)
	var problems []Problem
	err := s.DB.Act(ctx, func(tx *store.Tx) (err error) {
		problems, err = s.do(ctx, tx, h)
		return err
	})
	f := fault.Of(err)
	switch {
	case err == nil || ctx.Err() != nil || f == lost:
		return nil
	case errors.Is(err, store.ErrDuplicate): // somebody has made one of them meanwhile
		f = changed
	case f == nil || f.Kind == fault.Unavailable || f.Kind == fault.Defect:
		if s.tried(h.ID) < triesMost {
			return fmt.Errorf("importing: %s: %w", h.ID, err)
		}
		s.Log.Error("import given up", "import", h.ID, "error", err)
		f = fault.New(fault.Unavailable, "import.unusable")
	}
	if len(problems) == 0 {
		problems = []Problem{{Code: f.Code}}
	}
	return s.fail(ctx, h, problems, f.Code)
}

// changed says that something reads differently than it was checked.
var changed = fault.New(fault.Conflict, "import.changed")

// do does all of it in the act tx: it judges every line again, and goes on only
// if each still does what was checked and may be done.
func (s *Service) do(ctx context.Context, tx *store.Tx, h *held) ([]Problem, error) {
	checked, err := h.judged()
	if err != nil {
		return nil, err
	}
	lines := make([]Line, len(checked.Changes))
	for i, c := range checked.Changes {
		lines[i] = c.Line
	}
	now, problems, answer, err := s.judge(tx, h.TenantID, h.CreatedByID, lines)
	if err != nil {
		return nil, err
	}
	if len(problems) > 0 {
		return problems, changed
	}
	if !reflect.DeepEqual(now.Changes, checked.Changes) || !slices.Equal(now.Joined, checked.Joined) {
		return nil, changed
	}
	approver, err := approvedBy(tx, h)
	if err != nil {
		return nil, err
	}
	if answer == access.FourEyes && approver == "" {
		return nil, changed
	}
	write := func() error { return s.write(ctx, tx, h, checked, approver) }
	if checked.moves() { // a rule may exclude whoever is in a group, an administrator too
		err = s.Roles.Keep(tx, h.TenantID, write)
	} else {
		err = write()
	}
	if err != nil {
		return nil, err
	}
	// Only now is the row of the import touched: signs of life come from outside.
	err = tx.Change(lost, "UPDATE imports SET state = ?, done = total, ended_at = ?, rows = ? WHERE tenant_id = ? AND id = ? AND state = ? AND started_at = ?",
		Done, tx.Now, emptied(checked), h.TenantID, h.ID, Running, h.since)
	if err != nil {
		return nil, err
	}
	e := event(h.TenantID, h.ID, audit.User(h.CreatedByID), audit.Origin{}, audit.ImportFinished,
		"new", strconv.Itoa(checked.New), "changed", strconv.Itoa(checked.Changed), "approved_by", approver)
	e.Reason = h.Reason
	return nil, audit.Record(tx, e.Under(h.Ticket))
}

// emptied is what is kept of a list that has served its purpose: how many, not who.
func emptied(j Judged) string {
	j.Changes = nil
	text, _ := json.Marshal(j)
	return string(text)
}

// approvedBy gives who approved the run of a list, or nobody.
func approvedBy(tx *store.Tx, h *held) (id string, err error) {
	parameters := approval.Act{}.With(Act{Import: h.ID, Digest: secret.Digest(h.Rows)}).Parameters
	_, err = tx.One(&id, "SELECT decided_by FROM approval_requests WHERE tenant_id = ? AND kind = ? AND state = ? AND requester_id = ? AND parameters = ? LIMIT 1",
		h.TenantID, KindImport, approval.Done, h.CreatedByID, string(parameters))
	return id, err
}

// fail ends an import by which nothing has changed.
func (s *Service) fail(ctx context.Context, h *held, problems []Problem, code string) error {
	wrong, err := json.Marshal(problems)
	if err != nil {
		return err
	}
	checked, err := h.judged()
	if err != nil {
		return err
	}
	return s.DB.Act(ctx, func(tx *store.Tx) error {
		res := tx.Exec("UPDATE imports SET state = ?, problems = ?, done = 0, ended_at = ?, rows = ? WHERE tenant_id = ? AND id = ? AND state = ? AND started_at = ?",
			Failed, string(wrong), tx.Now, emptied(checked), h.TenantID, h.ID, Running, h.since)
		if res.Error != nil || res.RowsAffected == 0 {
			return res.Error
		}
		e := event(h.TenantID, h.ID, audit.User(h.CreatedByID), audit.Origin{}, audit.ImportFailed, "problems", strconv.Itoa(len(problems)))
		e.Outcome, e.Reason = audit.Failure, code
		return audit.Record(tx, e.Under(h.Ticket))
	})
}
