package bypass_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/app/approval"
	"latchkey/app/audit"
	"latchkey/app/bypass"
	"latchkey/app/callercheck"
	rules "latchkey/app/desk"
	"latchkey/app/fault"
	. "latchkey/app/signin/signintest"
	"latchkey/app/user"
)

// TestTheWordsOfTheDeskAreTheseHere: package desk says what a tenant may allow, in words
// of packages that it does not know.
func TestTheWordsOfTheDeskAreTheseHere(t *testing.T) {
	same := func(what string, ours, theirs []string) {
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: %v here, %v there", what, ours, theirs)
		}
	}
	same("kinds", said(bypass.Kinds), rules.Kinds)
	same("deliveries", said(bypass.Deliveries), rules.Deliveries)
	same("ways", said(callercheck.Ways), rules.Ways)
}

func said[T ~string](all []T) (texts []string) {
	for _, one := range all {
		texts = append(texts, string(one))
	}
	return texts
}

// reasons makes the list of a tenant.
func (d *desk) reasons(all ...rules.Reason) {
	d.T.Helper()
	d.Set("UPDATE tenants SET desk_reasons = ? WHERE id = ?", rules.Reasons(all).Text(), d.Alder.ID)
}

// by asks for a bypass of the nurse by a reason, with nothing else said.
func (d *desk) by(code, own, ticket string) (string, approval.Outcome, error) {
	d.T.Helper()
	a := bypass.Asked{ID: d.wants(d.agent, d.nurse).ID, Check: d.proved(d.agent, d.nurse), Reason: code}
	if code == "" {
		a.Delivery = bypass.ReadOut
	}
	out, err := d.bypasses.Ask(d.T.Context(), approval.Act{TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Reason: own, Ticket: ticket}, a)
	return a.ID, out, err
}

func (d *desk) gone() {
	d.Set("DELETE FROM disownings")
	d.Set("DELETE FROM bypasses")
	d.Set("DELETE FROM throttles")
}

// TestWhatIsUsualForAReason: it comes along, words and all, and stays what it was.
func TestWhatIsUsualForAReason(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		lost := rules.Reason{Code: "lost", Words: "Phone lost", Minutes: 30, Kind: "pass_code", Delivery: "read_out"}
		d.reasons(lost, rules.Reason{Code: "flat", Words: "Battery is flat", Kind: "skip"}, rules.Reason{Code: "other", Words: "Something else"})
		id, _, err := d.by("lost", "", "")
		if err != nil {
			t.Fatal(err)
		}
		kept := func(id string) string {
			return d.Text("SELECT kind || '|' || delivery || '|' || minutes || '|' || reason || '|' || reason_code || '|' || reason_words FROM bypasses WHERE id = ?", id)
		}
		if got := kept(id); got != "pass_code|read_out|30|Phone lost|lost|Phone lost" {
			t.Errorf("by its reason it is %s", got)
		}
		if got := d.Text("SELECT reason_code || '|' || reason_words FROM cases WHERE user_id = ?", d.nurse.ID); got != "lost|Phone lost" {
			t.Errorf("the case says %s", got)
		}
		// It goes: what was given keeps its words.
		d.reasons(rules.Reason{Code: "lost", Words: "Another text"})
		row, _, err := d.bypasses.Find(t.Context(), d.Rules.Standing(d.Alder.ID, d.agent.ID), id)
		if err != nil || row.ReasonWords != "Phone lost" || row.Reason != "Phone lost" {
			t.Errorf("afterwards it reads %+v, %v", row, err)
		}
		d.gone()
		d.reasons(lost, rules.Reason{Code: "flat", Words: "Battery is flat", Kind: "skip"}, rules.Reason{Code: "other", Words: "Something else"})
		if id, _, err = d.by("flat", "at the hotel", ""); err != nil || kept(id) != "skip||60|Battery is flat: at the hotel|flat|Battery is flat" {
			t.Errorf("with words of one's own: %s, %v", kept(id), err)
		}
		d.gone()
		// What a reason leaves open is what is possible: they have no backup phone.
		if id, _, err = d.by("other", "", ""); err != nil || kept(id) != "pass_code|read_out|60|Something else|other|Something else" {
			t.Errorf("left open: %s, %v", kept(id), err)
		}
		d.gone()
		// What the form says counts more.
		a := d.wants(d.agent, d.nurse)
		a.Reason, a.Minutes = "lost", 20
		if _, err := d.bypasses.Ask(t.Context(), approval.Act{TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID}, a); err != nil || !strings.HasPrefix(kept(a.ID), "pass_code|read_out|20|") {
			t.Errorf("with other minutes: %s, %v", kept(a.ID), err)
		}
	})
}

