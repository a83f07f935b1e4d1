package stock

import (
	"cmp"
	"maps"
	"slices"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/device"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/notify"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// ToAgent names the papers that an agent gets.
type ToAgent struct {
	Sheets []string `json:"sheets"`
	Agent  string   `json:"agent"` // sign-in name
}

// Of names one paper.
type Of struct {
	Sheet string `json:"sheet"`
}

// OfBatch names a batch.
type OfBatch struct {
	Batch string `json:"batch"`
}

// paper is a sheet of a batch as the acts read it.
type paper struct{ ID, Serial, BatchID, UserID, State, Custody, HolderID string }

// papers reads sheets of batches; one that is not there is fault.NotFound.
func papers(tx *store.Tx, tenantID string, sheets []string) (all []paper, err error) {
	if len(sheets) == 0 {
		return nil, nil
	}
	err = tx.All(&all, "SELECT id, serial, batch_id, user_id, state, custody, holder_id FROM code_sheets WHERE tenant_id = ? AND id IN ? AND batch_id IS NOT NULL ORDER BY id", tenantID, sheets)
	if err == nil && len(all) != len(sheets) {
		err = nothing()
	}
	return all, err
}

// toAgent plans to give papers to an agent: those of their printer, or that another agent
// has. Whoever has them gives them, or somebody who may print batches.
func (s *Service) toAgent(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var of ToAgent
	if err := act.Read(&of); err != nil {
		return approval.Plan{}, err
	}
	slices.Sort(of.Sheets)
	of.Sheets = slices.Compact(of.Sheets)
	plan := approval.Plan{Questions: []access.Question{s.question(act, access.CodeSheetHandOver)}}
	if len(of.Sheets) > SheetsMost {
		plan.Wrong = fault.New(fault.Conflict, "stock.too_many")
		return plan, nil
	}
	all, err := papers(tx, act.TenantID, of.Sheets)
	if err != nil {
		return plan, err
	}
	var people []string
	for _, p := range all {
		people = append(people, p.UserID)
	}
	plan.Questions = append(plan.Questions, questions(act, access.CodeSheetHandOver, people)...)
	var agent struct{ ID, Name, State string }
	if _, err := tx.One(&agent, "SELECT id, name, state FROM users WHERE tenant_id = ? AND name = ?", act.TenantID, user.Name(of.Agent)); err != nil {
		return plan, err
	}
	wrong := fault.Wrong("form.wrong", map[string]string{"agent": "stock.no_agent"})
	plan.Difference = []approval.Change{{Field: "sheets", After: count(len(all))}, {Field: "sheet_agent", After: agent.Name}}
	mine := true
	for _, p := range all {
		mine = mine && p.HolderID == act.ActorID
		if plan.Wrong == nil && (p.State != codesheet.Printed && p.State != codesheet.WithAgent || p.HolderID == agent.ID && p.State == codesheet.WithAgent) {
			plan.Wrong = moved()
		}
	}
	if !mine && plan.Wrong == nil {
		if plan.Wrong, err = s.unless(tx, act, access.CodeSheetPrintBatch); err != nil {
			return plan, err
		}
	}
	switch {
	case len(all) == 0:
		plan.Wrong = fault.Wrong("form.wrong", map[string]string{"": "stock.none_chosen"})
	case plan.Wrong != nil:
	case agent.ID == "" || agent.State != user.Active:
		plan.Wrong = wrong
	default:
		// They give each of them to its user, so they must be able to.
		may, err := s.Rules.AskAll(tx, questions(approval.Act{TenantID: act.TenantID, ActorID: agent.ID}, access.CodeSheetHandOver, people)...)
		if err != nil {
			return plan, err
		}
		if may.Err() != nil || may.Answer != access.Yes {
			plan.Wrong = wrong
		}
	}
	plan.Do = func(tx *store.Tx) error {
		for _, p := range all {
			// As it was read, with whoever had it: another one may give nothing away.
			err := tx.Change(moved(), "UPDATE code_sheets SET state = 'with_agent', custody = 'agent', holder_id = ?, moved_at = ? WHERE tenant_id = ? AND id = ? AND state = ? AND holder_id = ?",
				agent.ID, tx.Now, act.TenantID, p.ID, p.State, p.HolderID)
			if err != nil {
				return err
			}
			if err := p.note(tx, act, codesheet.WithAgent, agent.ID, audit.CodeSheetToAgent, "agent", agent.ID, "from", p.HolderID); err != nil {
				return err
			}
		}
		if agent.ID == act.ActorID {
			return nil
		}
		by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
		if err != nil {
			return err
		}
		return tell(tx, act.TenantID, agent.ID, notify.Notice{Action: audit.CodeSheetToAgent, By: by.Role, Reason: act.Reason, Detail: count(len(all))})
	}
	return plan, nil
}

// note keeps a step of a paper and records it, in the act tx.
func (p paper) note(tx *store.Tx, act approval.Act, state, to string, action audit.Action, details ...string) error {
	if err := codesheet.Note(tx, act.TenantID, codesheet.Step{SheetID: p.ID, State: state, ByID: act.ActorID, ToID: to, Reason: act.Reason}); err != nil {
		return err
	}
	e := act.Event(action)
	e.Target, e.Subject, e.Thread = audit.Party{Kind: audit.KindCodeSheet, ID: p.ID}, p.UserID, cmp.Or(p.BatchID, p.ID)
	e.Details = with(e.Details, append([]string{"serial", codesheet.Parted(p.Serial)}, details...)...)
	return audit.Record(tx, e)
}

// one reads the paper that an act is on.
func (s *Service) one(tx *store.Tx, act approval.Act, needs access.Permission) (paper, approval.Plan, error) {
	var of Of
	if err := act.Read(&of); err != nil {
		return paper{}, approval.Plan{}, err
	}
	all, err := papers(tx, act.TenantID, []string{of.Sheet})
	if err == nil && all[0].UserID != act.TargetID {
		err = nothing()
	}
	if err != nil {
		return paper{}, approval.Plan{}, err
	}
	plan := approval.Plan{Questions: questions(act, needs, []string{all[0].UserID}), Difference: []approval.Change{{Field: "code_sheet", Before: codesheet.Parted(all[0].Serial)}}}
	return all[0], plan, nil
}

// toUser plans that the agent who has a paper has given it to its user, who is to confirm it.
func (s *Service) toUser(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	p, plan, err := s.one(tx, act, access.CodeSheetHandOver)
	if err != nil {
		return plan, err
	}
	switch {
	case p.State != codesheet.WithAgent:
		plan.Wrong = moved()
	case p.HolderID != act.ActorID:
		plan.Wrong = fault.New(fault.Conflict, "stock.not_holder")
	default:
		if plan.Wrong, err = approval.Wrongly(method.MayBind(tx, act.TenantID, p.UserID, user.WithPrintedCode)); err != nil {
			return plan, err
		}
	}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(moved(), `UPDATE code_sheets SET state = 'with_user', custody = 'user', holder_id = user_id, tries = 0, moved_at = ?
			WHERE tenant_id = ? AND id = ? AND state = 'with_agent' AND holder_id = ?
			AND EXISTS (SELECT 1 FROM users u WHERE u.tenant_id = code_sheets.tenant_id AND u.id = code_sheets.user_id AND u.state = 'active')`, tx.Now, act.TenantID, p.ID, act.ActorID)
		if err != nil {
			return err
		}
		by, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
		if err != nil {
			return err
		}
		if err := notify.Tell(tx, act.TenantID, p.UserID, notify.Notice{Action: audit.CodeSheetToUser, By: by.Role, Detail: codesheet.Parted(p.Serial)}); err != nil {
			return err
		}
		return p.note(tx, act, codesheet.WithUser, p.UserID, audit.CodeSheetToUser)
	}
	return plan, nil
}

