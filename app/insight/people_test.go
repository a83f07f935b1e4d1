package insight_test

import (
	"testing"
	"time"

	"latchkey/app/access"
	"latchkey/app/feature"
	"latchkey/app/insight"
	"latchkey/app/user"
)

// found is what was counted of alder.
func (o *office) found(days int) insight.Insight {
	o.T.Helper()
	found, err := o.insights.Of(o.T.Context(), o.Alder.ID, days)
	if err != nil {
		o.T.Fatal(err)
	}
	return found
}

// again counts at once, however fresh the figures are.
func (o *office) again() insight.Crowd {
	o.T.Helper()
	o.Set("UPDATE insights SET taken_at = NULL")
	o.count()
	return o.found(7).Crowd
}

// has gives somebody ways in, whatever stands behind them.
func (o *office) has(u user.User, ways user.Ways) {
	o.Set("UPDATE users SET ways = ? WHERE id = ?", int(ways), u.ID)
}

// TestWhoMayWhoHasAndWhoUses: by ring, and a funnel in which nobody is twice.
func TestWhoMayWhoHasAndWhoUses(t *testing.T) {
	each(t, func(o *office) {
		now := o.noon()
		o.Set("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,'pilot','pilot',?), (?,'field','field',?)", o.Alder.ID, now, o.Alder.ID, now)
		people := map[string]user.User{}
		for _, name := range []string{"uses", "used", "on", "phone", "none", "out", "rest"} {
			people[name] = o.User(o.Alder, name)
			o.has(people[name], user.WithPassword)
		}
		o.Set("UPDATE users SET seed = 0 WHERE tenant_id = ?", o.Alder.ID)
		entry, _ := feature.Find(feature.PhoneSignIn)
		far := int64(1)
		for entry.Place(far) < 5_000 {
			far++
		}
		near := int64(1)
		for entry.Place(near) >= 5_000 {
			near++
		}
		o.Set("UPDATE users SET seed = ? WHERE tenant_id = ?", far, o.Alder.ID)
		o.Set("UPDATE users SET seed = ? WHERE id IN (?, ?)", near, people["phone"].ID, people["none"].ID)
		for name, group := range map[string]string{"uses": "pilot", "used": "pilot", "on": "pilot", "out": "field"} {
			o.Set("INSERT INTO group_members (tenant_id, group_id, user_id, user_name) VALUES (?,?,?,?)", o.Alder.ID, group, people[name].ID, people[name].Name)
		}
		for _, name := range []string{"uses", "used", "on", "out", "rest"} {
			o.has(people[name], user.WithPassword|user.WithPhone)
		}
		o.Set(`INSERT INTO devices (tenant_id, account_id, id, user_id, name, platform, public_key, pin_digest, state, phone_sign_in, created_at)
			VALUES (?,'a','k',?,'A phone','ios','','','active',FALSE,?)`, o.Alder.ID, people["phone"].ID, now)
		o.opens(feature.PhoneSignIn, feature.Rule{Stage: feature.Percentage, Share: 50, Include: []string{"pilot"}, Exclude: []string{"field"}})
		o.decided(people["uses"], now.AddDate(0, 0, -2), user.WithPhone, "pilot")
		o.Set("INSERT INTO way_uses (tenant_id, user_id, way, first_at, last_at) VALUES (?,?,2,?,?)", o.Alder.ID, people["used"].ID, now.AddDate(0, 0, -90), now.AddDate(0, 0, -60))
		crowd := o.again()
		all := crowd.Features[feature.PhoneSignIn]
		for ring, want := range map[feature.Ring]insight.Adoption{
			feature.RingGroups:     {People: 3, May: 3, Bound: 3, Used: 1},
			feature.RingPercentage: {People: 2, May: 2},
			feature.RingExcluded:   {People: 1},
			feature.RingRest:       {People: 1},
		} {
			if got := all[ring]; got == nil || *got != want {
				o.T.Errorf("%s: %+v, want %+v", ring, got, want)
			}
		}
		if want := (insight.Funnel{May: 5, Phone: 4, On: 3, SignIn: 2}); crowd.Funnel != want || crowd.People != 7 {
			o.T.Errorf("%d people, funnel %+v, want %+v", crowd.People, crowd.Funnel, want)
		}
		if a := crowd.Features[feature.Applications][feature.RingRest]; a == nil || *a != (insight.Adoption{People: 7, May: 7}) {
			o.T.Errorf("what is no way in: %+v", a)
		}
		if other, err := o.insights.Of(o.T.Context(), o.Birch.ID, 7); err != nil || other.Crowd.People != 0 {
			o.T.Errorf("another tenant: %+v, %v", other.Crowd, err)
		}
	})
}

