package stock

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// States of a batch. Add, never rename.
const (
	Draft   = "draft"
	Making  = "making"
	Made    = "made"
	Printed = "printed"
	Voided  = "voided"
)

// Papers that a batch is printed on. Add, never rename.
const (
	A4     = "a4"
	Letter = "letter"
)

// Papers are all of them.
var Papers = []string{A4, Letter}

// Batch is a batch as it is shown.
type Batch struct {
	ID           string
	Number       int
	State        string
	GroupName    string // that was chosen; empty: none, or it is gone
	Named        int    // people who were chosen by name
	Renews       bool
	Paper        string
	Instructions string
	Total        int
	Done         int
	Skipped      int
	Reason       string
	Ticket       string
	CreatedByID  string
	CreatedBy    string // sign-in name
	ApprovedBy   string
	CreatedAt    time.Time
	MadeAt       *time.Time
	PrintedAt    *time.Time
	EndedAt      *time.Time
	EndedBy      string
	Counts       map[string]int // sheets by state, as far as they are seen
}

// Name is what people call a batch.
func Name(number int) string { return "B-" + strconv.Itoa(number) }

// Name is what people call it.
func (b Batch) Name() string { return Name(b.Number) }

// PrintsUntil is when its codes are wiped if nobody has printed it.
func (b Batch) PrintsUntil() time.Time {
	if b.MadeAt == nil {
		return time.Time{}
	}
	return b.MadeAt.Add(MadeLife)
}

type row struct {
	TenantID, ID, State, GroupID, Named, Paper, Instructions, People, Reason, Ticket, CreatedBy, ApprovedBy, EndedBy string
	Number, Total, Done, Skipped                                                                                     int
	Renews                                                                                                           bool
	CreatedAt                                                                                                        time.Time
	StartedAt, HeldAt, MadeAt, PrintedAt, EndedAt                                                                    *time.Time
}

const columns = `tenant_id, id, number, state, group_id, named, renews, paper, instructions, people, total, done, skipped, reason, ticket,
	created_by, created_at, approved_by, started_at, held_at, made_at, printed_at, ended_at, ended_by`

// find reads a batch; ok is false when the tenant has none such.
func find(tx *store.Tx, tenantID, id string) (r row, ok bool, err error) {
	ok, err = tx.One(&r, "SELECT "+columns+" FROM code_sheet_batches WHERE tenant_id = ? AND id = ?", tenantID, id)
	return r, ok, err
}

// Choice is what is asked for, as it was typed.
type Choice struct {
	GroupID      string
	Names        string // sign-in names, one a line
	Renews       bool   // also for who has a sheet that works
	Paper        string
	Instructions string
}

// Draw draws a batch up and gives its id. Nothing is made yet. It fails with
// fault.Invalid when the choice breaks a rule; somebody whom the actor does not see is
// nobody.
func (s *Service) Draw(ctx context.Context, who access.Standing, c Choice, from audit.Origin) (id string, err error) {
	id = secret.System.ID()
	err = s.DB.Act(ctx, func(tx *store.Tx) error {
		named, err := s.choice(tx, who, &c)
		if err != nil {
			return err
		}
		// Several at once take numbers one after the other: who meets another one runs again.
		if err := tx.Exec(`INSERT INTO code_sheet_batches (tenant_id, id, number, state, group_id, named, renews, paper, instructions, created_by, created_at)
			SELECT ?, ?, COALESCE(MAX(number), 0) + 1, 'draft', ?, ?, ?, ?, ?, ?, ? FROM code_sheet_batches WHERE tenant_id = ?`,
			who.TenantID, id, c.GroupID, strings.Join(named, " "), c.Renews, c.Paper, c.Instructions, who.UserID, tx.Now, who.TenantID).Error; err != nil {
			return err
		}
		return audit.Record(tx, row{TenantID: who.TenantID, ID: id}.of(audit.SheetBatchDrafted, audit.User(who.UserID), from))
	})
	return id, err
}