// unless says that only who has a paper may do something with it, or who may do more.
func (s *Service) unless(tx *store.Tx, act approval.Act, more access.Permission) (wrong, err error) {
	who, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
	if err == nil && !who.May.Has(more) {
		wrong = fault.New(fault.Conflict, "stock.not_holder")
	}
	return wrong, err
}

// lose plans to say that a paper is lost, and destroy that it was destroyed.
func (s *Service) lose(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	return s.over(tx, act, codesheet.Lost, audit.CodeSheetLost, false)
}

func (s *Service) destroy(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	return s.over(tx, act, codesheet.Destroyed, audit.CodeSheetDestroyed, false)
}

// void plans to kill every code of a sheet.
func (s *Service) void(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	return s.over(tx, act, codesheet.Voided, audit.CodeSheetVoided, true)
}

// over plans to end a sheet. What became of a paper says whoever has it to give out, or who
// may void it.
func (s *Service) over(tx *store.Tx, act approval.Act, state string, action audit.Action, void bool) (approval.Plan, error) {
	needs := access.CodeSheetHandOver
	if void {
		needs = access.CodeSheetVoid
	}
	p, plan, err := s.one(tx, act, needs)
	if err != nil {
		return plan, err
	}
	switch {
	case codesheet.Ended(p.State) || p.State == codesheet.Unprinted && !void:
		plan.Wrong = moved()
	case !void && (p.HolderID != act.ActorID || p.Custody == codesheet.AtUser):
		if plan.Wrong, err = s.unless(tx, act, access.CodeSheetVoid); err != nil {
			return plan, err
		}
	}
	plan.Do = func(tx *store.Tx) error {
		ended, err := s.end(tx, act, state, action, []string{p.ID})
		if err == nil && ended != 1 {
			err = moved()
		}
		return err
	}
	return plan, nil
}

