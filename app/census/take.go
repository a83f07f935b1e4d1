package census

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/notify"
	"latchkey/app/secret"
	"latchkey/app/store"
	"latchkey/app/user"
)

// KindTake is the act of taking a census besides that of the week.
const KindTake approval.Kind = "census.take"

// Service takes censuses and has them.
type Service struct {
	DB    *store.DB
	Keys  *secret.Keys
	Rules *access.Rules
}

// Performers are the acts of this package.
func (s *Service) Performers() map[approval.Kind]approval.Performer {
	return map[approval.Kind]approval.Performer{KindTake: s.take}
}

// take plans to take one now. It changes nothing else, so one person does it.
func (s *Service) take(_ *store.Tx, act approval.Act) (approval.Plan, error) {
	return approval.Plan{
		Questions: []access.Question{{TenantID: act.TenantID, ActorID: act.ActorID, Needs: access.PolicyEdit}},
		Do: func(tx *store.Tx) error {
			found, err := count(tx, act.TenantID)
			if err != nil {
				return err
			}
			return s.keep(tx, act.TenantID, "", found, act.Event(audit.CensusTaken))
		},
	}, nil
}

// keep signs and keeps in the act tx what was counted. Of two at the same moment the second
// is fault.Conflict.
func (s *Service) keep(tx *store.Tx, tenantID, week string, found tally, e audit.Event) error {
	var t struct{ Slug, Name string }
	if _, err := tx.One(&t, "SELECT slug, name FROM tenants WHERE id = ?", tenantID); err != nil {
		return err
	}
	before, there, err := last(tx, tenantID)
	if err != nil {
		return err
	}
	st := Statement{Kind: Kind, Tenant: t.Slug, Name: t.Name, Number: before.Number + 1, Week: week, MadeAt: tx.Now.UTC(), Figures: found.figures}
	if there {
		st.Before = digest(before.Text)
	}
	text, err := json.Marshal(st)
	if err != nil {
		return err
	}
	names, err := json.Marshal(found.names)
	if err != nil {
		return err
	}
	by := e.Actor.ID
	if e.Actor == audit.Service {
		by = ""
	}
	err = tx.Change(fault.New(fault.Conflict, "census.meanwhile"), "INSERT INTO censuses (tenant_id, number, week, made_by, made_at, statement, signature, names) VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO NOTHING",
		tenantID, st.Number, week, by, tx.Now, string(text), s.Keys.SignStatement(string(text)), string(names))
	if err != nil {
		return err
	}
	e.Target, e.Thread = audit.Party{Kind: audit.KindCensus, ID: strconv.Itoa(st.Number)}, fmt.Sprintf("census-%d", st.Number)
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	e.Details["sha256"] = digest(string(text))
	if week != "" {
		e.Details["week"] = week
	}
	if err := audit.Record(tx, e); err != nil || !there {
		return err
	}
	return s.tell(tx, tenantID, by, Rose(st, before.Statement))
}

// Rose gives the figures that are higher than in the census before.
func Rose(now, before Statement) (all []string) {
	for _, f := range now.Figures {
		if f.Count > before.Count(f.Name) {
			all = append(all, f.Name)
		}
	}
	return all
}

// tell tells the security administrators of figures that rose.
func (s *Service) tell(tx *store.Tx, tenantID, by string, rose []string) error {
	if len(rose) == 0 {
		return nil
	}
	holders, err := notify.Holders(tx, tenantID, access.RoleSecurityAdministrator)
	if err != nil {
		return err
	}
	for _, userID := range holders {
		if userID == by {
			continue
		}
		if err := notify.Tell(tx, tenantID, userID, notify.Notice{Action: audit.CensusRose, Detail: strings.Join(rose, ",")}); err != nil {
			return err
		}
	}
	return nil
}

// Week names the week of a moment, and gives when it began.
func Week(at time.Time) (name string, began time.Time) {
	at = at.UTC()
	year, week := at.ISOWeek()
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	return fmt.Sprintf("%04d-W%02d", year, week), day.AddDate(0, 0, -(int(at.Weekday())+6)%7)
}

// atOnce is how many tenants one round counts, so that it ends soon; the next one goes on.
const atOnce = 20

// Due takes the census of the week in each tenant that has none yet. Any replica may run
// it, at any time. It counts before the act begins: on SQLite that holds up everybody who
// writes.
func (s *Service) Due(ctx context.Context) error {
	week, began := Week(s.DB.Now())
	var tenants []string
	if err := s.DB.View(ctx).All(&tenants, `SELECT t.id FROM tenants t WHERE t.state = 'active' AND t.created_at < ? AND t.id <> ?
		AND NOT EXISTS (SELECT 1 FROM censuses c WHERE c.tenant_id = t.id AND c.week = ? AND c.week <> '') ORDER BY t.id LIMIT ?`, began, access.Platform, week, atOnce); err != nil {
		return store.Unusable(err)
	}
	var all error
	for _, tenantID := range tenants {
		ctx := store.Within(ctx, tenantID)
		found, err := count(s.DB.View(ctx), tenantID)
		if err == nil {
			err = s.DB.Act(ctx, func(tx *store.Tx) error {
				return s.keep(tx, tenantID, week, found, audit.Event{TenantID: tenantID, Action: audit.CensusTaken, Actor: audit.Service})
			})
		}
		if !errors.Is(err, fault.Conflict) { // another replica was first
			all = errors.Join(all, err)
		}
	}
	return all
}

