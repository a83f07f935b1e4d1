package application_test

import (
	"errors"
	"maps"
	"testing"

	"latchkey/app/access"
	"latchkey/app/application"
	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/fault"
	"latchkey/app/group"
	"latchkey/app/role"
	"latchkey/app/signin/signintest"
)

// TestAnApplicationFromFirstToLast: registered, changed, given another secret, turned
// off and on, deleted, each with its event.
func TestAnApplicationFromFirstToLast(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		a := h.registered(application.Confidential, settings("rota"))
		if a.Name != "rota" || !a.On() || a.Version != 1 || a.SecretAt == nil || h.Events(audit.ApplicationRegistered) != 1 {
			t.Errorf("registered: %+v", a)
		}
		next := a.Settings
		next.Name, next.Frequency, next.Strength = "  Rota \t board ", 30, "mfa"
		h.does(application.KindChange, application.Change{ID: a.ID, Version: a.Version, Settings: next})
		if b := h.is(a.ID); b.Name != "Rota board" || b.Frequency != 30 || b.Strength != "mfa" || b.Version != 2 {
			t.Errorf("changed: %+v", b)
		}
		was := h.Text("SELECT secret_digest FROM applications WHERE id = ?", a.ID)
		h.does(application.KindSecret, application.NewSecretOf{ID: a.ID, SecretDigest: application.NewSecret().Digest()})
		if is := h.Text("SELECT secret_digest FROM applications WHERE id = ?", a.ID); is == was || is == "" {
			t.Error("the secret is the old one")
		}
		for _, off := range []bool{true, false} {
			b := h.is(a.ID)
			turned := b.Settings
			turned.SignInsOff = off
			h.does(application.KindChange, application.Change{ID: a.ID, Version: b.Version, Settings: turned})
			if h.is(a.ID).On() == off {
				t.Errorf("turned off: %t, and it is on: %t", off, h.is(a.ID).On())
			}
		}
		h.does(application.KindDelete, application.Deletion{ID: a.ID})
		if _, err := h.Applications.Of(t.Context(), h.Alder.ID, a.ID); !errors.Is(err, fault.NotFound) {
			t.Errorf("deleted: %v", err)
		}
		for action, want := range map[audit.Action]int{audit.ApplicationChanged: 3, audit.ApplicationSecretMade: 1, audit.ApplicationDeleted: 1} {
			if got := h.Events(action); got != want {
				t.Errorf("%d events %s, want %d", got, action, want)
			}
		}
	})
}

// TestWhatGivesMoreWaitsForASecondPerson, and is as it was asked, or not at all.
func TestWhatGivesMoreWaitsForASecondPerson(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		a := h.registered(application.Public, settings("rota"))
		next := a.Settings
		next.Redirects = append(next.Redirects, "https://elsewhere.example/callback")
		out, err := h.try(application.KindChange, application.Change{ID: a.ID, Version: a.Version, Settings: next})
		if err != nil || !out.Waits() || len(h.is(a.ID).Redirects) != 1 {
			t.Fatalf("one more address: %+v, %v", out, err)
		}
		if err := h.Approvals.Approve(t.Context(), h.Alder.ID, out.RequestID, h.second.ID, approval.Given{}); err != nil {
			t.Fatal(err)
		}
		if b := h.is(a.ID); len(b.Redirects) != 2 || b.Version != 2 {
			t.Errorf("approved: %+v", b)
		}
		wider := next
		wider.Redirects = append(wider.Redirects, "https://third.example/callback")
		out, err = h.try(application.KindChange, application.Change{ID: a.ID, Version: 2, Settings: wider})
		if err != nil || !out.Waits() {
			t.Fatalf("a third address: %+v, %v", out, err)
		}
		start := next
		start.Start = "https://elsewhere.example/"
		if out, err := h.try(application.KindChange, application.Change{ID: a.ID, Version: 2, Settings: start}); err != nil || !out.Waits() {
			t.Errorf("another place where everybody begins: %+v, %v", out, err)
		}
		tighter := next
		tighter.Frequency = 5
		h.does(application.KindChange, application.Change{ID: a.ID, Version: 2, Settings: tighter})
		if err := h.Approvals.Approve(t.Context(), h.Alder.ID, out.RequestID, h.second.ID, approval.Given{}); err == nil || len(h.is(a.ID).Redirects) != 2 {
			t.Errorf("approved after another change: %v, %+v", err, h.is(a.ID))
		}
	})
}

