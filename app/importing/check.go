package importing

import (
	"cmp"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// Upload is a list that somebody brings.
type Upload struct {
	TenantID, ActorID string
	FileName          string
	Body              []byte
	Origin            audit.Origin
}

// Check reads and judges a list, changes nobody, and gives the id of the import
// under which it can be looked at and run. It fails with fault.TooLarge, and with
// fault.Forbidden for who may not import at all; what is wrong with the list is a
// problem of the import.
func (s *Service) Check(ctx context.Context, u Upload) (id string, err error) {
	if len(u.Body) > BytesMost {
		return "", fault.New(fault.TooLarge, "http.too_large")
	}
	lines, problems := Read(u.Body)
	judged, wrong, _, err := s.judge(s.DB.View(ctx), u.TenantID, u.ActorID, lines)
	if err != nil {
		return "", store.Unusable(err)
	}
	if problems = append(problems, wrong...); len(problems) > 0 {
		judged.Changes = nil // it cannot be run, so nobody needs them
		slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Row, b.Row) })
	}
	id = secret.System.ID()
	return id, s.DB.Act(ctx, func(tx *store.Tx) error {
		verdict, err := s.Rules.Ask(tx, access.Question{TenantID: u.TenantID, ActorID: u.ActorID, Needs: access.UserImport})
		if err != nil {
			return err
		}
		// Who may not for a reason of scope finds it as a problem of the list.
		if !verdict.Actor.May.Has(access.UserImport) {
			return verdict.Err()
		}
		if err := insert(tx, id, u, judged, problems); err != nil {
			return err
		}
		return audit.Record(tx, event(u.TenantID, id, audit.User(u.ActorID), u.Origin, audit.ImportChecked,
			"new", strconv.Itoa(judged.New), "changed", strconv.Itoa(judged.Changed), "problems", strconv.Itoa(len(problems))))
	})
}

// insert stores a list that was checked. Of the lists of one person that wait to
// be run a few are kept.
func insert(tx *store.Tx, id string, u Upload, judged Judged, problems []Problem) error {
	rows, err := json.Marshal(judged)
	if err != nil {
		return err
	}
	if problems == nil {
		problems = []Problem{}
	}
	wrong, err := json.Marshal(problems)
	if err != nil {
		return err
	}
	err = tx.Exec(`DELETE FROM imports WHERE tenant_id = ? AND created_by = ? AND state = ? AND id NOT IN (
		SELECT id FROM imports WHERE tenant_id = ? AND created_by = ? AND state = ? ORDER BY created_at DESC, id LIMIT ?)`,
		u.TenantID, u.ActorID, Checked, u.TenantID, u.ActorID, Checked, checkedMost-1).Error
	if err != nil {
		return err
	}
	return tx.Exec(`INSERT INTO imports (tenant_id, id, file_name, rows, total, problems, state, created_by, created_at) VALUES (?,?,?,?,?,?,?,?,?)`,
		u.TenantID, id, fileName(u.FileName), string(rows), judged.New+judged.Changed, string(wrong), Checked, u.ActorID, tx.Now).Error
}

