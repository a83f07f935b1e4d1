package census_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/census"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

// registry is a house with its censuses.
type registry struct {
	*House
	censuses  *census.Service
	approvals *approval.Service
	first     user.User
}

func open(h *House) *registry {
	r := &registry{House: h, censuses: &census.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules}}
	r.approvals = &approval.Service{DB: h.DB, Rules: h.Rules, Hub: h.Hub, Prompts: h.Prompts, Performers: r.censuses.Performers()}
	return r
}

func each(t *testing.T, story func(t *testing.T, r *registry)) {
	t.Helper()
	Each(t, func(h *House) {
		r := open(h)
		r.first = h.Admin(h.Alder, "first", access.RoleSecurityAdministrator)
		story(h.T, r)
	})
}

func (r *registry) take(by user.User) error {
	_, err := r.approvals.Submit(r.T.Context(), approval.Act{Kind: census.KindTake, TenantID: by.TenantID, ActorID: by.ID, Reason: "a test"}.With(nil))
	return err
}

func (r *registry) taken(number string) census.Taken {
	r.T.Helper()
	t, err := r.censuses.Find(r.T.Context(), r.Alder.ID, number)
	if err != nil {
		r.T.Fatal(err)
	}
	return t
}

// toMonday moves the clock to the beginning of the next week.
func (r *registry) toMonday() {
	_, began := census.Week(r.Clock.Now())
	r.Clock.Forward(began.AddDate(0, 0, 7).Sub(r.Clock.Now()))
}

func TestWeeks(t *testing.T) {
	for at, want := range map[string]string{
		"2026-11-29T23:59:59Z": "2026-W48 2026-11-23", "2026-11-30T00:00:00Z": "2026-W49 2026-11-30", "2026-12-31T12:00:00Z": "2026-W53 2026-12-28", "2027-01-03T12:00:00Z": "2026-W53 2026-12-28",
		"2027-01-04T00:00:00Z": "2027-W01 2027-01-04", "2026-11-30T00:30:00+01:00": "2026-W48 2026-11-23",
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if name, began := census.Week(moment); name+" "+began.Format(time.DateOnly) != want {
			t.Errorf("Week(%s) = %s %s, want %s", at, name, began.Format(time.DateOnly), want)
		}
	}
}

// TestOneCensusAWeek, whichever replica is first, from the week after the tenant was made.
func TestOneCensusAWeek(t *testing.T) {
	each(t, func(t *testing.T, r *registry) {
		replicas := []*registry{r, open(r.House.Replica())}
		due := func() int {
			t.Helper()
			for _, err := range AtOnce(6, func(i int) error { return replicas[i%2].censuses.Due(t.Context()) }) {
				if err != nil {
					t.Error(err)
				}
			}
			return r.Count("SELECT count(*) FROM censuses WHERE tenant_id = ?", r.Alder.ID)
		}
		if n := due(); n != 0 {
			t.Errorf("in its first week a tenant has %d", n)
		}
		for week := 1; week <= 3; week++ {
			r.toMonday()
			if n := due(); n != week {
				t.Fatalf("in week %d there are %d", week, n)
			}
			if n := due(); n != week {
				t.Errorf("asked again there are %d", n)
			}
			r.Clock.Forward(7*24*time.Hour - time.Second)
			if n := due(); n != week {
				t.Errorf("in the last second of week %d there are %d", week, n)
			}
		}
		if n := r.Count("SELECT count(*) FROM audit_events WHERE action = ? AND tenant_id = ?", audit.CensusTaken, r.Alder.ID); n != 3 {
			t.Errorf("%d events", n)
		}
		r.Set("UPDATE tenants SET state = 'suspended' WHERE id = ?", r.Alder.ID)
		r.toMonday()
		if n := due(); n != 3 {
			t.Errorf("a suspended one has %d", n)
		}
	})
}

