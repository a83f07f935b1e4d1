package people_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/people"
	"latchkey/app/session"
	"latchkey/app/store"
	"latchkey/app/user"
)

// see is an administrator's look at somebody.
func (o *office) see(viewer, u user.User) people.Person {
	o.T.Helper()
	p, err := o.people.Find(o.T.Context(), viewer.TenantID, viewer.ID, u.ID, time.Time{}, "", audit.Origin{})
	if err != nil {
		o.T.Fatalf("Find by %s: %v", viewer.Name, err)
	}
	return p
}

func TestLookIsMaskedByRole(t *testing.T) {
	each(t, func(o *office) {
		o.PhoneOf(o.nurse)
		o.Set("UPDATE devices SET name = 'Pocket phone' WHERE user_id = ?", o.nurse.ID)
		o.Act(func(tx *store.Tx) error {
			_, _, err := session.Begin(tx, session.Beginning{TenantID: o.Alder.ID, UserID: o.nurse.ID, AMR: session.ByPassword, IP: "203.0.113.77", Browser: "Firefox on Linux"})
			return err
		})
		for _, row := range []struct {
			viewer     user.User
			name, ip   string
			keyLetters int
			events     int
		}{
			{o.desk, "Po…", "203.0.113.0/24", 4, 1},
			{o.auditor, "Po…", "203.0.113.77", 4, 0},
			{o.lead, "Pocket phone", "203.0.113.0/24", 8, 0},
			{o.admin, "Pocket phone", "203.0.113.0/24", 8, 0},
			{o.security, "Pocket phone", "203.0.113.77", 8, 0},
		} {
			before := o.Events(audit.AuthenticatorViewed)
			p := o.see(row.viewer, o.nurse)
			if len(p.Phones) != 1 || p.Phones[0].Name != row.name || len(p.Phones[0].Key) != row.keyLetters {
				t.Errorf("%s sees the phones %+v", row.viewer.Name, p.Phones)
			}
			found := false
			for _, s := range p.Sessions {
				found = found || s.IP == row.ip
			}
			if !found {
				t.Errorf("%s sees the sessions %+v, want the address %s", row.viewer.Name, p.Sessions, row.ip)
			}
			if got := o.Events(audit.AuthenticatorViewed) - before; got != row.events {
				t.Errorf("the look of %s left %d events, want %d", row.viewer.Name, got, row.events)
			}
		}
	})
}

func TestLookFindsNobodyElsewhere(t *testing.T) {
	each(t, func(o *office) {
		look := func(viewer user.User, tenantID, userID string) error {
			_, err := o.people.Find(t.Context(), tenantID, viewer.ID, userID, time.Time{}, "", audit.Origin{})
			return err
		}
		o.limit(o.desk, o.group(o.Alder, "field", o.lead))
		for claim, err := range map[string]error{
			"another tenant's":             look(o.admin, o.Alder.ID, o.stranger.ID),
			"nobody":                       look(o.admin, o.Alder.ID, "none"),
			"outside of one's groups":      look(o.desk, o.Alder.ID, o.nurse.ID),
			"as a stranger in that tenant": look(o.admin, o.Birch.ID, "none"),
		} {
			if !errors.Is(err, fault.NotFound) {
				t.Errorf("%s: %v, want not found", claim, err)
			}
		}
		if err := look(o.nurse, o.Alder.ID, o.lead.ID); !errors.Is(err, fault.Forbidden) {
			t.Errorf("a user looks: %v, want forbidden", err)
		}
		if err := look(o.admin, o.Birch.ID, o.stranger.ID); !errors.Is(err, fault.Forbidden) {
			t.Errorf("an administrator of another tenant looks: %v, want forbidden", err)
		}
		if n := o.Events(audit.AuthenticatorViewed); n != 0 {
			t.Errorf("%d looks are noted, and nobody saw anything", n)
		}
	})
}

// No audit, no look.
func TestLookByTheHelpdeskIsNotedOrDoesNotHappen(t *testing.T) {
	each(t, func(o *office) {
		o.Set("ALTER TABLE audit_events RENAME TO audit_events_elsewhere")
		if _, err := o.people.Find(t.Context(), o.Alder.ID, o.desk.ID, o.nurse.ID, time.Time{}, "", audit.Origin{}); !errors.Is(err, fault.Unavailable) {
			t.Errorf("Find = %v, want unavailable", err)
		}
		o.Set("ALTER TABLE audit_events_elsewhere RENAME TO audit_events")
	})
}

