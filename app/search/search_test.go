package search_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"latchkey/app/access"
	"latchkey/app/approval"
	"latchkey/app/cases"
	"latchkey/app/group"
	"latchkey/app/role"
	"latchkey/app/search"
	"latchkey/app/signin/signintest"
	"latchkey/app/store/storetest"
	"latchkey/app/tenant"
	"latchkey/app/ticket"
	"latchkey/app/user"
)

func TestMain(m *testing.M) { os.Exit(storetest.Main(m)) }

type house struct {
	*signintest.House
	Search    *search.Service
	Approvals *approval.Service
	admin     user.User
}

func each(t *testing.T, story func(t *testing.T, h *house)) {
	t.Helper()
	signintest.Each(t, func(s *signintest.House) {
		h := &house{House: s}
		h.Approvals = &approval.Service{DB: s.DB, Rules: s.Rules, Hub: s.Hub}
		roles := &role.Service{DB: s.DB, Keys: s.Keys, Rules: s.Rules, Approvals: h.Approvals}
		h.Approvals.Performers = roles.Performers()
		h.Search = &search.Service{DB: s.DB, Groups: &group.Service{DB: s.DB, Rules: s.Rules, Roles: roles}, Approvals: h.Approvals, Tickets: &ticket.Service{DB: s.DB}, Cases: &cases.Service{DB: s.DB, Rules: s.Rules}}
		h.admin = h.Admin(h.Alder, "admin", access.RoleTenantAdministrator)
		story(s.T, h)
	})
}

// person makes somebody with a display name.
func (h *house) person(of tenant.Tenant, name, display string) user.User {
	h.T.Helper()
	u := h.User(of, name)
	h.Set("DELETE FROM user_words WHERE user_id = ?", u.ID)
	h.Set("UPDATE users SET display_name = ? WHERE id = ?", display, u.ID)
	for _, word := range user.Words(u.Name, display) {
		h.Set("INSERT INTO user_words (tenant_id, word, user_id) VALUES (?,?,?)", of.ID, word, u.ID)
	}
	return u
}

func (h *house) find(by user.User, typed string) search.Found {
	h.T.Helper()
	found, err := h.Search.Find(h.T.Context(), h.Rules.Standing(by.TenantID, by.ID), typed)
	if err != nil {
		h.T.Fatalf("Find(%q) = %v", typed, err)
	}
	return found
}

func names(people []search.Person) string {
	var all []string
	for _, p := range people {
		name, _, _ := strings.Cut(p.Name, "@")
		all = append(all, name)
	}
	return strings.Join(all, " ")
}

func TestPeopleAreFoundByTheBeginningsOfTheirWords(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.person(h.Alder, "nights.ward", "Nights Ward")
		h.person(h.Alder, "night-east", "Night-East Übung")
		h.person(h.Alder, "ward2", "Wardrobe Helper")
		h.person(h.Alder, "x.y+z", "Dr. med. Ärztin O'Level-Ward")
		h.person(h.Alder, "percent%", "100% _under")
		h.person(h.Birch, "nights.ward", "Nights Ward")
		for typed, want := range map[string]string{
			"nights":                      "nights.ward",
			"NIGHT":                       "night-east nights.ward",
			"ward":                        "x.y+z nights.ward ward2",
			"night ward":                  "nights.ward",
			"ward, night":                 "", // a comma belongs to no name
			"  ward   nights ":            "nights.ward",
			"nights ward helper":          "",
			"night ea":                    "night-east",
			"night-ea":                    "night-east",
			"üb":                          "night-east",
			"ÄRZ":                         "x.y+z",
			"o'l":                         "x.y+z",
			"z":                           "x.y+z",
			"100%":                        "percent%",
			"%":                           "",
			"_":                           "",
			"_under":                      "percent%",
			"":                            "",
			" ":                           "",
			"nights.ward@alder.example":   "nights.ward",
			"Nights.Ward@al":              "nights.ward",
			"nights.ward@birch.example":   "",
			"@alder.example":              "",
			"ights":                       "",
			"\xff":                        "",
			strings.Repeat("a", 201):      "",
			strings.Repeat("nights ", 25): "nights.ward",
		} {
			if got := names(h.find(h.admin, typed).People); got != want {
				t.Errorf("Find(%q) = %q, want %q", typed, got, want)
			}
		}
	})
}