// TestAReasonIsOneOfTheTenantNow, takes its ticket, and is wanted where the tenant says so.
func TestAReasonIsOneOfTheTenantNow(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.reasons(rules.Reason{Code: "lost", Words: "Phone lost", Ticket: true, Delivery: "read_out"}, rules.Reason{Code: "flat", Words: "Flat", Delivery: "read_out"})
		d.Set("UPDATE tenants SET desk_reasons = ? WHERE id = ?", rules.Reasons{{Code: "theirs", Words: "Theirs"}}.Text(), d.Birch.ID)
		d.Set("UPDATE tenants SET ticket_pattern = 'INC-[0-9]+', ticket_example = 'INC-1042' WHERE id = ?", d.Alder.ID)
		wants := func(claim string, err error, fields string) {
			t.Helper()
			f := fault.Of(err)
			var got []string
			if f != nil {
				for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
					got = append(got, field+" "+f.Fields[field])
				}
			}
			if !errors.Is(err, fault.Invalid) || strings.Join(got, ", ") != fields {
				t.Errorf("%s = %v %v, want %s", claim, err, got, fields)
			}
			if f != nil && f.Fields["ticket"] != "" && f.Detail != "INC-1042" {
				t.Errorf("%s names %q beside the ticket", claim, f.Detail)
			}
		}
		_, _, err := d.by("theirs", "", "")
		wants("of another organisation", err, "reason approval.reason_missing, reason_code desk.reason_gone")
		_, _, err = d.by("theirs", "in my words", "")
		wants("of another organisation, with words", err, "reason_code desk.reason_gone")
		_, _, err = d.by("lost", "", "")
		wants("without its ticket", err, "ticket desk.ticket_needed")
		_, _, err = d.by("lost", "", "CHG-1")
		wants("with a ticket that looks otherwise", err, "ticket desk.ticket_unfit")
		d.Set("UPDATE cases SET ticket = 'CHG-2' WHERE user_id = ?", d.nurse.ID)
		if _, _, err = d.by("lost", "", "CHG-2"); err != nil {
			t.Errorf("with the ticket of its case, which is older than the form: %v", err)
		}
		d.gone()
		_, _, err = d.by("lost", strings.Repeat("x", 500), "CHG-1")
		wants("and words that are too long", err, "reason approval.reason_long, ticket desk.ticket_unfit")
		_, _, err = d.by("", "", "")
		wants("none at all", err, "reason approval.reason_missing")
		if _, _, err = d.by("lost", "", "inc-7"); err != nil {
			t.Errorf("with its ticket: %v", err)
		}
		d.gone()
		d.Set("UPDATE tenants SET own_reasons = FALSE")
		_, _, err = d.by("", "in my words", "")
		wants("in words of one's own, where they do not do", err, "reason_code desk.reason_needed")
		if _, _, err = d.by("flat", "and in my words", ""); err != nil {
			t.Errorf("words beside a reason: %v", err)
		}
		d.gone()
		// It is removed between the page and the act: the parameters say its words of then.
		act := approval.Act{Kind: bypass.KindIssue, TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Reason: "Flat"}
		a := d.wants(d.agent, d.nurse)
		a.Reason, a.ReasonWords = "flat", "Words of before"
		_, err = d.approvals.Submit(t.Context(), act.With(a))
		wants("with other words than it has", err, "reason_code desk.reason_gone")
	})
}