// Taken is a census as it is kept.
type Taken struct {
	Number      int
	Week        string
	MadeBy      string // sign-in name; empty: the program
	MadeAt      time.Time
	Statement   Statement
	Text        string // what was signed
	Signature   string
	Names       map[string][]Behind
	Before      *Statement // nil: it is the first
	BeforeKnown bool       // the one before is what this one says that it was
}

// Rising says whether a figure is higher than in the census before.
func (t Taken) Rising(name string) bool {
	return t.Before != nil && t.Statement.Count(name) > t.Before.Count(name)
}

type row struct {
	Number                              int
	Week, MadeBy                        string
	MadeAt                              time.Time
	StatementText, Signature, NamesText string
}

const columns = "number, week, made_by, made_at, statement AS statement_text, signature"

func (r row) taken() (Taken, error) {
	t := Taken{Number: r.Number, Week: r.Week, MadeBy: r.MadeBy, MadeAt: r.MadeAt, Text: r.StatementText, Signature: r.Signature}
	if err := json.Unmarshal([]byte(r.StatementText), &t.Statement); err != nil {
		return t, err
	}
	if r.NamesText == "" {
		return t, nil
	}
	return t, json.Unmarshal([]byte(r.NamesText), &t.Names)
}

func last(tx *store.Tx, tenantID string) (Taken, bool, error) {
	var r row
	ok, err := tx.One(&r, "SELECT "+columns+" FROM censuses WHERE tenant_id = ? ORDER BY number DESC LIMIT 1", tenantID)
	if err != nil || !ok {
		return Taken{}, false, err
	}
	t, err := r.taken()
	return t, true, err
}

// ListMost is how many censuses the page has.
const ListMost = 53

// List gives the latest censuses of a tenant, each with the one before.
func (s *Service) List(ctx context.Context, tenantID string) ([]Taken, error) {
	tx := s.DB.View(ctx)
	var rows []row
	if err := tx.All(&rows, "SELECT "+columns+" FROM censuses WHERE tenant_id = ? ORDER BY number DESC LIMIT ?", tenantID, ListMost+1); err != nil {
		return nil, store.Unusable(err)
	}
	all := make([]Taken, len(rows))
	var who []string
	for i, r := range rows {
		var err error
		if all[i], err = r.taken(); err != nil {
			return nil, err
		}
		who = append(who, r.MadeBy)
	}
	names, err := user.NamesOf(tx, tenantID, who...)
	for i := range all {
		all[i].MadeBy = names[all[i].MadeBy]
		if i+1 < len(all) {
			all[i].follows(all[i+1])
		}
	}
	return all[:min(len(all), ListMost)], store.Unusable(err)
}

func (t *Taken) follows(before Taken) {
	t.Before, t.BeforeKnown = &before.Statement, t.Statement.Before == digest(before.Text)
}

// Find gives one by its number, with the names behind its figures and the one before.
func (s *Service) Find(ctx context.Context, tenantID, number string) (Taken, error) {
	none := fault.New(fault.NotFound, "http.not_found")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || strconv.Itoa(n) != number {
		return Taken{}, none
	}
	tx := s.DB.View(ctx)
	var rows []row
	if err := tx.All(&rows, "SELECT "+columns+", names AS names_text FROM censuses WHERE tenant_id = ? AND number IN (?, ?) ORDER BY number DESC", tenantID, n, n-1); err != nil {
		return Taken{}, store.Unusable(err)
	}
	if len(rows) == 0 || rows[0].Number != n {
		return Taken{}, none
	}
	t, err := rows[0].taken()
	if err != nil {
		return t, err
	}
	if len(rows) > 1 {
		before, err := rows[1].taken()
		if err != nil {
			return t, err
		}
		t.follows(before)
	}
	names, err := user.NamesOf(tx, tenantID, t.MadeBy)
	t.MadeBy = names[t.MadeBy]
	return t, store.Unusable(err)
}

// File gives one as others keep it.
func (s *Service) File(ctx context.Context, tenantID, number string) (File, Taken, error) {
	t, err := s.Find(ctx, tenantID, number)
	return File{Statement: t.Text, Signature: t.Signature, Key: s.Keys.StatementKey()}, t, err
}