// How much of the history is told (roles.md, audit.read).
func TestHistoryIsToldByRole(t *testing.T) {
	each(t, func(o *office) {
		o.must(o.desk, people.KindEndSessions, o.nurse, nil)
		o.must(o.lead, people.KindEndSessions, o.nurse, nil)
		o.Act(func(tx *store.Tx) error {
			return audit.Record(tx, audit.Event{TenantID: o.Alder.ID, Action: audit.AccessRefused, Actor: audit.User(o.nurse.ID), Target: audit.Tenant(o.Alder.ID), Subject: o.nurse.ID})
		})
		for viewer, want := range map[*user.User]string{
			&o.desk:     "sessions.ended",
			&o.lead:     "sessions.ended sessions.ended",
			&o.admin:    "sessions.ended sessions.ended user.created",
			&o.security: "access.refused sessions.ended sessions.ended user.created",
			&o.auditor:  "access.refused sessions.ended sessions.ended user.created",
		} {
			var got []string
			for _, e := range o.see(*viewer, o.nurse).Story {
				if e.Action != audit.AuthenticatorViewed {
					got = append(got, string(e.Action))
				}
			}
			sorted := strings.Join(sort(got), " ")
			if sorted != want {
				t.Errorf("%s is told %q, want %q", viewer.Name, sorted, want)
			}
		}
		p := o.see(o.admin, o.nurse)
		for _, e := range p.Story {
			if e.Action == audit.SessionsEnded && p.Names[e.ActorID] == "" {
				t.Error("an act in the history has no name")
			}
		}
	})
}

// May offers exactly what would be done.
func TestWhatIsOffered(t *testing.T) {
	each(t, func(o *office) {
		o.PhoneOf(o.nurse)
		for _, row := range []struct {
			claim         string
			actor, target user.User
			want          string
		}{
			{"the helpdesk on a user", o.desk, o.nurse, "authenticator.reset session.end user.lock"},
			{"the helpdesk on its lead", o.desk, o.lead, ""},
			{"an auditor", o.auditor, o.nurse, ""},
			{"on oneself", o.admin, o.admin, ""},
			{"a tenant administrator on a user", o.admin, o.nurse, "authenticator.reset session.end user.disable user.lock user.manager user.mfa:enabled user.mfa:enforced user.password_link user.photo"},
			{"one security administrator on another", o.security, o.second, "session.end! user.disable! user.lock! user.manager! user.mfa:enabled! user.mfa:enforced! user.photo!"},
		} {
			if got := o.offered(row.actor, row.target); got != row.want {
				t.Errorf("%s: %q, want %q", row.claim, got, row.want)
			}
		}
		o.must(o.desk, people.KindLock, o.nurse, nil)
		o.Set("UPDATE users SET mfa_state = 'enforced' WHERE id = ?", o.nurse.ID)
		if got := o.offered(o.desk, o.nurse); got != "authenticator.reset session.end" {
			t.Errorf("the helpdesk on a locked user: %q", got)
		}
		if got := o.offered(o.admin, o.nurse); got != "authenticator.reset session.end user.disable user.manager user.mfa:disabled! user.mfa:enabled! user.photo user.unlock" {
			t.Errorf("an administrator on a locked user: %q", got)
		}
		if got := o.offered(o.admin, o.bare("bare")); got != "session.end user.disable user.invitation user.lock user.manager user.mfa:enabled user.mfa:enforced user.photo" {
			t.Errorf("an administrator on somebody without a way in: %q", got)
		}
		o.must(o.admin, people.KindDisable, o.nurse, nil)
		if got := o.offered(o.admin, o.nurse); got != "authenticator.reset session.end user.enable user.manager user.mfa:disabled! user.mfa:enabled! user.photo" {
			t.Errorf("an administrator on a disabled user: %q", got)
		}
	})
}

func (o *office) offered(actor, target user.User) string {
	o.T.Helper()
	offers, err := o.people.May(o.T.Context(), actor.TenantID, actor.ID, o.see(actor, target))
	if err != nil {
		o.T.Fatal(err)
	}
	var all []string
	for _, offer := range offers {
		text := string(offer.Kind)
		if offer.State != "" {
			text += ":" + offer.State
		}
		if offer.FourEyes {
			text += "!"
		}
		all = append(all, text)
	}
	return strings.Join(sort(all), " ")
}

func TestMaskedAddresses(t *testing.T) {
	for ip, want := range map[string]string{
		"203.0.113.77": "203.0.113.0/24", "::ffff:203.0.113.77": "203.0.113.0/24", "2001:db8:1:2::9": "2001:db8:1::/48",
		"fe80::1%eth0": "fe80::/48", "": "", "somewhere": "", "203.0.113.77:80": "",
	} {
		if got := people.MaskIP(ip); got != want {
			t.Errorf("MaskIP(%q) = %q, want %q", ip, got, want)
		}
	}
}