// TestWhatIsCounted: each way in, one after the other, and no other one.
func TestWhatIsCounted(t *testing.T) {
	each(t, func(t *testing.T, r *registry) {
		now, later, id := r.Clock.Now(), r.Clock.Now().Add(time.Hour), r.Alder.ID
		nurse := r.User(r.Alder, "nurse")
		r.User(r.Birch, "nurse")
		r.Demand(nurse, user.MFAEnforced)
		r.Demand(r.first, user.MFAEnforced)
		number := 0
		rises := func(name, behind string, statement string, values ...any) {
			t.Helper()
			r.Set(statement, values...)
			if err := r.take(r.first); err != nil {
				t.Fatal(err)
			}
			number++
			c := r.taken(string(rune('0' + number)))
			if number == 1 {
				return
			}
			if got := census.Rose(c.Statement, *c.Before); !slices.Equal(got, []string{name}) || !c.Rising(name) || c.Statement.Count(name) != 1 {
				t.Errorf("%s: %v rose, to %d", name, got, c.Statement.Count(name))
			}
			if all := c.Names[name]; len(all) != 1 || all[0].Name != behind {
				t.Errorf("%s: behind it are %v", name, all)
			}
		}
		rises("", "", "UPDATE users SET break_glass = FALSE WHERE id = ''")
		rises("break_glass", nurse.Name, "INSERT INTO break_glass_accounts (tenant_id, user_id, made_by, approved_by, made_at) VALUES (?,?,'','',?)", id, nurse.ID, now)
		rises("static_passcodes", nurse.Name, "INSERT INTO static_passcodes (tenant_id, id, user_id, state, hours, reason, requested_by, approved_by, approved_at, expires_at) VALUES (?,'one',?,'active',1,'','','',?,?)", id, nurse.ID, now, later)
		rises("bypasses", nurse.Name, `INSERT INTO bypasses (tenant_id, id, user_id, kind, state, delivery, minutes, uses, uses_left, reason, check_id, check_via, check_strength, requested_by, starts_at, ends_at, created_at)
			VALUES (?,'one',?,'pass_code','ready','read_out',60,1,1,'','','phone','strong','',?,?,?)`, id, nurse.ID, now, later, now)
		rises("trusted_browsers", nurse.Name, "INSERT INTO trusted_browsers (tenant_id, id, user_id, browser, token_digest, turned_by, created_at, last_used_at, ends_at) VALUES (?,'one',?,'','','',?,?,?)", id, nurse.ID, now, now, later)
		rises("keys", "Rota", `INSERT INTO applications (tenant_id, id, name, kind, state, secret_digest, redirect_uris, created_at, changed_by, changed_at) VALUES (?,'rota','Rota','confidential','on','','https://rota.example/',?,'',?)`, id, now, now)
		rises("without_second_factor", nurse.Name, "UPDATE users SET mfa_state = 'disabled' WHERE id = ?", nurse.ID)
		r.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'out','out',?)", id, now)
		r.Set("INSERT INTO rollouts (tenant_id, feature, stage, share, version, changed_at) VALUES (?,'passkeys','everyone',0,1,?)", id, now)
		r.Set("INSERT INTO rollout_groups (tenant_id, feature, group_id, excluded) VALUES (?,'passkeys','out',TRUE)", id)
		rises("excluded", nurse.Name, "INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at) VALUES (?,'out',?,?,?)", id, nurse.ID, nurse.Name, now)
		rises("postponed", nurse.Name, "INSERT INTO campaign_people (tenant_id, user_id, asked_at, last_asked_at, times, snoozed_until) VALUES (?,?,?,?,1,?)", id, nurse.ID, now, now, later)
		if number != len(census.Names)+1 {
			t.Errorf("%d figures were made to rise, of %d", number-1, len(census.Names))
		}
		// What is over counts no more.
		r.Clock.Forward(2 * time.Hour)
		if err := r.take(r.first); err != nil {
			t.Fatal(err)
		}
		all, err := r.censuses.List(t.Context(), id)
		if err != nil || len(all) != number+1 {
			t.Fatalf("the list has %d, %v", len(all), err)
		}
		for _, name := range []string{"static_passcodes", "bypasses", "trusted_browsers", "postponed"} {
			if n := all[0].Statement.Count(name); n != 0 || all[0].Rising(name) {
				t.Errorf("when they are over, %s = %d", name, n)
			}
		}
	})
}

