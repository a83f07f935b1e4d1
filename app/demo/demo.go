// Package demo fills an empty database with two made-up organisations, so that
// everything can be tried at once. It touches no database that holds others.
package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"latchkey/app/access"
	"latchkey/app/audit"
	"latchkey/app/decision"
	"latchkey/app/desk"
	"latchkey/app/feature"
	"latchkey/app/outage"
	"latchkey/app/provider"
	"latchkey/app/secret"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/tenant"
	"latchkey/app/user"
)

// Tenants of the demo.
var tenants = []tenant.New{
	{Slug: "alder", Name: "Alder Health", Domain: "alder.example", Region: "eu", Ring: "early", Platforms: "ios,android,desktop"},
	{Slug: "birch", Name: "Birch Freight", Domain: "birch.example", Region: "us", Ring: "stable", Platforms: "ios,android,desktop"},
}

var administrators = []struct {
	name, display string
	role          access.Role
}{
	{"security", "Security administrator", access.RoleSecurityAdministrator},
	{"admin", "Tenant administrator", access.RoleTenantAdministrator},
	{"lead", "Helpdesk lead", access.RoleHelpdeskLead},
	{"desk", "Helpdesk", access.RoleHelpdesk},
	{"desk2", "Helpdesk", access.RoleHelpdesk},
	{"auditor", "Auditor", access.RoleAuditor},
}

// Users of each tenant and their groups.
const users = 40

func groupOf(n int) string {
	switch {
	case n <= 5:
		return "pilot"
	case n >= 20:
		return "field"
	}
	return "office"
}

// ErrNotDemo says that the database holds an organisation that is not the demo's.
var ErrNotDemo = errors.New("demo: this database holds an organisation that is not the demo's; name another one")

// managerOf gives the number of the manager of a user, 0 for none: a few have one, so
// that the helpdesk can ask somebody who knows them.
func managerOf(n int) int {
	switch {
	case n > 1 && n <= 5:
		return 1
	case n > 20 && n <= 25:
		return 20
	}
	return 0
}

// reasons are those of the desks.
var reasons = desk.Reasons{
	{Code: "left_at_home", Words: "Phone left at home", Kind: "pass_code", Minutes: 60},
	{Code: "lost", Words: "Phone lost or stolen", Ticket: true, Kind: "pass_code", Minutes: 60},
	{Code: "broken", Words: "Phone broken or battery flat", Kind: "pass_code", Minutes: 30},
}

// Fill makes what is missing and sets the password of everybody. With empty it
// leaves out the history of the last 30 days.
func Fill(ctx context.Context, db *store.DB, passwords *secret.Passwords, password string, empty bool) error {
	// A database that was made for the demo says so: its operator may have made
	// more organisations.
	var stranger string
	strange, err := db.View(ctx).One(&stranger, `SELECT slug FROM tenants WHERE slug NOT IN ('alder', 'birch', 'platform')
		AND NOT EXISTS (SELECT 1 FROM platform_settings WHERE name = 'demo') LIMIT 1`)
	if err != nil {
		return store.Unusable(err)
	}
	if strange {
		return ErrNotDemo
	}
	hash, err := passwords.Hash(ctx, password)
	if err != nil {
		return err
	}
	return db.Act(ctx, func(tx *store.Tx) error {
		var any string
		there, err := tx.One(&any, "SELECT id FROM tenants WHERE slug = 'alder'")
		if err != nil {
			return err
		}
		if there {
			// Everybody has the one password of this start.
			return tx.Exec("UPDATE users SET password_hash = ?", hash).Error
		}
		if err := tx.Exec("INSERT INTO platform_settings (name, value) VALUES ('demo', 'made')").Error; err != nil {
			return err
		}
		if err := platform(tx, hash); err != nil {
			return err
		}
		for _, t := range tenants {
			if err := fill(tx, t, hash, empty); err != nil {
				return fmt.Errorf("demo: %s: %w", t.Slug, err)
			}
		}
		return nil
	})
}

