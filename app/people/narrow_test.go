package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/people"
	"latchkey/app/store"
	"latchkey/app/user"
)

// somebody is a row of the list as it stands in the database.
type somebody struct {
	ID, Name, State, MFAState string
	Ways                      user.Ways
	LastSignInAt              *time.Time `gorm:"column:last_signin_at"`
	Member                    bool
}

// fits says whether somebody is whom a filter asks for, by its words alone.
func (s somebody) fits(f people.Filter, now time.Time) bool {
	since := map[string]time.Duration{people.Past30: 30 * 24 * time.Hour, people.Past90: 90 * 24 * time.Hour}
	bits := map[string]user.Ways{people.WithTOTP: user.WithTOTP, people.WithPasskey: user.WithPasskey, people.WithPassword: user.WithPassword, people.WithStaticPasscode: user.WithStaticPasscode}
	switch {
	case f.State != "" && s.State != f.State, f.MFA != "" && s.MFAState != f.MFA, f.Group != "" && !s.Member, f.AtRisk && s.Ways&(s.Ways-1) != 0,
		f.Way == people.WithoutPhone && s.Ways.Has(user.WithPhone), f.Way == people.WithoutStrong && s.Ways.Has(user.WithPhone|user.WithTOTP|user.WithPasskey|user.WithPrintedCode), bits[f.Way] != 0 && !s.Ways.Has(bits[f.Way]),
		f.SignIn == people.Never && s.LastSignInAt != nil, f.Query != "" && !strings.HasPrefix(s.Name, f.Query),
		since[f.SignIn] > 0 && (s.LastSignInAt == nil || !s.LastSignInAt.Before(now.Add(-since[f.SignIn]))):
		return false
	}
	return true
}

// TestFiltersTogether among so many people that no page looks at all of them: each two
// filters find exactly whom both ask for, in order, however often the search goes on.
func TestFiltersTogether(t *testing.T) {
	each(t, func(o *office) {
		t := o.T
		const many = 45_000
		numbers := "generate_series(1, ?) AS i"
		if o.DB.Dialect == store.SQLite {
			numbers = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT i FROM n)"
		}
		o.Set("DELETE FROM habits")
		o.Set(`INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, ways, created_at)
			SELECT ?, 'many-' || i, 'm' || substr(CAST(1000000 + (i * 7919) % 1000003 AS text), 2) || '-' || i || '@alder.example', '',
			CASE WHEN i % 9000 = 4 THEN 'locked' ELSE 'active' END, CASE WHEN i % 2 = 1 THEN 'enforced' ELSE 'disabled' END, '',
			CASE WHEN i % 2 = 0 THEN 4 ELSE 2 END + CASE WHEN i % 4 = 1 THEN 1 ELSE 0 END + CASE WHEN i % 500 = 3 THEN 128 ELSE 0 END, ? FROM `+numbers,
			o.Alder.ID, o.DB.Now(), many)
		o.Set("INSERT INTO user_words (tenant_id, word, user_id) SELECT tenant_id, substr(name, 1, 7), id FROM users WHERE id LIKE 'many-%'")
		for days, of := range map[int]string{10: "'many-%7'", 40: "'many-%8'", 100: "'many-%9'"} {
			o.Set("UPDATE users SET last_signin_at = ? WHERE id LIKE "+of, o.Clock.Now().Add(-time.Duration(days)*24*time.Hour))
		}
		group := o.group(o.Alder, "large")
		o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) SELECT tenant_id, ?, id, name FROM users WHERE id LIKE 'many-%' AND id NOT LIKE '%5'", group)
		if o.DB.Dialect == store.Postgres {
			if _, err := o.DB.Pool().ExecContext(t.Context(), "ANALYZE users, group_members, user_words"); err != nil {
				t.Fatal(err)
			}
		}
		var all []somebody
		if err := o.DB.View(t.Context()).All(&all, `SELECT u.id, u.name, u.state, u.mfa_state, u.ways, u.last_signin_at,
			EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = u.tenant_id AND m.user_id = u.id AND m.group_id = ?) AS member
			FROM users u WHERE u.tenant_id = ? ORDER BY u.name`, group, o.Alder.ID); err != nil {
			t.Fatal(err)
		}
		some := []people.Filter{
			{State: user.Active},
			{State: user.Locked},
			{MFA: people.MFAEnforced},
			{Way: people.WithTOTP},
			{Way: people.WithStaticPasscode},
			{Way: people.WithoutPhone},
			{AtRisk: true},
			{Way: people.WithoutStrong},
			{Group: group},
			{SignIn: people.Never},
			{SignIn: people.Past30},
			{SignIn: people.Past90},
			{Query: "m00"},
			{Query: "m"},
		}
		goneOn := 0
		for i, one := range some {
			for _, other := range some[:i] {
				both, ok := narrowed{filter: one}.and(narrowed{filter: other})
				if !ok {
					continue
				}
				goneOn += o.agrees(both, all)
			}
		}
		goneOn += o.agrees(people.Filter{MFA: people.MFAEnforced, Way: people.WithTOTP, Group: group, State: user.Active}, all)
		if goneOn < 5 {
			t.Errorf("the search went on %d times: too few people to prove anything", goneOn)
		}
	})
}

// agrees walks the pages of a filter, at most five that are whole, and
// compares them with everybody who fits. It gives how often a search went on.
func (o *office) agrees(f people.Filter, all []somebody) (goneOn int) {
	o.T.Helper()
	var want []string
	for _, s := range all {
		if s.fits(f, o.Clock.Now()) {
			want = append(want, s.Name)
		}
	}
	ordered := f.SignIn != people.Past30 && f.SignIn != people.Past90 && f.Query == "" || f.Group != ""
	if !ordered && len(want) > 5*people.PageMost {
		return 0 // by a word or a time: only the whole can be compared
	}
	var got []string
	at, pages := people.Position{}, 0
	for pages < 5 && goneOn < 60 {
		page, err := o.people.List(o.T.Context(), o.Alder.ID, o.admin.ID, f, at, people.Position{})
		if err != nil {
			o.T.Fatal(err)
		}
		for _, r := range page.Rows {
			got = append(got, r.Name)
		}
		if page.Cut {
			goneOn++
		} else {
			pages++
		}
		if at = page.Next; at == (people.Position{}) {
			break
		}
	}
	if at != (people.Position{}) && len(want) > len(got) {
		want = want[:len(got)]
	}
	if !ordered {
		slices.Sort(got)
	}
	if !slices.Equal(got, want) {
		o.T.Errorf("%+v finds %d people, want %d: %s", f, len(got), len(want), firstDifference(got, want))
	}
	// And backwards from behind all that are many: the same people.
	before := slices.DeleteFunc(slices.Clone(want), func(name string) bool { return name >= "n" })
	if page, err := o.people.List(o.T.Context(), o.Alder.ID, o.admin.ID, f, people.Position{}, people.Position{Key: "n", ID: "n"}); ordered && len(want) < people.PageMost {
		if err != nil || !page.Cut && len(page.Rows) != len(before) {
			o.T.Errorf("%+v backwards finds %d people, want %d: %v", f, len(page.Rows), len(before), err)
		}
	}
	return goneOn
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("at %d %s, want %s", i, got[i], want[i])
		}
	}
	return "one of them is longer"
}