// TestWhatWaitsKeepsItsReason: it is removed, and takes no ticket or another one, before
// somebody approves.
func TestWhatWaitsKeepsItsReason(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.reasons(rules.Reason{Code: "trip", Words: "On a trip", Minutes: 240, Kind: "pass_code", Delivery: "read_out"})
		id, out, err := d.by("trip", "", "CHG-1")
		if err != nil || !out.Waits() {
			t.Fatalf("four hours = %+v, %v", out, err)
		}
		d.reasons()
		d.Set("UPDATE tenants SET own_reasons = FALSE, ticket_pattern = 'INC-[0-9]+', ticket_example = 'INC-1'")
		d.reasons(rules.Reason{Code: "new", Words: "New", Ticket: true})
		if err := d.approvals.Approve(t.Context(), d.Alder.ID, out.RequestID, d.lead.ID, approval.Given{}); err != nil {
			t.Fatalf("approved after the reason was removed: %v", err)
		}
		if got := d.Text("SELECT reason_code || '|' || reason_words || '|' || minutes FROM bypasses WHERE id = ?", id); got != "trip|On a trip|240" {
			t.Errorf("it is %s", got)
		}
	})
}

// TestAWayThatIsNotTaken: neither for the act nor for the code, once it is off or the
// person has a role for which it is.
func TestAWayThatIsNotTaken(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		a := d.wants(d.agent, d.nurse)
		d.Set("UPDATE tenants SET check_ways = 'manager'")
		_, err := d.ask(d.agent, d.nurse, a)
		WantCode(t, "by a way that is off", err, "callercheck.way_off")
		d.Set("UPDATE tenants SET check_ways = 'phone', check_ways_privileged = 'manager'")
		id := d.given(d.agent, d.nurse, a)
		d.Set("UPDATE tenants SET check_ways = 'manager'")
		_, err = d.bypasses.Make(t.Context(), d.Alder.ID, id, d.agent.ID, audit.Origin{})
		WantCode(t, "made after the way was turned off", err, "bypass.not_to_make")
		d.Set("UPDATE tenants SET check_ways = 'phone'")
		if _, err = d.bypasses.Make(t.Context(), d.Alder.ID, id, d.agent.ID, audit.Origin{}); err != nil {
			t.Errorf("made where it is on: %v", err)
		}
		_, err = d.ask(d.admin, d.agent, d.wants(d.admin, d.agent))
		WantCode(t, "for somebody with a role", err, "callercheck.way_off")
		d.Set("UPDATE tenants SET check_ways_privileged = 'phone'")
		if out, err := d.ask(d.admin, d.agent, d.wants(d.admin, d.agent)); err != nil || !out.Waits() {
			t.Errorf("for somebody with a role, where it is on: %+v, %v", out, err)
		}
	})
}