func TestOfEachKindThereAreAFew(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		for i := range 30 {
			h.Set("INSERT INTO users (tenant_id, id, name, display_name, state, mfa_state, password_hash, created_at) VALUES (?,?,?,?,'active','disabled','',?)",
				h.Alder.ID, fmt.Sprintf("u%02d", i), fmt.Sprintf("many%02d@alder.example", i), "Many Staff", h.Clock.Now())
			for _, word := range []string{"many", "staff", fmt.Sprintf("many%02d", i)} {
				h.Set("INSERT INTO user_words (tenant_id, word, user_id) VALUES (?,?,?)", h.Alder.ID, word, fmt.Sprintf("u%02d", i))
			}
			h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", h.Alder.ID, fmt.Sprintf("g%02d", i), fmt.Sprintf("many %02d", i), h.Clock.Now())
		}
		found := h.find(h.admin, "many")
		if len(found.People) != search.Most || len(found.Groups) != search.Most {
			t.Errorf("found %d people and %d groups", len(found.People), len(found.Groups))
		}
		seen := map[string]bool{}
		for _, p := range found.People {
			if seen[p.ID] {
				t.Errorf("%s is found twice", p.Name)
			}
			seen[p.ID] = true
		}
		if got := names(h.find(h.admin, "staff many27").People); got != "many27" {
			t.Errorf("the one = %q", got)
		}
		if got := len(h.find(h.admin, "many1@").People) + len(h.find(h.admin, "many1").People); got != 8 {
			t.Errorf("found %d", got)
		}
	})
}

func TestPhonesAreFoundByTheirIds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nurse := h.person(h.Alder, "nurse", "Nurse")
		p, account := h.PhoneOf(nurse)
		_, other := h.PhoneOf(h.User(h.Birch, "porter"))
		for typed, want := range map[string]int{
			p.ID: 1, p.ID[:8]: 1, p.ID[:20]: 1, p.ID[:7]: 0, p.ID[1:]: 0, strings.ToLower(p.ID) + "x": 0,
			account.AccountID: 1, account.AccountID[:8]: 1, account.AccountID + "a": 0, other.AccountID: 0, other.AccountID[:10]: 0,
			"________": 0, "%%%%%%%%": 0, account.AccountID[:8] + "%": 0,
		} {
			phones := h.find(h.admin, typed).Phones
			if len(phones) != want || want == 1 && (phones[0].AccountID != account.AccountID || phones[0].Name != nurse.Name || phones[0].Platform != "ios") {
				t.Errorf("Find(%q) = %+v, want %d", typed, phones, want)
			}
		}
		h.Set("UPDATE devices SET state = 'revoked' WHERE user_id = ?", nurse.ID)
		if got := h.find(h.admin, account.AccountID).Phones; len(got) != 0 {
			t.Errorf("a phone that was removed is found: %+v", got)
		}
	})
}

// TestSheetsAreFoundByTheirNumbers, as they are printed and typed, for as long as the
// paper may turn up.
func TestSheetsAreFoundByTheirNumbers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nurse, porter := h.person(h.Alder, "nurse", "Nurse"), h.User(h.Birch, "porter")
		for serial, u := range map[string]user.User{"7K0MQ1XW": nurse, "7K0MAAAA": porter} {
			h.SheetOf(u)
			h.Set("UPDATE code_sheets SET serial = ? WHERE user_id = ?", serial, u.ID)
		}
		for typed, want := range map[string]int{
			"7K0M-Q1XW": 1, "7k0mq1xw": 1, "7K0M": 1, "7k0m-q": 1, "7KoM-QlXW": 1, "7K0": 0, "7K0MQ1XWA": 0, "K0MQ1XW": 0, "7K0M-AAAA": 0, "7K0M-A": 0,
			"%%%%": 0, "____": 0, "7K0M%": 0, "ZZZZZZZZ": 0,
		} {
			sheets := h.find(h.admin, typed).Sheets
			if len(sheets) != want || want == 1 && (sheets[0].ID != nurse.ID || sheets[0].Serial != "7K0MQ1XW" || sheets[0].CodeState != "active") {
				t.Errorf("Find(%q) = %+v, want %d", typed, sheets, want)
			}
		}
		h.SheetOf(nurse)
		if got := h.find(h.admin, "7K0MQ1XW").Sheets; len(got) != 1 || got[0].CodeState != "replaced" {
			t.Errorf("a sheet that was replaced: %+v", got)
		}
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'staff','staff',?)", h.Alder.ID, h.Clock.Now())
		desk := h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,'staff')", h.Alder.ID, desk.ID)
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := h.find(desk, "7K0M").Sheets; len(got) != 0 {
			t.Errorf("somebody limited to a group finds %+v outside", got)
		}
		if got := h.find(nurse, "7K0M").Sheets; len(got) != 0 {
			t.Errorf("a user without a role finds %+v", got)
		}
	})
}

