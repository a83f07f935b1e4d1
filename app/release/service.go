package release

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/feature"
	"latchkey/app/signin"
	"latchkey/app/store"
	"latchkey/app/wake"
)

// Key is what those wait for who must look again when a feature is released to others.
const Key = "releases:"

// reasonMost is how long a reason may be, in characters.
const reasonMost = 200

// versionsListed is how many versions a page shows.
const versionsListed = 30

// Service changes what the platform releases.
type Service struct {
	DB   *store.DB
	Hub  *wake.Hub
	Keys signin.Subjects
}

// Released is a feature as the platform has it.
type Released struct {
	Entry     *feature.Entry
	Rule      Rule
	Version   int       // 0: nobody ever said anything
	ChangedAt time.Time // zero then
	Reach     Reach
}

// List gives every feature, in the order of the catalogue.
func (s *Service) List(ctx context.Context) ([]Released, error) {
	tx := s.DB.View(ctx)
	tenants, err := tenantsOf(tx)
	if err != nil {
		return nil, store.Unusable(err)
	}
	var all []Released
	for i := range feature.Catalogue {
		r, err := of(tx, &feature.Catalogue[i])
		if err != nil {
			return nil, store.Unusable(err)
		}
		r.Reach = reach(r.Entry, r.Rule, r.Rule, tenants)
		all = append(all, r)
	}
	return all, nil
}

// Version is one that a feature had.
type Version struct {
	Version    int
	Rule       Rule     `gorm:"-"`
	Difference []Change `gorm:"-"`
	Reason     string
	By         string // sign-in name; empty: the clock
	ChangedAt  time.Time
}

// Details is a feature with its versions, the newest first.
type Details struct {
	Released
	Versions []Version
	Schedule *Scheduled // nil: nothing waits for its time
}

// Find gives a feature with its versions: fault.NotFound when there is none so called.
func (s *Service) Find(ctx context.Context, f feature.Feature) (d Details, err error) {
	e, ok := feature.Find(f)
	if !ok {
		return d, none()
	}
	tx := s.DB.View(ctx)
	tenants, err := tenantsOf(tx)
	if err != nil {
		return d, store.Unusable(err)
	}
	if d.Released, err = of(tx, e); err != nil {
		return d, store.Unusable(err)
	}
	d.Reach = reach(e, d.Rule, d.Rule, tenants)
	if d.Schedule, err = scheduleOf(tx, f); err != nil {
		return d, store.Unusable(err)
	}
	d.Versions, err = versions(tx, f)
	return d, store.Unusable(err)
}

// Preview says what a rule would reach in the place of the one that is: fault.Invalid
// when a cell is no percentage.
func (s *Service) Preview(ctx context.Context, f feature.Feature, cells []feature.Cell) (Reach, error) {
	d, err := s.Find(ctx, f)
	if err != nil {
		return Reach{}, err
	}
	kept, wrong := checked(cells)
	if len(wrong) > 0 {
		return Reach{}, fault.Wrong("form.wrong", wrong)
	}
	tenants, err := tenantsOf(s.DB.View(ctx))
	return reach(d.Entry, d.Rule, Rule{Stopped: d.Rule.Stopped, Cells: kept}, tenants), store.Unusable(err)
}

// Act is what an operator does to a feature.
type Act struct {
	Feature feature.Feature
	Version int // that it changes
	Reason  string
	By      audit.Party
	From    audit.Origin
}

// Change sets the shares of a feature. It fails with fault.Invalid when a share or the
// reason is none or nothing is new, and with fault.Conflict when somebody changed it
// since the version, or no operator could sign in afterwards.
func (s *Service) Change(ctx context.Context, act Act, cells []feature.Cell) error {
	return s.ChangeAt(ctx, act, cells, Times{})
}

// Stop takes a feature from everybody, at once and whatever version it has.
func (s *Service) Stop(ctx context.Context, act Act) error {
	act.Version = whichever
	return s.act(ctx, act, map[string]string{}, audit.ReleaseStopped, Times{}, func(was Rule) Rule { return Rule{Stopped: true, Cells: was.Cells} })
}

// Resume ends what Stop began: the shares hold again.
func (s *Service) Resume(ctx context.Context, act Act) error {
	return s.act(ctx, act, map[string]string{}, audit.ReleaseResumed, Times{}, func(was Rule) Rule { return Rule{Cells: was.Cells} })
}

// Restore sets the shares that a feature had in an earlier version: fault.NotFound when
// it had none such. A feature that is stopped stays so.
func (s *Service) Restore(ctx context.Context, act Act, version int) error {
	var text string
	ok, err := s.DB.View(ctx).One(&text, "SELECT rule FROM release_versions WHERE feature = ? AND version = ?", act.Feature, version)
	if err != nil {
		return store.Unusable(err)
	}
	if !ok && version != 0 {
		return none()
	}
	var old Rule
	if ok {
		if err := json.Unmarshal([]byte(text), &old); err != nil {
			return err
		}
	}
	return s.act(ctx, act, map[string]string{}, audit.ReleaseChanged, Times{}, func(was Rule) Rule { return Rule{Stopped: was.Stopped, Cells: old.Cells} })
}

const whichever = -1

// reasoned tidies the reason of an act and says whether it is one.
func (a *Act) reasoned() bool {
	a.Reason = strings.TrimSpace(a.Reason)
	return a.Reason != "" && utf8.RuneCountInString(a.Reason) <= reasonMost
}