// event is one of an act; without an actor it is the clock's.
func event(act approval.Act, action audit.Action) audit.Event {
	e := act.Event(action)
	if act.ActorID == "" {
		e.Actor = audit.Service
	}
	return e
}

// end ends sheets in the act tx, with what is left of their codes and the sessions that
// those made, and says how many it were: one that has ended already stays as it is. Who
// has a paper is told.
func (s *Service) end(tx *store.Tx, act approval.Act, to string, action audit.Action, sheets []string) (ended int, err error) {
	all, err := papers(tx, act.TenantID, sheets)
	if err != nil {
		return 0, err
	}
	by := access.Role("")
	if act.ActorID != "" {
		standing, err := s.Rules.StandingIn(tx, act.TenantID, act.ActorID)
		if err != nil {
			return 0, err
		}
		by = standing.Role
	}
	agents := map[string]int{}
	for _, p := range all {
		if codesheet.Ended(p.State) {
			continue
		}
		// The state that it was read in, or the one that it has come to since.
		was := ""
		for _, state := range append([]string{p.State}, codesheet.Live...) {
			res := tx.Exec("UPDATE code_sheets SET state = ?, sealed = '', ended_at = ?, ended_by = ?, moved_at = ? WHERE tenant_id = ? AND id = ? AND state = ?",
				to, tx.Now, act.ActorID, tx.Now, act.TenantID, p.ID, state)
			if res.Error != nil {
				return ended, res.Error
			}
			if res.RowsAffected > 0 {
				was = state
				break
			}
		}
		if was == "" {
			continue
		}
		ended++
		if err := codesheet.Wipe(tx, act.TenantID, p.ID); err != nil {
			return ended, err
		}
		if was == codesheet.Active {
			if err := session.CloseMadeBy(tx, act.TenantID, p.UserID, session.ByPrintedCode, ""); err != nil {
				return ended, err
			}
			tx.After(func() { s.Hub.Ring(device.UserKey(act.TenantID, p.UserID)) })
		}
		if err := codesheet.Note(tx, act.TenantID, codesheet.Step{SheetID: p.ID, State: to, ByID: act.ActorID, Reason: act.Reason}); err != nil {
			return ended, err
		}
		e := event(act, action)
		e.Target, e.Subject, e.Thread = audit.Party{Kind: audit.KindCodeSheet, ID: p.ID}, p.UserID, p.BatchID
		e.Details = with(e.Details, "serial", codesheet.Parted(p.Serial), "was", was)
		if err := audit.Record(tx, e); err != nil {
			return ended, err
		}
		switch was {
		case codesheet.WithUser, codesheet.Active:
			if err := notify.Tell(tx, act.TenantID, p.UserID, notify.Notice{Action: action, By: by, Reason: act.Reason, Detail: codesheet.Parted(p.Serial)}); err != nil {
				return ended, err
			}
		case codesheet.Printed, codesheet.WithAgent:
			if p.HolderID != act.ActorID {
				agents[p.HolderID]++
			}
		}
	}
	for _, agent := range slices.Sorted(maps.Keys(agents)) {
		if err := tell(tx, act.TenantID, agent, notify.Notice{Action: audit.SheetBatchVoided, By: by, Reason: act.Reason, Detail: count(agents[agent])}); err != nil {
			return ended, err
		}
	}
	return ended, nil
}