// TestWhoIsAtRisk is judged by what leads in, and not by what is bound.
func TestWhoIsAtRisk(t *testing.T) {
	each(t, func(o *office) {
		o.noon()
		security, admin := o.Admin(o.Alder, "security", access.RoleSecurityAdministrator), o.Admin(o.Alder, "admin", access.RoleTenantAdministrator)
		desk := o.Admin(o.Alder, "desk", access.RoleHelpdesk)
		for name, ways := range map[string]user.Ways{"none": 0, "password": user.WithPassword, "safe": user.WithPassword | user.WithTOTP | user.WithPhone, "shut": user.WithPasskey, "key": user.WithTOTP | user.WithPasskey} {
			o.has(o.User(o.Alder, name), ways)
		}
		o.has(security, user.WithPassword|user.WithPhone)
		o.has(admin, user.WithPassword)
		o.has(desk, user.WithPhone)
		locked := o.User(o.Alder, "locked")
		o.has(locked, 0)
		o.Set("UPDATE users SET state = 'locked' WHERE id = ?", locked.ID)
		o.opens(feature.Passkeys, feature.Rule{Stage: feature.Off})
		crowd := o.again()
		names := func(r insight.Risk) map[string]bool {
			all := map[string]bool{}
			for _, w := range crowd.Risks[r].Some {
				all[w.Name] = true
			}
			if len(all) != crowd.Risks[r].Count {
				o.T.Errorf("%s: %d, and these are named: %v", r, crowd.Risks[r].Count, all)
			}
			return all
		}
		for risk, want := range map[insight.Risk][]string{
			insight.NoWay: {"none", "shut"}, insight.OneWay: {"password", "key", "admin", "desk"}, insight.Weak: {"password", "admin"}, insight.Administers: {"admin"},
		} {
			got := names(risk)
			for _, name := range want {
				if !got[name+"@alder.example"] {
					o.T.Errorf("%s lacks %s: %v", risk, name, got)
				}
			}
			if len(got) != len(want) {
				o.T.Errorf("%s: %v, want %v", risk, got, want)
			}
		}
	})
}

// TestRatesAreOfWhatWasTried, day by day and in all.
func TestRatesAreOfWhatWasTried(t *testing.T) {
	each(t, func(o *office) {
		now := o.noon()
		for _, row := range []struct {
			days            int
			subject, figure string
			n               int
		}{
			{0, "way:phone", insight.Finished, 6},
			{0, "way:phone", insight.Failed, 2},
			{0, "way:password", insight.Left, 5},
			{1, "way:phone", insight.Failed, 1},
			{1, "way:password", insight.Blocked, 3},
			{6, "way:password", insight.Finished, 9},
			{7, "way:password", insight.Finished, 100},
			{0, "feature:totp", insight.Touched, 50},
		} {
			o.Set("INSERT INTO insight_days (tenant_id, day, subject, figure, n) VALUES (?,?,?,?,?)", o.Alder.ID, string(insight.DayOf(now.AddDate(0, 0, -row.days))), row.subject, row.figure, row.n)
		}
		found := o.found(7)
		if len(found.Days) != 7 || len(found.Ways) != 2 || found.Ways[0].Name != "phone" || !found.AsOf.IsZero() {
			o.T.Fatalf("%+v", found)
		}
		if rate, ok := found.Ways[0].Days[6].Rate(); !ok || rate != 25 {
			o.T.Errorf("today's rate is %v", rate)
		}
		if _, ok := found.Ways[1].Days[6].Rate(); ok {
			o.T.Error("there is a rate of what was not tried")
		}
		if all := found.Ways[0].All().And(found.Ways[1].All()); all != (insight.Tries{Finished: 15, Failed: 3, Left: 5, Blocked: 3}) {
			o.T.Errorf("in all %+v", all)
		}
		if days := found.ByDay(); days[5] != (insight.Tries{Failed: 1, Blocked: 3}) || days[0].Finished != 9 {
			o.T.Errorf("by day %+v", days)
		}
		if n := len(o.found(30).Ways[1].Days); n != 30 {
			o.T.Errorf("%d days", n)
		}
		o.Clock.Forward((insight.Kept + 1) * 24 * time.Hour)
		if err := insight.Forget(o.T.Context(), o.DB); err != nil || o.Count("SELECT count(*) FROM insight_days") != 0 {
			o.T.Errorf("old figures stay: %v", err)
		}
	})
}