// TestWhoHasCensusesTaken, and that whoever looks after the tenant is told of what rose.
func TestWhoHasCensusesTaken(t *testing.T) {
	each(t, func(t *testing.T, r *registry) {
		other := r.Admin(r.Alder, "other", access.RoleSecurityAdministrator)
		for _, who := range []user.User{r.User(r.Alder, "nurse"), r.Admin(r.Alder, "desk", access.RoleHelpdesk), r.Admin(r.Alder, "auditor", access.RoleAuditor)} {
			if err := r.take(who); !errors.Is(err, fault.Forbidden) {
				t.Errorf("%s has one taken = %v", who.Name, err)
			}
		}
		for _, who := range []user.User{r.Admin(r.Alder, "admin", access.RoleTenantAdministrator), r.first} {
			if err := r.take(who); err != nil {
				t.Errorf("%s has one taken = %v", who.Name, err)
			}
		}
		r.User(r.Alder, "newcomer")
		r.toMonday()
		if err := r.censuses.Due(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := r.Text("SELECT detail FROM notices WHERE user_id = ? AND action = ? ORDER BY at DESC LIMIT 1", other.ID, audit.CensusRose); got != "without_second_factor" {
			t.Errorf("they are told that %q rose", got)
		}
		for _, number := range []string{"0", "-1", "01", "9", "x", ""} {
			if _, err := r.censuses.Find(t.Context(), r.Alder.ID, number); !errors.Is(err, fault.NotFound) {
				t.Errorf("census %q = %v", number, err)
			}
		}
		if _, err := r.censuses.Find(t.Context(), r.Birch.ID, "3"); !errors.Is(err, fault.NotFound) {
			t.Errorf("that of another tenant = %v", err)
		}
	})
}

// TestACensusIsNeverChanged, not even past the program.
func TestACensusIsNeverChanged(t *testing.T) {
	each(t, func(t *testing.T, r *registry) {
		if err := r.take(r.first); err != nil {
			t.Fatal(err)
		}
		for _, statement := range []string{"UPDATE censuses SET statement = '{}'", "DELETE FROM censuses"} {
			if _, err := r.DB.CountOne(context.Background(), statement); err == nil {
				t.Errorf("%s changes it", statement)
			}
		}
	})
}

// TestAFileIsCheckedOffline: what was signed holds; a letter more does not, nor another key,
// nor one that does not follow the one before.
func TestAFileIsCheckedOffline(t *testing.T) {
	each(t, func(t *testing.T, r *registry) {
		var files []census.File
		var texts [][]byte
		for _, number := range []string{"1", "2", "3"} {
			if err := r.take(r.first); err != nil {
				t.Fatal(err)
			}
			f, _, err := r.censuses.File(t.Context(), r.Alder.ID, number)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(f)
			if err != nil {
				t.Fatal(err)
			}
			files, texts = append(files, f), append(texts, text)
		}
		key := r.Keys.StatementKey()
		s, _, err := census.Verify(texts[1], key)
		if err != nil || s.Tenant != "alder" || s.Number != 2 || len(s.Figures) != len(census.Names) {
			t.Fatalf("Verify = %+v, %v", s, err)
		}
		if _, _, err := census.Verify(texts[1], ""); err != nil {
			t.Errorf("by the key in it = %v", err)
		}
		if err := census.Follows(s, files[0]); err != nil {
			t.Errorf("after the first = %v", err)
		}
		for claim, before := range map[string]census.File{"itself": files[1], "the third": files[2]} {
			if err := census.Follows(s, before); !errors.Is(err, census.ErrBefore) {
				t.Errorf("after %s = %v", claim, err)
			}
		}
		for claim, row := range map[string]struct {
			text, key string
			want      error
		}{
			"a figure changed":   {strings.Replace(string(texts[1]), `\"count\":0`, `\"count\":1`, 1), key, census.ErrSignature},
			"another key":        {string(texts[1]), strings.Repeat("A", 43), census.ErrKey},
			"another key in it":  {strings.Replace(string(texts[1]), key, strings.Repeat("A", 43), 1), "", census.ErrSignature},
			"no signature":       {`{"statement":"{}","key":"x"}`, "", census.ErrNoFile},
			"no file":            {"hello", "", census.ErrNoFile},
			"a signature of one": {strings.Replace(string(texts[1]), files[1].Signature, files[0].Signature, 1), key, census.ErrSignature},
		} {
			if _, _, err := census.Verify([]byte(row.text), row.key); !errors.Is(err, row.want) {
				t.Errorf("%s = %v, want %v", claim, err, row.want)
			}
		}
	})
}