// voidBatch plans to kill every code of a batch, in whichever state it is and they are.
func (s *Service) voidBatch(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var of OfBatch
	if err := act.Read(&of); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{s.question(act, access.CodeSheetVoid)}}
	r, ok, err := find(tx, act.TenantID, of.Batch)
	if err != nil {
		return plan, err
	}
	if !ok {
		return plan, nothing()
	}
	var live []struct{ ID, UserID string }
	if err := tx.All(&live, "SELECT id, user_id FROM code_sheets WHERE tenant_id = ? AND batch_id = ? AND state IN ?", act.TenantID, r.ID, codesheet.Live); err != nil {
		return plan, err
	}
	var people []string
	for _, sheet := range live {
		people = append(people, sheet.UserID)
	}
	if r.State == Making { // more come while this is asked
		people = ids(r.People)
	}
	plan.Questions = append(plan.Questions, questions(act, access.CodeSheetVoid, people)...)
	plan.Difference = []approval.Change{{Field: "sheet_batch", Before: Name(r.Number)}, {Field: "sheets", Before: count(len(live))}}
	if r.State == Voided || r.State == Draft || r.State == Printed && len(live) == 0 {
		plan.Wrong = fault.New(fault.Conflict, "stock.over")
	}
	plan.Do = func(tx *store.Tx) error {
		err := tx.Change(fault.New(fault.Conflict, "stock.over"), "UPDATE code_sheet_batches SET state = 'voided', ended_at = ?, ended_by = ? WHERE tenant_id = ? AND id = ? AND state IN ('making', 'made', 'printed')",
			tx.Now, act.ActorID, act.TenantID, r.ID)
		if err != nil {
			return err
		}
		return s.endBatch(tx, r, act)
	}
	return plan, nil
}

// endBatch kills every sheet of a batch in the act tx that has ended it, those too that
// came since it was planned.
func (s *Service) endBatch(tx *store.Tx, r row, act approval.Act) error {
	var live []string
	if err := tx.All(&live, "SELECT id FROM code_sheets WHERE tenant_id = ? AND batch_id = ? AND state IN ? ORDER BY id", r.TenantID, r.ID, codesheet.Live); err != nil {
		return err
	}
	ended, err := s.end(tx, act, codesheet.Voided, audit.CodeSheetVoided, live)
	if err != nil {
		return err
	}
	e := event(act, audit.SheetBatchVoided)
	e.Target, e.Thread = audit.Party{Kind: audit.KindSheetBatch, ID: r.ID}, r.ID
	e.Details = with(e.Details, "batch", Name(r.Number), "sheets", count(ended))
	return audit.Record(tx, e)
}