// act carries one out: the new rule, its version, its gates and the event, or nothing;
// what is for later waits for its time.
func (s *Service) act(ctx context.Context, act Act, wrong map[string]string, action audit.Action, at Times, next func(Rule) Rule) error {
	e, ok := feature.Find(act.Feature)
	if !ok {
		return none()
	}
	if !act.reasoned() {
		wrong["reason"] = "operator.reason_form"
	}
	if len(wrong) > 0 {
		return fault.Wrong("form.wrong", wrong)
	}
	err := s.DB.Act(ctx, func(tx *store.Tx) error {
		was, err := of(tx, e)
		if err != nil {
			return err
		}
		if act.Version != whichever && act.Version != was.Version {
			return changed()
		}
		is := next(was.Rule)
		if len(difference(was.Rule, is)) == 0 {
			return fault.Wrong("form.wrong", map[string]string{"reason": "release.nothing_new"})
		}
		if at.none() {
			if err := overtaken(tx, act); err != nil {
				return err
			}
		} else if waiting, err := s.schedule(tx, act, was, is, at); err != nil || waiting {
			return err
		}
		return s.put(tx, was, is, act, action)
	})
	if err == nil {
		s.Hub.Ring(Key)
	}
	return err
}

// put makes a rule the one of a feature in the act tx, after the one that was.
func (s *Service) put(tx *store.Tx, was Released, is Rule, act Act, action audit.Action) error {
	f := was.Entry.Feature
	if tx.Dialect == store.Postgres {
		// One after another, whatever the feature: two at once could shut the operators out together.
		var id string
		if _, err := tx.One(&id, "SELECT id FROM tenants WHERE id = ? FOR NO KEY UPDATE", access.Platform); err != nil {
			return err
		}
	}
	before, err := s.able(tx)
	if err != nil {
		return err
	}
	// Of two who change the same version the second finds another one.
	err = tx.Change(changed(), `INSERT INTO releases (feature, killed, version, changed_at) VALUES (?,?,?,?)
		ON CONFLICT (feature) DO UPDATE SET killed = excluded.killed, version = excluded.version, changed_at = excluded.changed_at WHERE releases.version = ?`,
		f, is.Stopped, was.Version+1, tx.Now, was.Version)
	if err != nil {
		return err
	}
	if err := tx.Exec("DELETE FROM release_cells WHERE feature = ?", f).Error; err != nil {
		return err
	}
	for _, c := range is.Cells {
		if err := tx.Exec("INSERT INTO release_cells (feature, region, ring, share) VALUES (?,?,?,?)", f, c.Region, c.Ring, c.Share).Error; err != nil {
			return err
		}
	}
	if err := feature.Release(tx, f, is.gates()); err != nil {
		return err
	}
	after, err := s.able(tx)
	if err != nil {
		return err
	}
	if before > 0 && after == 0 {
		return fault.New(fault.Conflict, "release.operators")
	}
	changes := difference(was.Rule, is)
	rule, err := json.Marshal(is)
	if err != nil {
		return err
	}
	lines, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	err = tx.Exec("INSERT INTO release_versions (feature, version, rule, difference, reason, changed_by, changed_at) VALUES (?,?,?,?,?,?,?)",
		f, was.Version+1, string(rule), string(lines), act.Reason, act.By.ID, tx.Now).Error
	if err != nil {
		return err
	}
	return audit.Record(tx, audit.Event{
		TenantID: access.Platform, Action: action, Reason: act.Reason, Actor: act.By, Target: audit.Party{Kind: audit.KindRelease, ID: string(f)}, Subject: subject(act.By),
		Thread: "release " + string(f), Origin: act.From, Details: map[string]string{"feature": string(f), "version": strconv.Itoa(was.Version + 1), "change": said(changes)},
	})
}

// subject is the operator in whose story an event is.
func subject(by audit.Party) string {
	if by.Kind == audit.KindOperator {
		return by.ID
	}
	return ""
}

// said is a difference on one line, for the audit.
func said(changes []Change) string {
	var all []string
	for _, c := range changes {
		name := "all"
		if c.Region != "" {
			name = c.Region + " " + c.Ring
		}
		all = append(all, name+": "+strconv.Itoa(c.Before)+" → "+strconv.Itoa(c.After))
	}
	return strings.Join(all, ", ")
}

// operators gives those who run the platform at the moment of the act.
func operators(tx *store.Tx) (ids []string, err error) {
	err = tx.All(&ids, `SELECT r.user_id FROM role_assignments r JOIN users u ON u.tenant_id = r.tenant_id AND u.id = r.user_id
		WHERE r.tenant_id = ? AND r.role = ? AND (r.ends_at IS NULL OR r.ends_at > ?) AND u.state = 'active'`, access.Platform, access.RoleOperator, tx.Now)
	return ids, err
}

// able counts the operators who could sign in now.
func (s *Service) able(tx *store.Tx) (n int, err error) {
	ids, err := operators(tx)
	if err != nil {
		return 0, err
	}
	able, err := signin.Able(tx, s.Keys, access.Platform, ids)
	for _, can := range able {
		if can {
			n++
		}
	}
	return n, err
}

func none() error    { return fault.New(fault.NotFound, "http.not_found") }
func changed() error { return fault.New(fault.Conflict, "release.changed") }
