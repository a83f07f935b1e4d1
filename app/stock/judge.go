package stock

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/codesheet"
	"latchkey/app/fault"
	"latchkey/app/method"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Why somebody gets no sheet. Add, never rename: words are stock.why.WHY.
const (
	WhyLocked = "locked" // the account is locked, disabled or not yet taken
	WhyOff    = "off"    // printed codes are off for them
	WhyComing = "coming" // one is on its way to them
	WhyHas    = "has"    // they have one that works
	WhySelf   = "self"   // it would be the actor's own
	WhyRank   = "rank"   // of the actor's rank or above
	WhyScope  = "scope"  // outside of the actor's groups
)

// Chosen is somebody who was chosen, with why they get none.
type Chosen struct {
	ID, Name, DisplayName string
	Why                   string // empty: they get one
}

// Judged is what a draft would make, for whoever starts it.
type Judged struct {
	People  []Chosen // by name
	Getting int
	Eyes    bool   // a second person must approve
	Digest  string // of exactly these, on this paper
}

// Left are those who get none.
func (j Judged) Left() (left []Chosen) {
	for _, p := range j.People {
		if p.Why != "" {
			left = append(left, p)
		}
	}
	return left
}

func (j Judged) getting() (ids []string) {
	for _, p := range j.People {
		if p.Why == "" {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// off says of a user u in a tenant t whether printed codes are off for them in every use.
var off = "(" + method.NoUse + ") & 16 <> 0"

// Judge says what a draft would make, as it stands now.
func (s *Service) Judge(ctx context.Context, who access.Standing, id string) (Judged, error) {
	tx := s.DB.View(ctx)
	r, err := sees(tx, who, id)
	if err != nil {
		return Judged{}, store.Unusable(err)
	}
	j, err := s.judge(tx, r, who.UserID)
	return j, store.Unusable(err)
}

// judge goes through everybody who was chosen.
func (s *Service) judge(tx *store.Tx, r row, actorID string) (j Judged, err error) {
	var found []struct {
		Chosen
		State  string
		Off    bool
		Coming bool
		Left   int // codes on the sheet that works
	}
	which, values := "", []any{}
	if r.GroupID != "" {
		which, values = "u.id IN (SELECT m.user_id FROM group_members m WHERE m.tenant_id = ? AND m.group_id = ?)", []any{r.TenantID, r.GroupID}
	}
	if named := ids(r.Named); len(named) > 0 {
		if which != "" {
			which += " OR "
		}
		which, values = which+"u.id IN ?", append(values, named)
	}
	err = tx.All(&found, `SELECT u.id, u.name, u.display_name, u.state, `+off+` AS off,
		EXISTS (SELECT 1 FROM code_sheets c WHERE c.user_id = u.id AND c.tenant_id = u.tenant_id AND c.state IN ('unprinted', 'printed', 'with_agent', 'with_user')) AS coming,
		COALESCE((SELECT c.codes_left FROM code_sheets c WHERE c.user_id = u.id AND c.tenant_id = u.tenant_id AND c.state = 'active'), 0) AS "left"
		FROM users u JOIN tenants t ON t.id = u.tenant_id WHERE u.tenant_id = ? AND (`+which+`) ORDER BY u.name LIMIT ?`,
		append(append([]any{r.TenantID}, values...), PeopleMost+1)...)
	if err != nil || len(found) == 0 {
		return j, err
	}
	asked := make([]string, len(found))
	for i, f := range found {
		asked[i] = f.ID
	}
	verdicts, err := s.Rules.AskEach(tx, questions(approval.Act{TenantID: r.TenantID, ActorID: actorID}, access.CodeSheetPrintBatch, asked))
	if err != nil {
		return j, err
	}
	for i, f := range found {
		c := f.Chosen
		switch v := verdicts[i]; {
		case v.Answer == access.Nobody:
			c.Why = WhyScope
		case c.ID == actorID:
			c.Why = WhySelf
		case v.Answer == access.No:
			c.Why = WhyRank
		case f.State != user.Active:
			c.Why = WhyLocked
		case f.Off:
			c.Why = WhyOff
		case f.Coming:
			c.Why = WhyComing
		case f.Left > codesheet.LowAt && !r.Renews:
			c.Why = WhyHas
		default:
			j.Getting++
			j.Eyes = j.Eyes || v.Answer == access.FourEyes
		}
		j.People = append(j.People, c)
	}
	j.Digest = secret.Digest(strings.Join(append([]string{r.ID, r.Paper, r.Instructions}, j.getting()...), "\x00"))
	return j, nil
}

// Start is the act of starting a batch: exactly what was seen.
type Start struct {
	Batch  string `json:"batch"`
	Digest string `json:"digest"`
}

// start plans to start a batch.
func (s *Service) start(tx *store.Tx, act approval.Act) (approval.Plan, error) {
	var of Start
	if err := act.Read(&of); err != nil {
		return approval.Plan{}, err
	}
	plan := approval.Plan{Questions: []access.Question{s.question(act, access.CodeSheetPrintBatch)}, Approves: access.CodeSheetPrintBatch}
	r, ok, err := find(tx, act.TenantID, of.Batch)
	if err != nil {
		return plan, err
	}
	if !ok {
		return plan, nothing()
	}
	j := Judged{}
	if r.State == Draft && r.CreatedBy == act.ActorID {
		if j, err = s.judge(tx, r, act.ActorID); err != nil {
			return plan, err
		}
	}
	plan.Questions = append(plan.Questions, questions(act, access.CodeSheetPrintBatch, j.getting())...)
	plan.Difference = []approval.Change{
		{Field: "sheet_batch", After: Name(r.Number)}, {Field: "sheets", After: count(j.Getting)}, {Field: "sheet_paper", After: r.Paper},
	}
	conflict := func(code string) error { return fault.New(fault.Conflict, code) }
	switch {
	case r.CreatedBy != act.ActorID:
		plan.Wrong = conflict("stock.not_yours")
	case r.State != Draft:
		plan.Wrong = conflict("stock.started")
	case !tx.Now.Before(r.CreatedAt.Add(DraftLife)):
		plan.Wrong = conflict("stock.draft_old")
	case len(j.People) > PeopleMost, j.Getting > SheetsMost:
		plan.Wrong = conflict("stock.too_many")
	case j.Getting == 0:
		plan.Wrong = conflict("stock.nobody")
	case j.Digest != of.Digest:
		plan.Wrong = conflict("stock.changed")
	}
	plan.Do = func(tx *store.Tx) error { return s.begin(tx, act, r, j.getting()) }
	return plan, nil
}

// begin hands a batch over to whichever replica takes it up.
func (s *Service) begin(tx *store.Tx, act approval.Act, r row, people []string) error {
	var running int
	if _, err := tx.One(&running, "SELECT count(*) FROM code_sheet_batches WHERE tenant_id = ? AND state = 'making'", act.TenantID); err != nil {
		return err
	}
	if running >= runningMost {
		return fault.New(fault.Conflict, "stock.running")
	}
	err := tx.Change(fault.New(fault.Conflict, "stock.started"), `UPDATE code_sheet_batches SET state = 'making', people = ?, total = ?, reason = ?, ticket = ?, approved_by = ?, started_at = ?
		WHERE tenant_id = ? AND id = ? AND state = 'draft' AND created_by = ?`, strings.Join(people, " "), len(people), act.Reason, act.Ticket, act.ApprovedBy, tx.Now, act.TenantID, r.ID, act.ActorID)
	if err != nil {
		return err
	}
	tx.After(s.Hurry)
	e := act.Event(audit.SheetBatchStarted)
	e.Target, e.Thread = audit.Party{Kind: audit.KindSheetBatch, ID: r.ID}, r.ID
	e.Details = with(e.Details, "batch", Name(r.Number), "sheets", count(len(people)))
	return audit.Record(tx, e)
}

// with adds details to those of an event.
func with(details map[string]string, pairs ...string) map[string]string {
	if details == nil {
		details = map[string]string{}
	}
	for pair := range slices.Chunk(pairs, 2) {
		details[pair[0]] = cmp.Or(details[pair[0]], pair[1])
	}
	return details
}