// KeepMessages lets the two organisations keep their messages on a page instead of
// sending them. It does so once: who chooses otherwise then stays with it.
func KeepMessages(ctx context.Context, db *store.DB) error {
	return db.Act(ctx, func(tx *store.Tx) error {
		first := tx.Exec("INSERT INTO platform_settings (name, value) VALUES ('demo_messages', 'kept') ON CONFLICT DO NOTHING")
		if first.Error != nil || first.RowsAffected == 0 {
			return first.Error
		}
		for _, t := range tenants {
			for _, c := range provider.Channels {
				err := tx.Exec(`INSERT INTO providers (tenant_id, channel, driver, url, account, sender, credential, version, changed_by, changed_at)
					SELECT id, ?, ?, '', '', '', '', 1, '', ? FROM tenants WHERE slug = ? ON CONFLICT DO NOTHING`, c, provider.Keep, tx.Now, t.Slug).Error
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func platform(tx *store.Tx, hash string) error {
	err := tx.Exec(`INSERT INTO tenants (id, slug, name, region, ring, state, match_mode, platforms, created_at) VALUES (?,?,?,?,?,?,?,?,?)`,
		access.Platform, access.Platform, "Latchkey", "eu", "stable", tenant.Active, tenant.Type2, "ios,android,desktop", tx.Now).Error
	if err != nil {
		return err
	}
	if err := tenant.Own(tx, access.Platform, "latchkey.example"); err != nil {
		return err
	}
	u, err := user.Create(tx, access.Platform, "operator@latchkey.example", "Platform operator", hash, audit.Service, audit.Origin{})
	if err != nil {
		return err
	}
	return user.Assign(tx, access.Platform, u.ID, access.RoleOperator, audit.Service, audit.Origin{})
}

func fill(tx *store.Tx, n tenant.New, hash string, empty bool) error {
	t, err := tenant.Create(tx, n, audit.Service, audit.Origin{})
	if err != nil {
		return err
	}
	if err := tx.Exec("UPDATE tenants SET desk_reasons = ?, ticket_pattern = ?, ticket_example = ? WHERE id = ?", reasons.Text(), "[A-Z]{2,8}-[0-9]{1,8}", "INC-1042", t.ID).Error; err != nil {
		return err
	}
	groups := map[string]string{}
	for _, name := range []string{"pilot", "field", "office"} {
		groups[name] = secret.System.ShortID()
		if err := tx.Exec("INSERT INTO groups (tenant_id, id, name, created_at) VALUES (?,?,?,?)", t.ID, groups[name], name, tx.Now).Error; err != nil {
			return err
		}
	}
	for _, a := range administrators {
		u, err := user.Create(tx, t.ID, a.name+"@"+n.Domain, a.display, hash, audit.Service, audit.Origin{})
		if err != nil {
			return err
		}
		if err := user.Assign(tx, t.ID, u.ID, a.role, audit.Service, audit.Origin{}); err != nil {
			return err
		}
		if err := join(tx, t.ID, groups["office"], u.ID); err != nil {
			return err
		}
	}
	for i := 1; i <= users; i++ {
		u, err := user.Create(tx, t.ID, fmt.Sprintf("user%d@%s", i, n.Domain), fmt.Sprintf("User %d", i), hash, audit.Service, audit.Origin{})
		if err != nil {
			return err
		}
		if err := join(tx, t.ID, groups[groupOf(i)], u.ID); err != nil {
			return err
		}
		if lead := managerOf(i); lead > 0 {
			err := tx.Exec("UPDATE users SET manager_id = (SELECT m.id FROM users m WHERE m.tenant_id = ? AND m.name = ?) WHERE tenant_id = ? AND id = ?",
				t.ID, fmt.Sprintf("user%d@%s", lead, n.Domain), t.ID, u.ID).Error
			if err != nil {
				return err
			}
		}
		if empty {
			continue
		}
		if err := history(tx, t.ID, u, i); err != nil {
			return err
		}
	}
	if empty {
		return nil
	}
	return drill(tx, t.ID, "security@"+n.Domain)
}

// drill makes up a drill of twelve days ago, which found what it would have found.
func drill(tx *store.Tx, tenantID, by string) error {
	var userID string
	if _, err := tx.One(&userID, "SELECT id FROM users WHERE tenant_id = ? AND name = ?", tenantID, by); err != nil {
		return err
	}
	then := *tx
	then.Now = tx.Now.AddDate(0, 0, -12)
	everybody := len(administrators) + users
	return outage.Keep(&then, "", audit.Event{TenantID: tenantID, Reason: "The drill of this quarter", Actor: audit.User(userID)}, outage.Rehearsed{
		ID: secret.System.ID(), Asked: outage.Asked{Failed: []outage.Channel{outage.Push, outage.SMS, outage.Voice}},
		Report: outage.Report{People: everybody, Able: everybody, ByWay: map[string]int{"password": everybody}},
	})
}

func join(tx *store.Tx, tenantID, groupID, userID string) error {
	return tx.Exec(`INSERT INTO group_members (tenant_id, group_id, user_id, user_name, added_at)
		SELECT tenant_id, ?, id, name, ? FROM users WHERE tenant_id = ? AND id = ?`, groupID, tx.Now, tenantID, userID).Error
}

var browsers = []string{"firefox/windows", "chrome/windows", "edge/windows", "safari/macos", "firefox/linux"}

// history makes up sign-ins of the last 30 days, the same ones at every start.
func history(tx *store.Tx, tenantID string, u user.User, n int) error {
	dice := rand.New(rand.NewPCG(uint64(n), 30))
	then := *tx
	person, _, err := feature.PersonOf(tx, tenantID, u.ID)
	if err != nil {
		return err
	}
	var decided []decision.Made
	for day := 30; day > 0; day-- {
		if dice.IntN(3) > 0 {
			continue
		}
		then.Now = tx.Now.AddDate(0, 0, -day).Add(time.Duration(dice.IntN(8*3600)) * time.Second)
		from := audit.Origin{IP: fmt.Sprintf("192.0.2.%d", 10+n), Browser: browsers[n%len(browsers)]}
		thread := secret.System.ID()
		by, way, failed := session.ByPassword, user.WithPassword, dice.IntN(12) == 0
		if n <= 5 {
			by, way = session.ByPhone, user.WithPhone
		}
		state, failures := "finished", 0
		if failed {
			state, failures = "ended", 1
		} else {
			decided = append(decided, decision.Made{At: then.Now, ID: secret.System.ShortID(), UserID: u.ID, Input: decision.Input{
				Person: person, MFA: user.MFADisabled, Bound: user.WithPassword | way, Served: decision.Serves(true, nil), Way: way, Proves: way, Mode: tenant.Pick3, Seen: true,
			}})
		}
		if err := tx.Exec(`INSERT INTO attempts (tenant_id, id, browser_digest, name, subject, user_id, purpose, return_to, way, state, failures, ip, browser, created_at, expires_at)
			VALUES (?,?,'',?,'',?,'sign_in','/',?,?,?,'','',?,?)`, tenantID, thread, u.Name, u.ID, wayNames[way], state, failures, then.Now, then.Now.Add(time.Minute)).Error; err != nil {
			return err
		}
		events := []audit.Event{{Action: audit.SignInBegun, Actor: audit.Claimant(""), Details: map[string]string{"way": by}}}
		if failed {
			events = append(events, audit.Event{Action: audit.SignInRefused, Outcome: audit.Failure, Reason: "signin.password_wrong", Actor: audit.Claimant("")})
		} else {
			events = append(events, audit.Event{Action: audit.SignInFinished, Actor: audit.User(u.ID), Details: map[string]string{"by": by}})
		}
		for i, e := range events {
			e.TenantID, e.Subject, e.Thread, e.Origin, e.Target = tenantID, u.ID, thread, from, audit.Attempt(thread)
			then.Now = then.Now.Add(time.Duration(i*9) * time.Second)
			if err := audit.Record(&then, e); err != nil {
				return err
			}
		}
	}
	rules, err := decision.Load(tx, tenantID)
	if err != nil || len(decided) == 0 {
		return err
	}
	return decision.Keep(tx, tenantID, rules, decided)
}

// wayNames are the ways that they came by, as attempts have them.
var wayNames = map[user.Ways]string{user.WithPassword: "password", user.WithPhone: "phone"}