// choice judges what was typed, and gives the ids of those who were named.
func (s *Service) choice(tx *store.Tx, who access.Standing, c *Choice) (named []string, err error) {
	fields, detail := map[string]string{}, ""
	c.Instructions = strings.TrimSpace(strings.ReplaceAll(c.Instructions, "\r\n", "\n"))
	names := strings.FieldsFunc(c.Names, func(r rune) bool { return r == '\n' || r == '\r' || r == ',' || r == ';' || r == ' ' || r == '\t' })
	switch {
	case c.GroupID == "" && len(names) == 0:
		fields["group"] = "stock.whom"
	case len(names) > SheetsMost:
		fields["names"] = "stock.names_many"
	}
	if !slices.Contains(Papers, c.Paper) {
		fields["paper"] = "stock.paper"
	}
	if len([]rune(c.Instructions)) > InstructionsMost || strings.Count(c.Instructions, "\n") >= instructionLines {
		fields["instructions"] = "stock.instructions_long"
	}
	if c.GroupID != "" {
		var id string
		there, err := tx.One(&id, "SELECT id FROM groups WHERE tenant_id = ? AND id = ?", who.TenantID, c.GroupID)
		if err != nil {
			return nil, err
		}
		if !there || !who.Covers([]string{c.GroupID}) {
			fields["group"] = "stock.no_group"
		}
	}
	if len(fields) == 0 {
		people, err := seen(tx, who, names)
		if err != nil {
			return nil, err
		}
		for _, typed := range names {
			id := people[user.Name(typed)]
			if id == "" {
				fields["names"], detail = "stock.nobody_named", typed
				break
			}
			if !slices.Contains(named, id) {
				named = append(named, id)
			}
		}
	}
	if len(fields) > 0 {
		return nil, fault.Wrong("form.wrong", fields).Naming(detail)
	}
	return named, nil
}

// seen gives the ids of those whom somebody sees of sign-in names as typed, by their names.
func seen(tx *store.Tx, who access.Standing, typed []string) (map[string]string, error) {
	if len(typed) == 0 {
		return nil, nil
	}
	names := make([]string, len(typed))
	for i, name := range typed {
		names[i] = user.Name(name)
	}
	where, values := scoped(who, "u.id")
	var found []struct{ ID, Name string }
	err := tx.All(&found, "SELECT u.id, u.name FROM users u WHERE u.tenant_id = ? AND u.name IN ?"+where, append([]any{who.TenantID, names}, values...)...)
	people := make(map[string]string, len(found))
	for _, u := range found {
		people[u.Name] = u.ID
	}
	return people, err
}

// scoped is the condition that a user, whose id is in a column, is one whom somebody sees.
func scoped(who access.Standing, column string) (where string, values []any) {
	if len(who.Scope) == 0 {
		return "", nil
	}
	return " AND EXISTS (SELECT 1 FROM group_members sm WHERE sm.user_id = " + column + " AND sm.tenant_id = ? AND sm.group_id IN ?)", []any{who.TenantID, who.Scope}
}

// Find gives a batch that somebody sees: their own, and each with a sheet for somebody whom
// they see. All else is fault.NotFound.
func (s *Service) Find(ctx context.Context, who access.Standing, id string) (Batch, error) {
	tx := s.DB.View(ctx)
	r, err := sees(tx, who, id)
	if err != nil {
		return Batch{}, store.Unusable(err)
	}
	all, err := shown(tx, who, []row{r})
	if err != nil {
		return Batch{}, store.Unusable(err)
	}
	return all[0], nil
}

func sees(tx *store.Tx, who access.Standing, id string) (row, error) {
	r, ok, err := find(tx, who.TenantID, id)
	if err != nil {
		return r, err
	}
	if ok && len(who.Scope) > 0 && r.CreatedBy != who.UserID {
		where, values := scoped(who, "s.user_id")
		var one string
		ok, err = tx.One(&one, "SELECT s.id FROM code_sheets s WHERE s.tenant_id = ? AND s.batch_id = ?"+where+" LIMIT 1", append([]any{who.TenantID, id}, values...)...)
	}
	if err == nil && !ok {
		err = nothing()
	}
	return r, err
}