// TestACeilingThatFell holds where a code is made and where it is used, whoever approved
// it: what it lets through ends by it, too.
func TestACeilingThatFell(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		const high = "UPDATE tenants SET bypass_minutes = 480, bypass_uses = 5, bypass_read_out = TRUE, bypass_kinds = 'pass_code,skip', bypass_deliveries = 'second_channel,split'"
		approved := func(change func(a *bypass.Asked)) string {
			t.Helper()
			d.gone()
			d.forward(25 * time.Hour)
			d.Set(high)
			a := d.wants(d.agent, d.nurse)
			change(&a)
			out, err := d.ask(d.agent, d.nurse, a)
			if err == nil && out.Waits() {
				err = d.approvals.Approve(t.Context(), d.Alder.ID, out.RequestID, d.admin.ID, approval.Given{})
			}
			if err != nil {
				t.Fatal(err)
			}
			return a.ID
		}
		for claim, lower := range map[string]string{"no codes": "bypass_kinds = 'skip'", "none read out": "bypass_read_out = FALSE"} {
			id := approved(func(a *bypass.Asked) { a.Minutes = 120 })
			d.Set("UPDATE tenants SET " + lower)
			_, err := d.bypasses.Make(t.Context(), d.Alder.ID, id, d.agent.ID, audit.Origin{})
			WantCode(t, "made: "+claim, err, "bypass.not_to_make")
		}
		pc := Browser("PC")
		made := func(change func(a *bypass.Asked)) (id, code string) {
			t.Helper()
			id = approved(change)
			made, err := d.bypasses.Make(t.Context(), d.Alder.ID, id, d.agent.ID, audit.Origin{})
			if err != nil {
				t.Fatal(err)
			}
			return id, made.Code.Reveal()
		}
		id, code := made(func(a *bypass.Asked) { a.Minutes = 120 })
		d.Set("UPDATE tenants SET bypass_kinds = 'skip'")
		_, err := d.try(d.nurse, code, pc)
		WantCode(t, "used: no codes", err, "signin.refused")
		if d.state(id) != "active" || d.Count("SELECT uses_left FROM bypasses WHERE id = ?", id) != 1 {
			t.Errorf("it is %s", d.state(id))
		}
		d.Set(high)
		if _, err := d.try(d.nurse, code, pc); err != nil {
			t.Errorf("used where codes are back: %v", err)
		}

		_, code = made(func(a *bypass.Asked) { a.Minutes = 120 })
		d.Set("UPDATE tenants SET bypass_minutes = 30")
		d.forward(30 * time.Minute)
		_, err = d.try(d.nurse, code, pc)
		WantCode(t, "used in the last instant of the lower ceiling", err, "signin.refused")
		_, code = made(func(a *bypass.Asked) { a.Minutes = 120 })
		d.Set("UPDATE tenants SET bypass_minutes = 30")
		d.forward(30*time.Minute - time.Second)
		done, err := d.try(d.nurse, code, pc)
		if err != nil || !d.Alive(done.Cookie) {
			t.Fatalf("used before it: %v", err)
		}
		if d.forward(time.Second); d.Alive(done.Cookie) {
			t.Error("what it made outlives the lower ceiling")
		}

		id, code = made(func(a *bypass.Asked) { a.Uses = 3 })
		if _, err := d.try(d.nurse, code, pc); err != nil {
			t.Fatal(err)
		}
		d.Set("UPDATE tenants SET bypass_uses = 1")
		_, err = d.try(d.nurse, code, Browser("another PC"))
		WantCode(t, "used twice, where once is allowed now", err, "signin.refused")
		d.Set("UPDATE tenants SET bypass_uses = 2")
		if _, err := d.try(d.nurse, code, Browser("another PC")); err != nil || d.Count("SELECT uses_left FROM bypasses WHERE id = ?", id) != 1 {
			t.Errorf("used twice, where twice is allowed: %v", err)
		}

		// A skip is made by nobody: it falls with its kind, and is not offered.
		d.Set(high)
		d.Demand(d.nurse, user.MFAEnforced)
		id = approved(func(a *bypass.Asked) { a.Kind = bypass.Skip })
		leads := func() bool {
			t.Helper()
			led, err := d.bypasses.Leads(d.DB.View(t.Context()), d.Alder.ID, d.nurse.ID, "203.0.113.9")
			if err != nil {
				t.Fatal(err)
			}
			return led
		}
		if !leads() {
			t.Error("a skip is not offered")
		}
		d.Set("UPDATE tenants SET bypass_minutes = 30")
		d.forward(30*time.Minute - time.Second)
		if !leads() {
			t.Error("a skip is not offered before the lower ceiling")
		}
		if d.forward(time.Second); leads() {
			t.Error("a skip that is over by the lower ceiling is offered")
		}
		d.Set("UPDATE tenants SET bypass_minutes = 480, bypass_kinds = 'pass_code'")
		if leads() || d.state(id) != "active" {
			t.Errorf("where nothing is skipped it is offered, and is %s", d.state(id))
		}
	})
}

// TestTheTicketOfARevocation stops nobody, whatever it looks like.
func TestTheTicketOfARevocation(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.Set("UPDATE tenants SET ticket_pattern = 'INC-[0-9]+', ticket_example = 'INC-1042'")
		id := d.given(d.agent, d.nurse, d.wants(d.agent, d.nurse))
		act := approval.Act{Kind: bypass.KindRevoke, TenantID: d.Alder.ID, ActorID: d.agent.ID, TargetID: d.nurse.ID, Reason: "they called again", Ticket: "CHG-1"}.With(bypass.Of{ID: id})
		if _, err := d.approvals.Submit(t.Context(), act); err != nil || d.state(id) != "revoked" {
			t.Errorf("under another ticket = %v, and it is %s", err, d.state(id))
		}
	})
}
