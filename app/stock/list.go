package stock

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/codesheet"
	"latchkey/app/store"
	"latchkey/app/user"
)

// PageLength is how many a page of a list has.
const PageLength = 50

// Filter says which papers a list has. The zero one has all.
type Filter struct {
	State  string // one of codesheet.States; Open: none that has ended
	Holder string // sign-in name of who has the paper, or Mine
	Batch  string // id
	Query  string // the beginning of a serial number, or a sign-in name
}

// Open and Mine are values of a filter beside states and names.
const (
	Open = "open"
	Mine = "mine"
)

// Position is where a page ends. The zero one is the beginning.
type Position struct {
	At time.Time
	ID string
}

// Paper is a sheet of a batch, and where it is.
type Paper struct {
	ID, Serial                    string
	State, Custody                string
	BatchID                       string
	BatchNumber                   int
	UserID, UserName, DisplayName string
	HolderID, HolderName          string // empty: nobody has it
	CodesLeft                     int
	CreatedAt                     time.Time
	MovedAt, EndedAt, LastUsedAt  *time.Time
}

// Page is a part of the list, the newest first.
type Page struct {
	Papers []Paper
	More   bool
}

const listed = `SELECT s.id, s.serial, s.state, s.custody, s.batch_id, b.number AS batch_number, s.user_id, u.name AS user_name, u.display_name, s.holder_id, COALESCE(h.name, '') AS holder_name,
	s.codes_left, s.created_at, s.moved_at, s.ended_at, s.last_used_at FROM code_sheets s
	JOIN code_sheet_batches b ON b.tenant_id = s.tenant_id AND b.id = s.batch_id
	JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
	LEFT JOIN users h ON h.tenant_id = s.tenant_id AND h.id = s.holder_id
	WHERE s.tenant_id = ? AND s.batch_id IS NOT NULL`

// List gives a page of the papers that somebody sees.
func (s *Service) List(ctx context.Context, who access.Standing, f Filter, after Position) (p Page, err error) {
	tx := s.DB.View(ctx)
	which, values := "", []any{who.TenantID}
	and := func(condition string, more ...any) { which, values = which+" AND "+condition, append(values, more...) }
	switch {
	case f.State == Open:
		and("s.state IN ?", codesheet.Live)
	case slices.Contains(codesheet.States, f.State):
		and("s.state = ?", f.State)
	}
	switch f.Holder {
	case "":
	case Mine:
		and("s.holder_id = ?", who.UserID)
	default:
		var id string
		if _, err := tx.One(&id, "SELECT id FROM users WHERE tenant_id = ? AND name = ?", who.TenantID, user.Name(f.Holder)); err != nil {
			return p, store.Unusable(err)
		}
		if id == "" {
			return p, nil
		}
		and("s.holder_id = ?", id)
	}
	if f.Batch != "" {
		and("s.batch_id = ?", f.Batch)
	}
	if f.Query != "" {
		if serial := codesheet.Typed(f.Query); serial != "" && len(serial) <= 8 && strings.Trim(serial, "0123456789ABCDEFGHJKMNPQRSTVWXYZ") == "" {
			and("(s.serial >= ? AND s.serial < ? OR u.name = ?)", serial, serial+"~", user.Name(f.Query))
		} else {
			and("u.name = ?", user.Name(f.Query))
		}
	}
	where, scope := scoped(who, "s.user_id")
	which, values = which+where, append(values, scope...)
	if !after.At.IsZero() {
		and("(s.created_at, s.id) < (?, ?)", after.At, after.ID)
	}
	if err := tx.All(&p.Papers, listed+which+" ORDER BY s.created_at DESC, s.id DESC LIMIT ?", append(values, PageLength+1)...); err != nil {
		return p, store.Unusable(err)
	}
	if p.More = len(p.Papers) > PageLength; p.More {
		p.Papers = p.Papers[:PageLength]
	}
	return p, nil
}

// Taken is a step as it is shown.
type Taken struct {
	State  string
	By, To string // sign-in names; empty: the clock, its last code, nobody
	Reason string
	At     time.Time
}

// Paper gives one that somebody sees, with its steps; all else is fault.NotFound.
func (s *Service) Paper(ctx context.Context, who access.Standing, id string) (p Paper, steps []Taken, err error) {
	tx := s.DB.View(ctx)
	where, scope := scoped(who, "s.user_id")
	ok, err := tx.One(&p, listed+" AND s.id = ?"+where, append([]any{who.TenantID, id}, scope...)...)
	if err == nil && !ok {
		err = nothing()
	}
	if err != nil {
		return p, nil, store.Unusable(err)
	}
	var all []struct {
		State, ByID, ToID, Reason string
		At                        time.Time
	}
	if err := tx.All(&all, "SELECT state, by_id, to_id, reason, at FROM code_sheet_steps WHERE tenant_id = ? AND sheet_id = ? ORDER BY step", who.TenantID, id); err != nil {
		return p, nil, store.Unusable(err)
	}
	var people []string
	for _, step := range all {
		people = append(people, step.ByID, step.ToID)
	}
	names, err := user.NamesOf(tx, who.TenantID, people...)
	for _, step := range all {
		steps = append(steps, Taken{State: step.State, By: names[step.ByID], To: names[step.ToID], Reason: step.Reason, At: step.At})
	}
	return p, steps, store.Unusable(err)
}

// Coming gives the paper that is on its way to a person whom somebody sees, or nil.
func (s *Service) Coming(ctx context.Context, who access.Standing, userID string) (*Paper, error) {
	where, scope := scoped(who, "s.user_id")
	var p Paper
	ok, err := s.DB.View(ctx).One(&p, listed+" AND s.user_id = ? AND s.state IN ('unprinted', 'printed', 'with_agent', 'with_user')"+where, append([]any{who.TenantID, userID}, scope...)...)
	if err != nil || !ok {
		return nil, store.Unusable(err)
	}
	return &p, nil
}

// ToHandOut lists the papers of a batch that their printer still has, as far as somebody
// sees them.
func (s *Service) ToHandOut(ctx context.Context, who access.Standing, batchID string) (sheets []string, err error) {
	where, scope := scoped(who, "s.user_id")
	err = s.DB.View(ctx).All(&sheets, "SELECT s.id FROM code_sheets s WHERE s.tenant_id = ? AND s.batch_id = ? AND s.state = 'printed'"+where+" ORDER BY s.id", append([]any{who.TenantID, batchID}, scope...)...)
	return sheets, store.Unusable(err)
}