func TestARequestIsFoundByThoseWhoMaySeeIt(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		one, two, three := h.Admin(h.Alder, "s1", access.RoleSecurityAdministrator), h.Admin(h.Alder, "s2", access.RoleSecurityAdministrator), h.User(h.Alder, "s3")
		desk := h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		birch := h.Admin(h.Birch, "s1", access.RoleSecurityAdministrator)
		act := approval.Act{Kind: role.KindAssign, TenantID: h.Alder.ID, ActorID: one.ID, TargetID: three.ID, Reason: "a third"}
		out, err := h.Approvals.Submit(t.Context(), act.With(role.Assignment{Role: access.RoleSecurityAdministrator}))
		if err != nil || !out.Waits() {
			t.Fatalf("Submit = %+v, %v", out, err)
		}
		for _, c := range []struct {
			by   user.User
			want int
		}{{one, 1}, {two, 1}, {h.admin, 1}, {desk, 0}, {birch, 0}} {
			if got := h.find(c.by, " "+out.RequestID+" ").Requests; len(got) != c.want {
				t.Errorf("%s finds %d requests, want %d", c.by.Name, len(got), c.want)
			}
		}
		if got := h.find(one, out.RequestID[:25]).Requests; len(got) != 0 {
			t.Error("a request is found by a part of its id")
		}
	})
}

func TestWhoIsLimitedToGroupsFindsNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nurse, porter := h.person(h.Alder, "nurse", "Nurse Staff"), h.person(h.Alder, "porter", "Porter Staff")
		_, nurses := h.PhoneOf(nurse)
		_, porters := h.PhoneOf(porter)
		for _, g := range []string{"staff", "stage"} {
			h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", h.Alder.ID, g, g, h.Clock.Now())
		}
		h.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", h.Alder.ID, "staff", nurse.ID, nurse.Name)
		desk := h.Admin(h.Alder, "desk", access.RoleHelpdesk)
		h.Set("INSERT INTO role_scopes (tenant_id, user_id, group_id) VALUES (?,?,?)", h.Alder.ID, desk.ID, "staff")
		if err := h.Rules.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := names(h.find(desk, "sta").People); got != "nurse" {
			t.Errorf("found %q", got)
		}
		if got := h.find(desk, "sta").Groups; len(got) != 1 || got[0].ID != "staff" {
			t.Errorf("found %+v", got)
		}
		for typed, want := range map[string]int{nurse.Name: 1, porter.Name: 0, "alder": 0} {
			if got := len(h.find(desk, typed).People); got != want {
				t.Errorf("Find(%q) = %d people, want %d", typed, got, want)
			}
		}
		if len(h.find(desk, nurses.AccountID).Phones) != 1 || len(h.find(desk, porters.AccountID).Phones) != 0 {
			t.Error("phones are not found by scope")
		}
	})
}

func TestWhatSomebodyMayNotSeeIsNotLookedFor(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		nurse := h.person(h.Alder, "nurse", "Nurse")
		h.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'nurses','nurses',?)", h.Alder.ID, h.Clock.Now())
		if found := h.find(nurse, "nurse"); !found.None() {
			t.Errorf("a user without a role finds %+v", found)
		}
		stranger := h.Admin(h.Birch, "security", access.RoleSecurityAdministrator)
		if found := h.find(stranger, "nurse"); !found.None() {
			t.Errorf("an administrator of another organisation finds %+v", found)
		}
		none := access.Standing{TenantID: h.Alder.ID, UserID: stranger.ID}
		if found, err := h.Search.Find(t.Context(), none, "nurse"); err != nil || !found.None() {
			t.Errorf("who may nothing finds %+v, %v", found, err)
		}
	})
}