// fileName gives what somebody's computer calls a list, cut short, in letters
// that can be shown.
func fileName(given string) string {
	name := strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, path.Base(strings.ReplaceAll(given, `\`, "/")))
	if letters := []rune(name); len(letters) > 100 {
		name = string(letters[:100])
	}
	return name
}

func event(tenantID, id string, actor audit.Party, from audit.Origin, action audit.Action, details ...string) audit.Event {
	e := audit.Event{
		TenantID: tenantID, Action: action, Actor: actor, Target: audit.Party{Kind: audit.KindImport, ID: id}, Thread: id, Origin: from, Details: map[string]string{},
	}
	for i := 0; i+1 < len(details); i += 2 {
		if details[i+1] != "" {
			e.Details[details[i]] = details[i+1]
		}
	}
	return e
}

const columns = `i.tenant_id, i.id, i.file_name, i.rows, i.total, i.done, i.problems, i.state, i.reason, i.ticket, i.created_by AS created_by_id, i.created_at, i.started_at, i.ended_at`

// none is how it is stored that nothing is wrong.
const none = "[]"

// row is an import as it is stored.
type row struct {
	TenantID, ID, FileName, Rows, Problems, Reason, Ticket, CreatedByID string
	State                                                               State
	Total, Done                                                         int
	CreatedAt                                                           time.Time
	StartedAt, EndedAt                                                  *time.Time
}

// judged gives what the list does, as it was checked.
func (r row) judged() (j Judged, err error) { return j, json.Unmarshal([]byte(r.Rows), &j) }

func find(tx *store.Tx, tenantID, id string) (r row, ok bool, err error) {
	ok, err = tx.One(&r, "SELECT "+columns+" FROM imports i WHERE i.tenant_id = ? AND i.id = ?", tenantID, id)
	return r, ok, err
}

// Find gives an import of a tenant, or fault.NotFound.
func (s *Service) Find(ctx context.Context, tenantID, id string) (Import, error) {
	tx := s.DB.View(ctx)
	r, ok, err := find(tx, tenantID, id)
	if err != nil {
		return Import{}, store.Unusable(err)
	}
	if !ok {
		return Import{}, fault.New(fault.NotFound, "http.not_found")
	}
	j, err := r.judged()
	if err != nil {
		return Import{}, err
	}
	j.Changes = nil
	names, err := user.NamesOf(tx, tenantID, r.CreatedByID)
	if err != nil {
		return Import{}, store.Unusable(err)
	}
	i := r.seen(names)
	i.Done, i.Judged, i.Act = max(r.Done, s.progressOf(r.ID)), j, Act{Import: r.ID, Digest: secret.Digest(r.Rows)}
	return i, json.Unmarshal([]byte(r.Problems), &i.Problems)
}

// seen is an import as a list of them shows it, with the name of who brought it.
func (r row) seen(names map[string]string) Import {
	return Import{
		ID: r.ID, FileName: r.FileName, State: r.State, Total: r.Total, Done: r.Done, Wrong: r.Problems != none, Reason: r.Reason, Ticket: r.Ticket,
		CreatedByID: r.CreatedByID, CreatedBy: names[r.CreatedByID], CreatedAt: r.CreatedAt, EndedAt: r.EndedAt,
	}
}

// Progress says how far an import is, without reading the list.
func (s *Service) Progress(ctx context.Context, tenantID, id string) (state State, done, total int, err error) {
	var r row
	ok, err := s.DB.View(ctx).One(&r, "SELECT state, done, total FROM imports WHERE tenant_id = ? AND id = ?", tenantID, id)
	if err == nil && !ok {
		return "", 0, 0, fault.New(fault.NotFound, "http.not_found")
	}
	return r.State, max(r.Done, s.progressOf(id)), r.Total, store.Unusable(err)
}

// Recent lists the last imports of a tenant, newest first, without their lines
// and problems.
func (s *Service) Recent(ctx context.Context, tenantID string) ([]Import, error) {
	var rows []row
	tx := s.DB.View(ctx)
	err := tx.All(&rows, `SELECT i.id, i.file_name, i.state, i.total, i.done, i.created_at, i.ended_at, substr(i.problems, 1, 2) AS problems, i.created_by AS created_by_id
		FROM imports i WHERE i.tenant_id = ? ORDER BY i.created_at DESC LIMIT 20`, tenantID)
	if err != nil {
		return nil, store.Unusable(err)
	}
	makers := make([]string, len(rows))
	for i, r := range rows {
		makers[i] = r.CreatedByID
	}
	names, err := user.NamesOf(tx, tenantID, makers...)
	all := make([]Import, len(rows))
	for i, r := range rows {
		all[i] = r.seen(names)
	}
	return all, store.Unusable(err)
}