func TestWhatCannotBeAnApplication(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		a := h.registered(application.Public, settings("rota"))
		field := func(claim, field, code string, kind approval.Kind, parameters any) {
			t.Helper()
			_, err := h.try(kind, parameters)
			if f := fault.Of(err); f == nil || f.Fields[field] != code {
				t.Errorf("%s: %v, want %s at %s", claim, err, code, field)
			}
		}
		register := func(change func(r *application.Registration)) application.Registration {
			r := application.Registration{ID: application.NewID(), Kind: application.Public, Settings: settings("other")}
			change(&r)
			return r
		}
		field("without a name", "name", "application.name_form", application.KindRegister, register(func(r *application.Registration) { r.Name = " " }))
		field("a name that is taken", "name", "application.name_taken", application.KindRegister, register(func(r *application.Registration) { r.Name = "ROTA" }))
		field("without an address", "redirects", "application.redirects_missing", application.KindRegister, register(func(r *application.Registration) { r.Redirects = []string{" ", ""} }))
		field("an address that is none", "redirects", "application.uris_form", application.KindRegister, register(func(r *application.Registration) { r.Redirects = []string{"http://app.example/"} }))
		field("a start that is none", "start", "application.start_form", application.KindRegister, register(func(r *application.Registration) { r.Start = "javascript:alert(1)" }))
		field("more than a day", "frequency", "application.frequency_form", application.KindRegister, register(func(r *application.Registration) { r.Frequency = 1441 }))
		field("a strength that nobody knows", "strength", "application.strength_form", application.KindRegister, register(func(r *application.Registration) { r.Strength = "gold" }))
		field("a kind that nobody knows", "kind", "application.kind_form", application.KindRegister, register(func(r *application.Registration) { r.Kind = "trusted" }))
		field("a group of nobody", "groups", "group.unknown", application.KindRegister, register(func(r *application.Registration) { r.Groups = []string{"nobody"} }))
		refused := func(code string, kind approval.Kind, parameters any) {
			t.Helper()
			if _, err := h.try(kind, parameters); fault.Of(err) == nil || fault.Of(err).Code != code {
				t.Errorf("%s = %v, want %s", kind, err, code)
			}
		}
		refused("application.same", application.KindChange, application.Change{ID: a.ID, Version: a.Version, Settings: a.Settings})
		other := a.Settings
		other.Name = "Another"
		refused("application.changed_meanwhile", application.KindChange, application.Change{ID: a.ID, Version: a.Version + 1, Settings: other})
		refused("application.no_secret", application.KindSecret, application.NewSecretOf{ID: a.ID, SecretDigest: "x"})
		refused("http.not_found", application.KindDelete, application.Deletion{ID: "nobody"})
	})
}

// TestOneOfTwoChangesAtOnceHolds: who has not read the other one changes nothing.
func TestOneOfTwoChangesAtOnceHolds(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		a := h.registered(application.Public, settings("rota"))
		errs := signintest.AtOnce(6, func(i int) error {
			next := a.Settings
			next.Frequency = 10 + i
			_, err := h.try(application.KindChange, application.Change{ID: a.ID, Version: a.Version, Settings: next})
			return err
		})
		if got := signintest.Tally(errs); got["done"] != 1 || got["application.changed_meanwhile"] != 5 || h.is(a.ID).Version != 2 {
			t.Errorf("six changes at once = %v, version %d", got, h.is(a.ID).Version)
		}
	})
}

// TestOnlySecurityAdministratorsOfTheTenant look after its applications.
func TestOnlySecurityAdministratorsOfTheTenant(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		a := h.registered(application.Public, settings("rota"))
		next := a.Settings
		next.Frequency = 5
		change := application.Change{ID: a.ID, Version: a.Version, Settings: next}
		for claim, actor := range map[string]string{
			"a tenant administrator": h.Admin(h.Alder, "admin", access.RoleTenantAdministrator).ID,
			"somebody":               h.User(h.Alder, "user1").ID,
			"birch's":                h.Admin(h.Birch, "security", access.RoleSecurityAdministrator).ID,
		} {
			act := approval.Act{Kind: application.KindChange, TenantID: h.Alder.ID, ActorID: actor, Reason: "for a story"}
			if _, err := h.Approvals.Submit(t.Context(), act.With(change)); err == nil {
				t.Errorf("%s changed it", claim)
			}
			act = approval.Act{Kind: application.KindChange, TenantID: h.Birch.ID, ActorID: actor, Reason: "for a story"}
			if _, err := h.Approvals.Submit(t.Context(), act.With(change)); err == nil {
				t.Errorf("%s changed it under birch", claim)
			}
		}
		if h.is(a.ID).Version != 1 {
			t.Error("it has changed")
		}
	})
}

// TestAnApplicationForAGroup stands on the start page of its members alone, and keeps
// the group: without it, it would be for everybody.
func TestAnApplicationForAGroup(t *testing.T) {
	houses(t, func(t *testing.T, h *house) {
		member, other := h.User(h.Alder, "user1"), h.User(h.Alder, "user2")
		id := h.group("ward", member)
		s := settings("rota")
		s.Start, s.Groups = "https://rota.example/", []string{id}
		a := h.registered(application.Public, s)
		starts := func(userID string) int {
			all, err := h.Applications.For(t.Context(), h.Alder.ID, userID)
			if err != nil {
				t.Fatal(err)
			}
			return len(all)
		}
		if starts(member.ID) != 1 || starts(other.ID) != 0 {
			t.Errorf("a member starts %d, somebody else %d", starts(member.ID), starts(other.ID))
		}
		roles := &role.Service{DB: h.DB, Keys: h.Keys, Rules: h.Rules, Approvals: h.Approvals}
		groups := &group.Service{DB: h.DB, Rules: h.Rules, Roles: roles}
		maps.Copy(h.Approvals.Performers, groups.Performers())
		remove := group.Deletion{Group: id, Confirmed: "ward"}
		if _, err := h.try(group.KindDelete, remove); fault.Of(err) == nil || fault.Of(err).Code != "group.limits_application" {
			t.Errorf("deleting its group = %v", err)
		}
		everybody := a.Settings
		everybody.Groups = nil
		if out, err := h.try(application.KindChange, application.Change{ID: a.ID, Version: a.Version, Settings: everybody}); err != nil || !out.Waits() {
			t.Errorf("for everybody: %+v, %v; want it to wait", out, err)
		}
		h.does(application.KindDelete, application.Deletion{ID: a.ID})
		h.does(group.KindDelete, remove)
	})
}
