package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/people"
	"latchkey/app/store"
	"latchkey/app/user"
)

// list gives the sign-in names of the first page, without their domain.
func (o *office) list(actor user.User, f people.Filter) string {
	o.T.Helper()
	page, err := o.people.List(o.T.Context(), actor.TenantID, actor.ID, f, people.Position{}, people.Position{})
	if err != nil {
		o.T.Fatalf("List(%+v): %v", f, err)
	}
	return names(page)
}

func names(page people.Page) string {
	var all []string
	for _, r := range page.Rows {
		name, _, _ := strings.Cut(r.Name, "@")
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

func TestEachFilterFindsItsPeople(t *testing.T) {
	each(t, func(o *office) {
		everybody := "admin auditor desk lead nurse second security"
		bare := o.bare("bare")
		o.PhoneOf(o.nurse)
		o.SheetOf(o.desk)
		o.Lock(o.lead)
		o.Set("UPDATE users SET mfa_state = 'enforced' WHERE id = ?", o.desk.ID)
		o.Set("UPDATE users SET last_signin_at = ? WHERE id = ?", o.Clock.Now().Add(-40*24*time.Hour), o.nurse.ID)
		o.Set("UPDATE users SET last_signin_at = ? WHERE id = ?", o.Clock.Now().Add(-100*24*time.Hour), o.desk.ID)
		o.Set("UPDATE users SET last_signin_at = ? WHERE id = ?", o.Clock.Now(), o.admin.ID)
		group := o.group(o.Alder, "field", o.nurse, o.desk)
		for _, row := range []struct {
			claim  string
			filter people.Filter
			want   string
		}{
			{"nothing", people.Filter{}, "admin auditor bare desk lead nurse second security"},
			{"the active", people.Filter{State: user.Active}, "admin auditor bare desk nurse second security"},
			{"the locked", people.Filter{State: user.Locked}, "lead"},
			{"the disabled", people.Filter{State: user.Disabled}, ""},
			{"who needs a second factor", people.Filter{MFA: people.MFAEnforced}, "desk"},
			{"who does not", people.Filter{MFA: people.MFADisabled}, "admin auditor bare lead nurse second security"},
			{"who has a password", people.Filter{Way: people.WithPassword}, everybody},
			{"who has none", people.Filter{Way: people.WithoutPassword}, "bare"},
			{"who has a phone", people.Filter{Way: people.WithPhone}, "nurse"},
			{"who has none", people.Filter{Way: people.WithoutPhone}, "admin auditor bare desk lead second security"},
			{"who has printed codes", people.Filter{Way: people.WithPrintedCode}, "desk"},
			{"who has weaker ways alone", people.Filter{Way: people.WithoutStrong}, "admin auditor bare lead second security"},
			{"who is at risk", people.Filter{AtRisk: true}, "admin auditor bare lead second security"},
			{"members", people.Filter{Group: group}, "desk nurse"},
			{"members of no group", people.Filter{Group: "none such"}, ""},
			{"who never signed in", people.Filter{SignIn: people.Never}, "auditor bare lead second security"},
			{"who did not for 30 days, the longest ago first", people.Filter{SignIn: people.Past30}, "desk nurse"},
			{"who did not for 90 days", people.Filter{SignIn: people.Past90}, "desk"},
			{"a beginning of a word", people.Filter{Query: "SE"}, "second security"},
			{"a whole word", people.Filter{Query: "desk"}, "desk"},
			{"a word that nobody has", people.Filter{Query: "nobody"}, ""},
			{"two words", people.Filter{Query: "nu nurse"}, "nurse"},
			{"two words, one of them somebody else's", people.Filter{Query: "nurse desk"}, ""},
			{"a sign-in name", people.Filter{Query: "Nurse@alder.example"}, "nurse"},
			{"the beginning of one", people.Filter{Query: "nurse@al"}, "nurse"},
			{"a sign-in name of elsewhere", people.Filter{Query: "nurse@birch"}, ""},
			{"the beginning of a name, with the whole domain", people.Filter{Query: "mar@alder.example"}, ""},
			{"words of pattern", people.Filter{Query: "%"}, ""},
			{"all at once", people.Filter{State: user.Active, MFA: people.MFADisabled, Way: people.WithPhone, Group: group, SignIn: people.Past30, Query: "nur"}, "nurse"},
			{"all but one at once", people.Filter{State: user.Active, MFA: people.MFAEnforced, Way: people.WithPhone, Group: group, Query: "nur"}, ""},
			{"values that are none", people.Filter{State: "x", MFA: "x", Way: "x", SignIn: "x"}, "admin auditor bare desk lead nurse second security"},
		} {
			if got := o.list(o.admin, row.filter); got != row.want {
				t.Errorf("%s: %q, want %q", row.claim, got, row.want)
			}
		}
		if bare.ID == "" {
			t.Error("nobody is bare")
		}
	})
}

// Each way in finds who has it, also as their only one, and nobody else; and is named
// in the list as it is in the filter.
func TestEveryWayIsFoundAndNamed(t *testing.T) {
	each(t, func(o *office) {
		bits := map[string]user.Ways{
			people.WithPasskey: user.WithPasskey, people.WithPhone: user.WithPhone, people.WithTOTP: user.WithTOTP, people.WithPrintedCode: user.WithPrintedCode, people.WithVoice: user.WithVoice,
			people.WithSMS: user.WithSMS, people.WithPassword: user.WithPassword, people.WithStaticPasscode: user.WithStaticPasscode, people.WithBypass: user.WithBypass,
		}
		o.Set("UPDATE users SET ways = 0 WHERE tenant_id = ?", o.Alder.ID)
		only := map[string]user.User{}
		for way, bit := range bits {
			only[way] = o.bare("only-" + strings.ReplaceAll(way, "_", "-"))
			o.Set("UPDATE users SET ways = ? WHERE id = ?", bit, only[way].ID)
		}
		all := o.bare("only-z-all")
		o.Set("UPDATE users SET ways = 511 WHERE id = ?", all.ID)
		for way := range bits {
			page, err := o.people.List(t.Context(), o.Alder.ID, o.admin.ID, people.Filter{Way: way}, people.Position{}, people.Position{})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Rows) != 2 || page.Rows[0].ID != only[way].ID || page.Rows[1].ID != all.ID {
				t.Errorf("with %s: %q", way, names(page))
				continue
			}
			if has := page.Rows[0].Has(); !slices.Equal(has, []string{way}) {
				t.Errorf("who has %s alone has %v", way, has)
			}
			if has := page.Rows[1].Has(); len(has) != len(bits) || !slices.Contains(has, way) {
				t.Errorf("who has everything has %v", has)
			}
		}
		for _, way := range people.Ways {
			if _, tried := bits[way]; !tried && way != people.WithoutPassword && way != people.WithoutPhone && way != people.WithoutStrong {
				t.Errorf("%s: not tried", way)
			}
		}
		if has := (people.Row{}).Has(); has == nil || len(has) != 0 {
			t.Errorf("who has nothing has %#v", has)
		}
	})
}

// bare makes a user of Alder without any way in.
func (o *office) bare(name string) (u user.User) {
	o.T.Helper()
	o.Act(func(tx *store.Tx) (err error) {
		u, err = user.Create(tx, o.Alder.ID, name+"@alder.example", name, "", audit.Service, audit.Origin{})
		return err
	})
	return u
}

// crowd makes many users, all in one group.
func (o *office) crowd(n int) (group string) {
	o.T.Helper()
	var all []user.User
	for i := range n {
		u := o.bare(fmt.Sprintf("crowd%03d", i))
		o.Set("UPDATE users SET last_signin_at = ? WHERE id = ?", o.Clock.Now().Add(-time.Duration(1000+i%7)*24*time.Hour), u.ID)
		all = append(all, u)
	}
	return o.group(o.Alder, "crowd", all...)
}

// Pages join without a gap and without a twin, forwards and backwards, in every
// order that a list has.
func TestPagesJoinBothWays(t *testing.T) {
	each(t, func(o *office) {
		group := o.crowd(123)
		other := o.group(o.Alder, "other", o.nurse)
		o.limit(o.lead, group, other)
		for _, row := range []struct {
			claim  string
			actor  user.User
			filter people.Filter
			all    int
		}{
			{"by name", o.admin, people.Filter{}, 130},
			{"by name, filtered", o.admin, people.Filter{Way: people.WithoutPassword}, 123},
			{"by member", o.admin, people.Filter{Group: group}, 123},
			{"by members of several groups", o.lead, people.Filter{}, 124},
			{"by last sign-in", o.admin, people.Filter{SignIn: people.Past90}, 123},
			{"by word", o.admin, people.Filter{Query: "cro"}, 123},
			{"by word, in groups", o.lead, people.Filter{Query: "cro"}, 123},
		} {
			var pages []people.Page
			var seen []string
			at := people.Position{}
			for {
				page, err := o.people.List(t.Context(), o.Alder.ID, row.actor.ID, row.filter, people.ParsePosition(at.String()), people.Position{})
				if err != nil {
					t.Fatal(err)
				}
				pages = append(pages, page)
				seen = append(seen, strings.Fields(names(page))...)
				if page.Next == (people.Position{}) || len(pages) > 9 {
					break
				}
				at = page.Next
			}
			if len(seen) != row.all || len(pages) != 3 {
				t.Errorf("%s: %d people on %d pages, want %d on 3", row.claim, len(seen), len(pages), row.all)
			}
			slices.Sort(seen)
			if twins := len(seen) - len(slices.Compact(seen)); twins > 0 {
				t.Errorf("%s: %d people stand in it twice", row.claim, twins)
			}
			if pages[0].Previous != (people.Position{}) {
				t.Errorf("%s: the first page has one before it", row.claim)
			}
			for i := len(pages) - 1; i > 0; i-- {
				back, err := o.people.List(t.Context(), o.Alder.ID, row.actor.ID, row.filter, people.Position{}, people.ParsePosition(pages[i].Previous.String()))
				if err != nil {
					t.Fatal(err)
				}
				if names(back) != names(pages[i-1]) {
					t.Errorf("%s: back from page %d come %q, want %q", row.claim, i+1, names(back), names(pages[i-1]))
				}
				if back.Next != pages[i-1].Next || (back.Previous == people.Position{}) != (i == 1) {
					t.Errorf("%s: the page before %d leads to %v and %v", row.claim, i+1, back.Previous, back.Next)
				}
			}
		}
	})
}

// Whoever is limited to groups finds their members and nobody else.
func TestScopedRoleSeesItsGroupsAlone(t *testing.T) {
	each(t, func(o *office) {
		field, office := o.group(o.Alder, "field", o.nurse), o.group(o.Alder, "office", o.admin, o.nurse)
		o.limit(o.desk, field)
		for filter, want := range map[people.Filter]string{
			{}:                     "nurse",
			{Query: "admin"}:       "",
			{Query: "nurse"}:       "nurse",
			{Query: "admin@"}:      "",
			{Group: office}:        "nurse",
			{Group: field}:         "nurse",
			{State: user.Active}:   "nurse",
			{SignIn: people.Never}: "nurse",
			{AtRisk: true}:         "nurse",
		} {
			if got := o.list(o.desk, filter); got != want {
				t.Errorf("%+v: %q, want %q", filter, got, want)
			}
		}
		groups, err := o.people.GroupsOf(t.Context(), o.Alder.ID, o.desk.ID)
		if err != nil || len(groups) != 1 || groups[0].Name != "field" {
			t.Errorf("GroupsOf = %v, %v; want field alone", groups, err)
		}
	})
}

// A person with several words that begin alike stands in the list once.
func TestSearchNamesNobodyTwice(t *testing.T) {
	each(t, func(o *office) {
		o.Act(func(tx *store.Tx) error {
			_, err := user.Create(tx, o.Alder.ID, "porter.portering@alder.example", "Porter Ṕortable Portering", "", audit.Service, audit.Origin{})
			return err
		})
		for query, want := range map[string]string{"por": "porter.portering", "porteri": "porter.portering", "porter porteri ṕo": "porter.portering", "ṔOR": "porter.portering", "portering b": ""} {
			if got := o.list(o.admin, people.Filter{Query: query}); got != want {
				t.Errorf("%q: %q, want %q", query, got, want)
			}
		}
	})
}

func TestPositionsAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]people.Position{
		"":                     {},
		"no comma":             {},
		"nurse@alder.example,": {Key: "nurse@alder.example"},
		"a,b@alder.example,":   {Key: "a,b@alder.example"},
		"1700000000000000,id":  {Key: "1700000000000000", ID: "id"},
	} {
		if got := people.ParsePosition(text); got != want {
			t.Errorf("ParsePosition(%q) = %+v, want %+v", text, got, want)
		}
	}
}