// Batches gives a page of the batches that somebody sees, the newest first, before a
// number; 0 is the beginning.
func (s *Service) Batches(ctx context.Context, who access.Standing, before int) (page []Batch, more bool, err error) {
	tx := s.DB.View(ctx)
	which, values := "b.tenant_id = ? AND (b.state <> 'draft' OR b.created_by = ?)", []any{who.TenantID, who.UserID}
	if before > 0 {
		which, values = which+" AND b.number < ?", append(values, before)
	}
	if len(who.Scope) > 0 {
		where, scope := scoped(who, "s.user_id")
		which += " AND (b.created_by = ? OR EXISTS (SELECT 1 FROM code_sheets s WHERE s.tenant_id = b.tenant_id AND s.batch_id = b.id" + where + "))"
		values = append(append(values, who.UserID), scope...)
	}
	var rows []row
	if err := tx.All(&rows, "SELECT "+columns+" FROM code_sheet_batches b WHERE "+which+" ORDER BY b.number DESC LIMIT ?", append(values, PageLength+1)...); err != nil {
		return nil, false, store.Unusable(err)
	}
	if more = len(rows) > PageLength; more {
		rows = rows[:PageLength]
	}
	page, err = shown(tx, who, rows)
	return page, more, store.Unusable(err)
}

// shown puts names and counts to batches.
func shown(tx *store.Tx, who access.Standing, rows []row) ([]Batch, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	var people, groups, batches []string
	for _, r := range rows {
		people, batches = append(people, r.CreatedBy, r.ApprovedBy, r.EndedBy), append(batches, r.ID)
		if r.GroupID != "" {
			groups = append(groups, r.GroupID)
		}
	}
	names, err := user.NamesOf(tx, who.TenantID, people...)
	if err != nil {
		return nil, err
	}
	called, err := group.NamesOf(tx, who.TenantID, groups...)
	if err != nil {
		return nil, err
	}
	where, scope := scoped(who, "s.user_id")
	var counts []struct {
		BatchID, State string
		Sheets         int
	}
	if err := tx.All(&counts, "SELECT s.batch_id, s.state, count(*) AS sheets FROM code_sheets s WHERE s.tenant_id = ? AND s.batch_id IN ?"+where+" GROUP BY s.batch_id, s.state",
		append([]any{who.TenantID, batches}, scope...)...); err != nil {
		return nil, err
	}
	all := make([]Batch, len(rows))
	for i, r := range rows {
		all[i] = Batch{
			ID: r.ID, Number: r.Number, State: r.State, GroupName: called[r.GroupID], Named: len(ids(r.Named)), Renews: r.Renews, Paper: r.Paper, Instructions: r.Instructions,
			Total: r.Total, Done: r.Done, Skipped: r.Skipped, Reason: r.Reason, Ticket: r.Ticket, CreatedByID: r.CreatedBy, CreatedBy: names[r.CreatedBy], ApprovedBy: names[r.ApprovedBy],
			CreatedAt: r.CreatedAt, MadeAt: r.MadeAt, PrintedAt: r.PrintedAt, EndedAt: r.EndedAt, EndedBy: names[r.EndedBy], Counts: map[string]int{},
		}
		for _, c := range counts {
			if c.BatchID == r.ID {
				all[i].Counts[c.State] = c.Sheets
			}
		}
	}
	return all, nil
}

// Progress says how far a batch is that somebody sees.
func (s *Service) Progress(ctx context.Context, who access.Standing, id string) (state string, done, total int, err error) {
	r, err := sees(s.DB.View(ctx), who, id)
	return r.State, r.Done, r.Total, store.Unusable(err)
}
